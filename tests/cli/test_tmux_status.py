"""The hive in the status line of tmux: the line itself, and how it gets there and away again."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hive_tui.cli.strip import SILENT_S, line
from hive_tui.domain.agents import Activity, Lifecycle
from hive_tui.services.sign_of_life import SignOfLife
from hive_tui.store import agents, settings, unread
from hive_tui.store.database import Database
from tests.builders import an_agent, an_ended_agent
from tests.clocks import FakeClock
from tests.migrated import migrated
from tests.stage import CLOCK, Stage

SETTINGS = 'set -g mouse on\nset -g status-right "mine, #{host}"'


@pytest.fixture
def conf(stage: Stage) -> Path:
    path = stage.folder / ".tmux.conf"
    path.write_text(SETTINGS)
    return path


def asked(stage: Stage, *words: str) -> str:
    done = stage.command("status", "--tmux", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def fill(stage: Stage) -> None:
    database, now = stage.hive.database, CLOCK.now()
    for agent in (
        an_agent("ada", activity=Activity.PERMISSION),
        an_agent("bob", activity=Activity.IDLE),
        an_agent("cyd", activity=Activity.WORKING),
        an_ended_agent("dan", lifecycle=Lifecycle.ASLEEP),
    ):
        database.write(agents.add, agent, now=now)
    database.write(unread.mark, "id-of-bob", now=now)
    database.write(settings.put, settings.HEARTBEAT, {}, now=now)


def test_the_line_tells_who_needs_you_and_counts_the_others(stage: Stage):
    assert asked(stage) == "no agents\n"
    fill(stage)
    assert asked(stage) == "! ada permission · 1 working · 1 done · 1 asleep\n"
    assert asked(stage, "--width", "20") == "! ada · 1w 1d 1z\n"
    stage.hive.database.write(settings.put, settings.PAUSED, True, now=CLOCK.now())
    assert asked(stage, "--width=90").startswith("PAUSED · ! ada permission")


def test_a_heartbeat_that_rests_may_be_silent_for_longer(tmp_path: Path):
    database = Database(migrated(tmp_path / "hive.db"), CLOCK)
    database.write(agents.add, an_ended_agent("dan", lifecycle=Lifecycle.ASLEEP), now=CLOCK.now())
    signed_at = CLOCK.now() - timedelta(seconds=SILENT_S + 20)
    for is_at_rest in (False, True):
        sign = SignOfLife(database, FakeClock(signed_at), "it", longest_s=60.0)
        sign.give(is_at_rest=is_at_rest)
        assert ("not watched" in line(str(tmp_path), 60)) is not is_at_rest
    database.close()


def test_both_ways_to_ask_for_it_say_the_same(stage: Stage):
    fill(stage)
    words = ("-m", "hive_tui", "status", "--tmux", "--width", "50", "--home", str(stage.home))
    fast = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    assert fast.stdout == asked(stage, "--width", "50")


def test_asking_imports_nothing_heavy(stage: Stage):
    fill(stage)
    code = (
        f"import sys; sys.argv = ['hive-tui', 'status', '--tmux', '--home', {str(stage.home)!r}]\n"
        "from hive_tui.__main__ import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'click', 'sqlmodel', 'textual', 'json', 'dataclasses', 'pathlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_it_is_put_into_the_settings_and_taken_out_to_the_byte(stage: Stage, conf: Path):
    told = stage.command("install", "tmux-status", "--dry-run")
    assert "+if-shell" in told.stdout and conf.read_text() == SETTINGS, "it shows, and changes nothing"
    refused = stage.command("install", "tmux-status")
    assert refused.returncode != 0 and conf.read_text() == SETTINGS, "nobody has said yes"
    [done] = stage.json("install", "tmux-status", "--yes")
    assert done["changed"] and Path(done["backup"]).read_text() == SETTINGS
    once = conf.read_text()
    assert not stage.json("install", "tmux-status", "--yes")[0]["would_change"]
    assert conf.read_text() == once
    assert stage.json("uninstall", "tmux-status", "--yes")[0]["changed"]
    assert conf.read_text() == SETTINGS


def test_what_a_person_wrote_meanwhile_stays(stage: Stage, conf: Path):
    stage.json("install", "tmux-status", "--yes")
    conf.write_text(f"# above\n{conf.read_text()}# below\n")
    stage.json("uninstall", "tmux-status", "--yes")
    assert conf.read_text() == f"# above\n{SETTINGS}\n# below\n"


def test_a_file_that_was_made_for_it_is_removed_again(stage: Stage):
    path = stage.folder / ".tmux.conf"
    assert stage.json("install", "tmux-status", "--yes")[0]["path"] == str(path)
    stage.json("uninstall", "tmux-status", "--yes")
    assert not path.exists()


def test_a_link_is_left_alone(stage: Stage, conf: Path):
    kept = conf.rename(stage.folder / "dotfile")
    conf.symlink_to(kept)
    done = stage.command("install", "tmux-status", "--yes")
    assert done.returncode == 1 and "symbolic link" in done.stderr and "--file" in done.stderr
    assert kept.read_text() == SETTINGS
    assert stage.json("install", "tmux-status", "--yes", "--file", str(kept))[0]["changed"]


def test_tmux_shows_it_once_however_often_its_settings_are_read(stage: Stage, conf: Path):
    fill(stage)
    stage.json("install", "tmux-status", "--yes")
    stage.shell(stage.folder)
    stage.tmux("source-file", str(conf))
    first = stage.tmux("show-options", "-gv", "status-right")
    stage.tmux("source-file", str(conf))
    assert stage.tmux("show-options", "-gv", "status-right") == first
    assert first.startswith("mine, ") and first.count("status --tmux") == 1
    command = first.partition("#(")[2].partition(")")[0]
    shown = subprocess.run(command, shell=True, env=stage.environment, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("! ada permission")
