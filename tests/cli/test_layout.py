"""What commands print stays readable in a terminal of 80 columns."""

import click
import pytest

from hive_tui.cli.context import KEY, named_options
from hive_tui.cli.main import COMMANDS, cli
from hive_tui.cli.overview import finding_lines
from hive_tui.services.doctor import Finding


def test_the_findings_of_the_doctor_keep_their_columns_and_what_mends_them_stands_below(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COLUMNS", "60")
    findings = [
        Finding("database", "ok", "/home/ada/hive.db is sound"),
        Finding("notifications", "warning", "There is no desktop " * 5, "Set DBUS_SESSION_BUS_ADDRESS to its bus"),
    ]
    lines = finding_lines(findings)
    assert lines[0] == "ok      database       /home/ada/hive.db is sound"
    assert lines[1].startswith("WARN    notifications  There is no desktop")
    assert all(len(line) <= 60 for line in lines)
    assert all(line.startswith(" " * 23) for line in lines[2:])
    assert any(line.strip().startswith("-> Set DBUS_SESSION_BUS_ADDRESS") for line in lines)


def test_the_help_of_a_group_says_what_each_subcommand_does_to_the_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    groups = {name: one for name in COMMANDS if isinstance(one := command_of(name), click.Group)}
    assert {"task", "queue", "install", "http", "schedule"} <= set(groups)
    for name, one in groups.items():
        text = one.get_help(click.Context(one, info_name=name))
        assert "..." not in text.partition("Commands:")[2], name
        assert all(len(line) <= 80 for line in text.splitlines()), name


def command_of(name: str) -> click.Command | None:
    assert isinstance(cli, click.Group)
    return cli.get_command(click.Context(cli), name)


@pytest.mark.parametrize(
    ("given", "said"),
    [({}, ""), ({"home": "x"}, "--home"), ({"home": "x", "tmux_socket": "y"}, "--home and --tmux-socket")],
)
def test_the_demo_names_the_options_that_it_does_not_heed(given: dict[str, str], said: str):
    context = click.Context(click.Command("demo"))
    context.meta.update({KEY + name: value for name, value in given.items()})
    assert named_options(context) == said
