"""What a person sees when tmux, the settings, a name or a workspace is not as it should be; nothing is lost by it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import pytest

from hive_tui.domain.agents import Lifecycle
from tests.e2e.refusals import Bystander, bystander, refused, run
from tests.stage import AGENT, Stage, eventually

ACTS = [["nap", "shop"], ["nap", "--force", "shop"], ["checkpoint", "shop"], ["adopt", "%0"], ["launch", "x", "true"]]
IN_TMUX = [arguments for arguments in ACTS if arguments[0] != "checkpoint"]


@pytest.fixture
def shop(stage: Stage) -> Bystander:
    return bystander(stage)


def path_with(stage: Stage, *programs: str, script: str = "") -> dict[str, str]:
    """A PATH on which only these programs are, and a `tmux` that is the script."""
    folder = stage.folder / "bin"
    folder.mkdir()
    for name in programs:
        (folder / name).symlink_to(shutil.which(name) or name)
    if script:
        (folder / "tmux").write_text(f"#!/bin/sh\nreal={shutil.which('tmux')}\n{script}\n")
        (folder / "tmux").chmod(0o755)
    return {"PATH": str(folder)}


@contextmanager
def hung_tmux(stage: Stage) -> Iterator[None]:
    pid = int(stage.tmux("display-message", "-p", "#{pid}"))
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# --- tmux


def test_without_tmux_nothing_happens_and_it_is_said(stage: Stage, shop: Bystander):
    env = path_with(stage, "git")
    for arguments in IN_TMUX:
        refused(run(stage, *arguments, env=env), "There is no `tmux` program on your PATH.")
    shop.is_unharmed()


def test_with_a_tmux_that_is_too_old_nothing_happens_and_it_is_said(stage: Stage, shop: Bystander):
    env = path_with(stage, "git", script="echo tmux 3.0")
    for arguments in IN_TMUX:
        refused(run(stage, *arguments, env=env), "tmux 3.0 is too old: hive-tui needs 3.2 or newer.")
    shop.is_unharmed()
    shop.still_naps_and_wakes()


def test_with_a_tmux_that_hangs_nothing_happens_and_it_is_said(stage: Stage, shop: Bystander):
    (stage.folder / "config.toml").write_text("[tmux]\ntimeout_s = 0.5\n")
    with hung_tmux(stage):
        for arguments in IN_TMUX:
            refused(run(stage, *arguments), "did not answer within 0.5 s.")
    shop.is_unharmed()
    shop.still_naps_and_wakes()


def test_with_a_tmux_that_hangs_a_wake_is_kept_and_tried_again(stage: Stage, shop: Bystander):
    stage.json("nap", "shop")
    (stage.folder / "config.toml").write_text("[tmux]\ntimeout_s = 0.5\n[retry]\nwaits_s = [0.2, 0.2, 0.2, 0.2]\n")
    with hung_tmux(stage):
        refused(run(stage, "wake", "shop"), "did not answer within 0.5 s.", "tried again in")
    assert stage.stored(shop.agent).lifecycle is Lifecycle.ASLEEP
    assert stage.json("wake", "shop")["session_id"] == shop.agent.session_id


def test_the_agents_are_listed_as_they_were_while_tmux_hangs(stage: Stage, shop: Bystander):
    (stage.folder / "config.toml").write_text("[tmux]\ntimeout_s = 0.5\n")
    with hung_tmux(stage):
        [listed] = stage.json("agents")
        said = stage.command("agents").stderr
    assert (listed["name"], listed["lifecycle"]) == ("shop", "awake")
    assert said.startswith("Note: ") and "did not answer" in said
    shop.is_unharmed()


@pytest.mark.parametrize(
    ("verb", "at", "call"),
    [
        ("nap", "list-panes", 2), ("nap", "capture-pane", 2), ("nap", "set-option", 1), ("nap", "select-pane", 1),
        ("checkpoint", "list-panes", 2), ("checkpoint", "capture-pane", 2), ("adopt", "capture-pane", 1),
        ("adopt", "set-option", 1),
    ],
)  # fmt: skip
def test_a_pane_that_vanishes_between_two_calls_loses_nothing(
    stage: Stage, shop: Bystander, verb: str, at: str, call: int
):
    """The window is closed right before tmux is called with that command for the second (or so) time."""
    stage.shell(stage.folder_for("other"))
    stage.json("checkpoint", "shop")
    calls = stage.folder / "calls"
    env = path_with(
        stage, "git", "cat", "dirname", "wc", "sleep",
        script=f'case "$*" in *{at}*) echo >>{calls}; [ "$(wc -l <{calls})" -eq {call} ] &&'
        f' "$real" -L {stage.socket} kill-pane -t {shop.pane_id} && sleep 0.5;; esac\nexec "$real" "$@"',
    )  # fmt: skip
    done = run(stage, verb, shop.pane_id if verb == "adopt" else "shop", env=env)
    assert len(calls.read_text()) >= call, "it was closed"
    assert "Traceback" not in done.stderr and "made a mistake" not in done.stderr, done.stderr
    if done.returncode != 0:
        refused(done)
    eventually(lambda: not stage.processes_of_session(shop.agent.session_id or ""), "it went with its window")
    stage.look("shop")
    woken = stage.json("wake", "shop")
    assert woken["session_id"] == shop.agent.session_id and woken["resumed"] is True


# --- settings

WRONG_SETTINGS = [
    pytest.param("[retry]\nwait_s = [1]\n", ":2: retry.wait_s is not a setting.", id="wrong key"),
    pytest.param("[rety]\nwaits_s = [1]\n", ":1: rety is not a setting.", id="wrong table"),
    pytest.param("\n[tmux]\n\ntimeout_s = '5'\n", ":4: tmux.timeout_s is '5', but must be a number.", id="wrong type"),
    pytest.param("[retry]\nwaits_s = 5\n", ":2: retry.waits_s is 5, but must be a list of numbers.", id="no list"),
    pytest.param("[notify]\ndesktop = 1\n", ":2: notify.desktop is 1, but must be true or false.", id="no truth"),
    pytest.param("tmux = 5\n", ":1: tmux must be a table.", id="no table"),
    pytest.param("agents = 5\n", ":1: agents must be tables like [agents.NAME].", id="no agents"),
    pytest.param("[agents]\nshop = 5\n", ":2: agents.shop must be a table.", id="no agent"),
    pytest.param("[agents.shop]\nx = 5\n", ":2: agents.shop.x is not a setting.", id="wrong key of an agent"),
    pytest.param("[tmux]\ntimeout_s = -1\n", ":2: tmux.timeout_s is -1, but must be ", id="negative"),
    pytest.param("[tmux]\ntimeout_s = nan\n", ":2: tmux.timeout_s is nan, but must be ", id="no number"),
    pytest.param("[checkpoint]\nhistory_limit_mb = -1\n", ":2: checkpoint.history_limit_mb is -1", id="negative size"),
    pytest.param("[recover]\non_start = 'x'\n", ":2: recover.on_start is 'x', but must be offer or wake.", id="word"),
    pytest.param("[tmux]\ntimeout_s = \n", ":2: ", id="broken TOML"),
    pytest.param("[tmux\n", ":1: ", id="broken table"),
    pytest.param("a = 1\na = 2\n", ":2: ", id="twice"),
]


@pytest.mark.parametrize(("text", "said"), WRONG_SETTINGS)
def test_a_wrong_setting_is_named_with_file_line_and_key(stage: Stage, text: str, said: str):
    file = stage.folder / "config.toml"
    file.write_text(text)
    refused(run(stage, "agents"), f"Error: {file}{said}")
    refused(run(stage, "config", "check"), f"Error: {file}{said}")
    assert not stage.home.exists(), "nothing was begun"


@pytest.mark.parametrize("kind", ["missing", "folder", "binary"])
def test_a_settings_file_that_cannot_be_read_is_named(stage: Stage, kind: str):
    stage.command_line("agents")
    file = stage.folder / "config.toml"
    file.unlink()
    if kind == "folder":
        file.mkdir()
    elif kind == "binary":
        file.write_bytes(b"\xff\xfe\x00")
    line = [word if word != str(file) else str(file) for word in stage.command_line("agents")]
    if kind == "missing":
        file.unlink()
    done = subprocess.run(line, env=stage.environment, capture_output=True, text=True, check=False)
    refused(done, str(file))


def test_settings_that_turn_wrong_harm_no_agent(stage: Stage, shop: Bystander):
    (stage.folder / "config.toml").write_text("[retry]\njitter = 'much'\n")
    for arguments in ACTS:
        refused(run(stage, *arguments), ":2: retry.jitter is 'much', but must be a number.")
    shop.is_unharmed()
    (stage.folder / "config.toml").unlink()
    shop.still_naps_and_wakes()


# --- names

ODD_NAMES = ["a b", "a/b", "../../etc/passwd", "🐝", "x" * 300, "%3", "-x", "two\nlines", "\x1b[31mred", "", "Shop"]


def test_an_odd_name_finds_nobody_and_is_given_to_nobody(stage: Stage, shop: Bystander):
    """Each is tried once as the name of somebody and once as a new name, by one command after the other."""
    finding = cycle([["nap"], ["explain"], ["restore", "--generation", "0", "--yes"]])
    giving: Iterator[Callable[[str], list[str]]] = cycle([
        lambda name: ["rename", "--", "shop", name],
        lambda name: ["adopt", f"--name={name}", shop.pane_id],
        lambda name: ["launch", "--cwd", str(stage.folder), "--", name, *AGENT.split()],
    ])  # fmt: skip
    for name in ODD_NAMES:
        refused(run(stage, *next(finding), "--", name))
        refused(run(stage, *next(giving)(name)), "cannot be an agent's name")
    assert len(stage.tmux("list-panes", "-a").splitlines()) == 1
    shop.is_unharmed()


def test_a_name_that_is_taken_is_given_to_no_second_agent(stage: Stage, shop: Bystander):
    other = stage.agent_in_shell("bakery")
    stage.look("bakery")
    for arguments in (
        ["rename", "bakery", "shop"],
        ["adopt", other, "--name", "shop"],
        ["launch", "shop", "--", *AGENT.split()],
    ):
        refused(run(stage, *arguments), "The name 'shop' is taken")
    assert sorted(agent["name"] for agent in stage.json("agents")) == ["bakery", "shop"]
    assert len(stage.tmux("list-panes", "-a").splitlines()) == 2


def test_an_unknown_agent_is_refused_by_every_command(stage: Stage, shop: Bystander):
    for verb in ("nap", "wake", "pin", "unpin", "forget", "explain", "checkpoint", "resume-command"):
        refused(run(stage, verb, "nobody"), "There is no agent 'nobody'.", "Known agents: shop.")
    refused(run(stage, "restore", "nobody", "-g", "1", "--yes"), "There is no agent and no checkpoint 'nobody'.")
    refused(run(stage, "restore", "shop", "--generation", "7", "--yes"))
    refused(run(stage, "validate", "nobody"))
    for verb in ("cancel", "retry"):
        refused(run(stage, "queue", verb, "no-such-id"))
    refused(run(stage, "adopt", "%4000"), "There is no pane %4000.")
    refused(run(stage, "adopt", "nonsense; rm"), "There is no pane")
    shop.is_unharmed()


@pytest.mark.parametrize(
    "arguments",
    [["frobnicate"], ["nap"], ["nap", "-x"], ["wake", "shop", "--priority", "high"], ["agents", "more"],
     ["wake", "shop", "--at", "9:00", "--in", "1h"]],
    ids=" ".join,
)  # fmt: skip
def test_a_command_that_does_not_exist_or_is_used_wrong_exits_2(stage: Stage, shop: Bystander, arguments: list[str]):
    done = run(stage, *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert "Error: " in done.stderr and "Traceback" not in done.stderr
    shop.is_unharmed()


def test_all_and_a_name_together_put_nobody_to_sleep(stage: Stage, shop: Bystander):
    done = run(stage, "nap", "--all", "shop")
    assert done.returncode == 2 and "not both" in done.stderr
    shop.is_unharmed()


@pytest.mark.parametrize("option", ["--in", "--at"])
def test_a_time_that_is_none_is_refused(stage: Stage, shop: Bystander, option: str):
    stage.json("nap", "shop")
    done = run(stage, "wake", "shop", option, "soon")
    assert done.returncode == 2 and "'soon'" in done.stderr and "Write it like" in done.stderr
    assert stage.json("queue") == []


def test_a_wakeup_that_is_over_is_neither_cancelled_nor_postponed(stage: Stage, shop: Bystander):
    stage.json("nap", "shop")
    done = stage.json("wake", "shop")["wakeup_id"]
    refused(run(stage, "queue", "cancel", done), "is completed and cannot be cancelled.")
    refused(run(stage, "queue", "retry", done), "is completed and cannot be retried.")
    refused(run(stage, "queue", "postpone", done, "1h"), "is completed and cannot be postponed.")


def test_a_folder_that_is_not_there_is_refused_for_a_launch(stage: Stage):
    stage.shell(stage.folder)
    refused(run(stage, "launch", "ada", "--cwd", "/no/such/folder", "--", "cat"), "There is no folder /no/such/folder.")
    refused(run(stage, "launch", "ada", "--", "echo", "two\nlines"), "control character")
    refused(run(stage, "launch", "ada", "--", "/no/such/program"), "ended at once")
    assert len(stage.tmux("list-panes", "-a").splitlines()) == 1
    assert stage.json("agents") == []


def test_a_home_that_is_a_file_is_refused(stage: Stage):
    stage.home.write_text("not a folder")
    refused(run(stage, "agents"), str(stage.home))
    assert stage.home.read_text() == "not a folder"


def test_a_relative_home_below_a_missing_folder_is_made(stage: Stage, tmp_path: Path):
    done = run(stage, "agents", "--json", "--home", "some/where/new")
    assert done.returncode == 0 and (stage.folder / "some/where/new/hive.db").exists()
