"""The command line as scripts rely on it: exit codes, JSON, sentences."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hive_tui.config import load
from hive_tui.domain.agents import Lifecycle
from hive_tui.settings import Settings
from hive_tui.store import checkpoints
from tests.stage import AGENT, ROOT, Stage, eventually


def test_the_whole_life_of_an_agent_by_commands_alone(stage: Stage):
    folder = stage.repository("shop")
    pane_id = stage.agent_in_shell("shop", folder=folder, said="remember the plum")
    [agent] = stage.json("agents")
    assert agent["name"] == "shop" and agent["kind"] == "scripted"
    assert agent["lifecycle"] == "awake" and agent["activity"] == "idle"
    assert agent["pane_id"] == pane_id and agent["cwd"] == str(folder)
    assert agent["memory_bytes"] > 1_000_000 and agent["age_seconds"] >= 0
    assert agent["last_checkpoint_at"] is None and agent["next_wake_at"] is None

    nap = stage.json("nap", "shop", "--reason", "lunch")
    assert nap["agent"] == "shop" and nap["freed_bytes"] > 1_000_000 and nap["processes_ended"] == 1
    [asleep] = stage.json("agents")
    assert (asleep["lifecycle"], asleep["reason"], asleep["pid"]) == ("asleep", "lunch", None)
    assert asleep["last_checkpoint_at"].endswith("Z")

    [checkpoint] = stage.json("checkpoints", "shop")
    assert checkpoint["id"] == nap["checkpoint_id"] and checkpoint["generation"] == 0
    assert checkpoint["is_valid"] is True and checkpoint["validation_errors"] == []
    assert len(checkpoint["sha256"]) == 64 and Path(checkpoint["path"]).stat().st_size == checkpoint["size_bytes"]
    assert stage.json("validate", checkpoint["id"], "--deep")["is_valid"] is True

    wake = stage.json("wake", "shop", "--message", "what did I say?")
    assert wake["resumed"] is True and wake["session_id"] == agent["session_id"]
    assert wake["generation"] == 0 and wake["fallbacks"] == 0
    eventually(lambda: "[remember the plum]" in stage.screen(pane_id), "the conversation is back")
    [done] = stage.json("queue")
    assert done["id"] == wake["wakeup_id"] and done["status"] == "completed" and done["attempts"] == 1


def test_agents_prints_a_table_for_people(stage: Stage):
    stage.agent_in_shell("shop")
    done = stage.command("agents")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split()[:3] == ["NAME", "KIND", "STATE"]
    assert done.stdout.splitlines()[1].split()[:3] == ["shop", "scripted", "idle"]


def test_where_no_agents_are_it_is_said_how_other_programs_are_taken_in(stage: Stage):
    stage.shell(stage.folder_for("shop"))
    done = stage.command("agents")
    assert done.returncode == 0 and "No agents" in done.stdout and "`hive-tui adopt %PANE`" in done.stdout


def test_a_tmux_server_that_is_not_there_is_said_and_is_no_failure(stage: Stage):
    done = stage.command("agents", "--json")
    assert done.returncode == 0 and json.loads(done.stdout) == []
    assert "No tmux server runs" in done.stderr


def test_an_unknown_agent_is_one_sentence_and_a_hint(stage: Stage):
    stage.agent_in_shell("shop")
    done = stage.command("nap", "nobody")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines() == ["Error: There is no agent 'nobody'.", "Hint: Known agents: shop."]


@pytest.mark.parametrize(
    "arguments",
    [["nap"], ["frobnicate"], ["wake"], ["wake", "a", "--priority", "101"], ["agents", "--frob"], ["validate"]],
)
def test_wrong_usage_exits_2_without_a_traceback(stage: Stage, arguments: list[str]):
    done = stage.command(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and done.stderr


def test_the_dashboard_needs_a_terminal(stage: Stage):
    done = stage.command()
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The dashboard needs a terminal.")


def test_global_options_may_stand_behind_the_command(stage: Stage):
    done = subprocess.run(
        [sys.executable, *"-m hive_tui agents --json --home".split(), str(stage.home), "--tmux-socket", stage.socket],
        env=stage.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and json.loads(done.stdout) == []
    assert (stage.home / "hive.db").exists()


def test_a_wrong_setting_is_named_with_file_line_and_key(stage: Stage):
    (stage.folder / "config.toml").write_text("[retry]\njitter = 0.1\nwait_s = [1]\n")
    done = stage.command("agents")
    assert done.returncode == 1
    assert f"{stage.folder}/config.toml:3: retry.wait_s is not a setting." in done.stderr
    assert "Hint: Known here: jitter, waits_s." in done.stderr


def test_a_missing_tmux_is_one_sentence(stage: Stage, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    done = subprocess.run(
        stage.command_line("doctor"),
        env={**stage.environment, "PATH": str(tmp_path / "bin")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "There is no `tmux` program on your PATH." in done.stdout
    assert "Traceback" not in done.stderr


def test_an_old_tmux_is_one_sentence(stage: Stage, tmp_path: Path):
    fake = tmp_path / "bin" / "tmux"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'tmux 3.0a'\n")
    fake.chmod(0o755)
    done = subprocess.run(
        stage.command_line("serve"),
        env={**stage.environment, "PATH": f"{fake.parent}:/usr/bin:/bin"},
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("Error: tmux 3.0a is too old: hive-tui needs 3.2 or newer.")


def test_a_database_that_is_none_is_one_sentence(stage: Stage):
    stage.home.mkdir(parents=True)
    (stage.home / "hive.db").write_bytes(b"this is no database, " * 200)
    done = stage.command("agents")
    assert done.returncode == 1
    assert "cannot be used: file is not a database" in done.stderr and "Hint:" in done.stderr


def test_a_newer_database_is_refused_and_not_touched(stage: Stage):
    import sqlite3

    stage.json("agents")
    path = stage.home / "hive.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    done = stage.command("agents")
    assert done.returncode == 1
    assert "was written by a newer hive-tui (its schema is version 99" in done.stderr
    assert path.read_bytes() == before


def test_launch_starts_an_agent_under_a_name(stage: Stage):
    folder = stage.folder_for("shop")
    launched = stage.json("launch", "ada", "--cwd", str(folder), "--", *AGENT.split())
    assert (launched["name"], launched["origin"], launched["hosting"]) == ("ada", "launched", "command")
    assert launched["cwd"] == str(folder)
    again = stage.command("launch", "ada", "--", "true")
    assert again.returncode == 1 and "The name 'ada' is taken by another agent." in again.stderr


@pytest.mark.parametrize("name", ["", "Ada", "a b", "../x", "ä", "-x", "a" * 33])
def test_an_odd_name_is_refused(stage: Stage, name: str):
    done = stage.command("launch", "--cwd", str(stage.folder), "--", name, "true")
    assert done.returncode == 1
    assert "cannot be an agent's name" in done.stderr


def test_a_launched_command_that_ends_at_once_is_an_error(stage: Stage):
    stage.shell(stage.folder)
    done = stage.command("launch", "ada", "--", "false")
    assert done.returncode == 1
    assert "ended at once" in done.stderr
    assert "Panes that are there" not in done.stderr and "check its spelling" in done.stderr


def test_adopt_names_an_agent_and_takes_other_programs_as_generic(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    assert stage.json("adopt", pane_id, "--name", "ada")["name"] == "ada"
    other = stage.shell(stage.folder_for("tool"))
    done = stage.command("adopt", other)
    assert done.returncode == 1 and f"Only a shell runs in pane {other}." in done.stderr
    stage.type(other, "cat")
    eventually(lambda: stage.libtmux_pane(other).pane_current_command == "cat")
    adopted = stage.json("adopt", other)
    assert (adopted["name"], adopted["kind"], adopted["activity"]) == ("tool", "generic", "unknown")
    refused = stage.command("nap", "tool")
    assert refused.returncode == 1 and "no conversation id is known" in refused.stderr
    said = stage.command("explain", "tool").stdout
    assert "conversation unknown: nothing is known about the conversations of this kind\n" in said
    gone = stage.command("adopt", "%99")
    assert gone.returncode == 1 and "There is no pane %99." in gone.stderr


def test_rename_pin_and_forget(stage: Stage):
    stage.agent_in_shell("shop")
    assert stage.json("rename", "shop", "ada")["name"] == "ada"
    assert stage.json("pin", "ada")["pinned"] is True
    refused = stage.command("nap", "ada")
    assert refused.returncode == 1 and "it is pinned" in refused.stderr
    stage.json("unpin", "ada")
    running = stage.command("forget", "ada")
    assert running.returncode == 1 and "it would be found again" in running.stderr
    stage.json("nap", "ada")
    assert stage.json("forget", "ada")["forgotten"] is True
    assert stage.json("agents") == []
    assert len(stage.json("checkpoints")) == 1, "its checkpoint stays"


def test_resume_command_prints_what_revives_the_agent_without_us(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    line = stage.command("resume-command", "shop").stdout.strip()
    assert line == f"cd {agent.cwd} && {AGENT} --resume {agent.session_id}"
    pane_id = stage.shell(Path("/"))
    stage.type(pane_id, line)
    eventually(lambda: stage.look().lifecycle is Lifecycle.AWAKE, "the hive sees it come back by itself")


def test_explain_says_who_won_and_what_speaks_against_a_nap(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.type(pane_id, "/ask rm -rf /")
    eventually(lambda: "Allow to run" in stage.screen(pane_id))
    explained = stage.json("explain", "shop")
    assert explained["claims"][0] == {
        "activity": "permission",
        "source": "status file",
        "detail": "its status file says permission",
        "counts": True,
        "why": "it counts first",
    }
    assert [veto["rule"] for veto in explained["vetoes"]] == ["permission"]
    said = stage.command("explain", "shop").stdout
    assert explained["is_heard"] and "not heard" not in said, "this kind reports nothing in that way"
    assert "against nap  it waits for your answer (permission)" in said
    assert " ago, by " in next(line for line in said.splitlines() if "sign of life" in line)
    resume = f"{AGENT} --resume {stage.look().session_id}"
    assert explained["wake"] == ["does nothing: it is awake", f"after a nap it runs `{resume}`"]


def test_a_command_says_that_it_cannot_hear_what_a_pane_reports(stage: Stage):
    kinds = stage.folder / "kinds"
    kinds.mkdir()
    (kinds / "scripted.toml").write_text("[terminal]\nlisten = true\n")
    stage.agent_in_shell("shop")
    assert stage.json("explain", "shop")["is_heard"] is False
    assert "not heard    what it reports by escape sequences" in stage.command("explain", "shop").stdout


def test_wake_later_is_kept_in_the_queue(stage: Stage):
    stage.agent_in_shell("shop")
    stage.nap()
    asked = stage.json("wake", "shop", "--in", "2h", "--key", "k1", "--priority", "42")
    again = stage.json("wake", "shop", "--in", "2h", "--key", "k1")
    assert asked["wakeup_id"] == again["wakeup_id"]
    [row] = stage.json("queue", "list")
    assert (row["status"], row["priority"], row["idempotency_key"]) == ("pending", 42, "k1")
    [agent] = stage.json("agents")
    assert agent["next_wake_at"] == row["scheduled_for"]
    assert stage.json("queue", "cancel", row["id"])["status"] == "cancelled"
    assert stage.command("wake", "shop", "--in", "2h").stdout == "shop is woken in 2h.\n", "not in 1h 59m"
    [row] = stage.json("queue", "list", "--status", "pending")
    stage.json("queue", "cancel", row["id"])
    refused = stage.command("queue", "retry", row["id"])
    assert refused.returncode == 1 and "cancelled and cannot be retried" in refused.stderr


def test_a_wake_that_fails_says_when_it_is_tried_again(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.nap()
    stage.type(pane_id, "half", enter=False)
    eventually(lambda: "half" in stage.screen(pane_id))
    done = stage.command("wake", "shop")
    assert done.returncode == 1 and done.stdout == ""
    assert "something is typed at its prompt" in done.stderr and "tried again in" in done.stderr


def test_validate_finds_a_damaged_checkpoint_and_exits_1(stage: Stage):
    stage.agent_in_shell("shop")
    stage.nap()
    [checkpoint] = stage.hive.database.read(checkpoints.everything)
    path = Path(checkpoint.path)
    path.write_bytes(path.read_bytes()[:-20])
    done = stage.command("validate", "shop", "--json")
    assert done.returncode == 1
    [found] = json.loads(done.stdout)
    assert found["is_valid"] is False
    assert {"member", "kind", "detail"} == set(found["validation_errors"][0])
    assert stage.command("doctor").returncode == 1


def test_serve_works_off_the_queue_until_it_is_stopped(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    serve = subprocess.Popen(stage.command_line("serve"), env=stage.environment, stderr=subprocess.PIPE, text=True)
    try:
        eventually(stage.hive.heartbeat_lock.is_held, "it has the heartbeat")
        assert stage.json("wake", "shop")["resumed"] is True
        assert stage.json("status")["heartbeat"] is True
    finally:
        serve.terminate()
        _, said = serve.communicate(timeout=15)
    assert serve.returncode == 0, said
    assert "Traceback" not in said
    assert not stage.hive.heartbeat_lock.is_held()
    assert len(stage.processes_of_session(agent.session_id or "")) == 1


def test_recover_by_command(stage: Stage):
    stage.agent_in_shell("shop", said="remember the plum")
    agent = stage.look()
    stage.tmux("kill-server")
    eventually(lambda: stage.look().has_crashed)
    dry = stage.json("recover", "--dry-run")
    assert (dry["sessions"], dry["agents"], dry["woken"]) == (["main"], ["shop"], [])
    done = stage.json("recover")
    assert (done["sessions"], done["woken"], done["failed"]) == (["main"], ["shop"], [])
    assert stage.look().session_id == agent.session_id


def test_events_tell_what_happened(stage: Stage):
    stage.agent_in_shell("shop")
    stage.nap()
    kinds = [event["kind"] for event in stage.json("events")]
    assert kinds == ["agent.found", "agent.napping", "checkpoint.taken", "agent.sleeping"]


def test_config_shows_every_setting_and_checks_itself(stage: Stage):
    shown = stage.json("config", "show")
    assert shown["settings"]["retry"]["waits_s"] == [0.2, 0.2, 0.2, 0.2]
    text = stage.command("config").stdout
    (stage.folder / "config.toml").write_text(text)
    assert stage.command("config", "check").returncode == 0, "what it shows can be read back"


def test_the_example_settings_are_the_defaults(stage: Stage):
    example = ROOT / "data" / "config.example.toml"
    assert load(example, must_exist=True) == Settings()


def test_nothing_is_written_outside_the_home(stage: Stage):
    stage.agent_in_shell("shop")
    stage.json("agents")
    assert stage.home.stat().st_mode & 0o777 == 0o700
    assert (stage.home / "hive.db").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in stage.folder.iterdir()} <= {"home", "agents", "work", "config.toml"}
    assert os.environ.get("HIVE_HOME") is None
