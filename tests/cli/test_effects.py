"""Command effect, as a person or an agent would use it in a shell."""

import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import zstandard

from hive_tui.domain.effects import EffectKind, EffectState
from hive_tui.store import effects as store
from tests.stage import Stage, eventually


def run(stage: Stage, key: str, script: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return stage.command("effect", "run", "--key", key, *options, "--", "sh", "-c", script)


def test_output_and_exit_code_are_passed_on_and_given_again(stage: Stage):
    assert "No effects" in stage.command("effect").stdout
    script = "cat; echo $HIVE_EFFECT_KEY >> count; echo said; echo warned >&2; exit 3"
    first, again = run(stage, "k-1", script), run(stage, "k-1", script)
    assert (first.returncode, first.stdout, first.stderr) == (3, "said\n", "warned\n")
    assert (again.returncode, again.stdout) == (3, "said\n")
    assert "was not done again" in again.stderr
    assert again.stderr.endswith("warned\n")
    assert (stage.folder / "count").read_text() == "k-1\n"
    other = run(stage, "k-1", "true")
    assert (other.returncode, other.stdout) == (125, "")
    assert "stands for something else" in other.stderr
    assert "There is no program" in stage.command("effect", "run", "--key", "k-2", "--", "no-such-program").stderr
    listed = stage.json("effect", "list")
    assert [(one["key"], one["state"], one["exit_code"]) for one in listed] == [("k-1", "failed", 3)]
    shown = stage.command("effect", "show", "k-1").stdout
    assert "a person" in shown
    assert "--- stdout, 5 bytes\nsaid\n" in shown


def test_a_command_whose_time_is_up_is_asked_about_and_resolved(stage: Stage):
    late = run(stage, "k", "sleep 60", "--timeout", "0.2")
    assert late.returncode == 124
    assert "`hive-tui effect resolve k done` or `not-done`" in late.stderr
    assert run(stage, "k", "sleep 60").returncode == 125
    assert "? unknown" in stage.command("effect", "list").stdout
    assert stage.json("effect", "resolve", "k", "not-done", "--note", "I looked")["result"]["note"] == "I looked"
    done = stage.json("effect", "run", "--key", "k", "--", "true")
    assert (done["state"], done["attempt"], done["replayed"]) == ("done", 2, False)
    told = stage.command("effect", "resolve", "k", "done").stderr
    assert "The effect 'k' is done" in told and "Hint: `hive-tui effect show k`" in told


def test_ctrl_c_is_the_commands_to_answer_and_what_it_makes_of_it_is_written_down(stage: Stage):
    def interrupted(key: str, script: str) -> int:
        words = stage.command_line(
            "effect", "run", "--key", key, "--", "sh", "-c", f"{script}; echo ready; sleep 60 & wait"
        )
        started = subprocess.Popen(words, env=stage.environment, cwd=stage.folder, stdout=subprocess.PIPE, text=True)
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        os.kill(started.pid, signal.SIGINT)
        code = started.wait(30)
        started.stdout.close()
        return code

    assert interrupted("dies", "true") == 130
    assert interrupted("ends", "trap 'exit 0' INT") == 0
    states = {one.key: (one.state, one.error) for one in stage.hive.database.read(store.everything)}
    assert states == {
        "dies": (EffectState.UNKNOWN, "it was ended by SIGINT"),
        "ends": (EffectState.DONE, None),
    }
    for one in stage.hive.processes.table():
        if one.comm == "sleep" and stage.hive.processes.cwd(one.pid) == str(stage.folder):
            stage.hive.processes.signal(one.id, 9)


def test_an_effect_belongs_to_its_agent_and_its_checkpoint(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    done = stage.json("effect", "run", "--key", "k", "--agent", "shop", "--checkpoint", "--", "echo", "made")
    assert done["checkpoint_id"] == stage.stored(agent).checkpoint_id
    again = stage.json("effect", "run", "--key", "k", "--agent", "shop", "--checkpoint", "--", "echo", "made")
    assert (again["checkpoint_id"], again["replayed"]) == (done["checkpoint_id"], True), "no checkpoint for a replay"
    taken = stage.nap().checkpoint
    with (
        Path(taken.path).open("rb") as file,
        zstandard.open(file, "rb") as plain,
        tarfile.open(fileobj=plain, mode="r|") as tar,
    ):
        found = next(tar.extractfile(one).read() for one in tar if one.name == "queue/effects.json")  # type: ignore[union-attr]
    assert b'"k"' in found
    assert b"made" in found


def test_a_message_to_an_agent_is_in_the_log_without_its_text(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.wake(agent, message="the fig comes first")
    eventually(lambda: "the fig comes first" in stage.history(pane_id))
    one = stage.hive.database.read(store.everything, agent_id=agent.id)[0]
    assert (one.kind, one.state) == (EffectKind.MESSAGE, EffectState.DONE)
    assert one.shown == "say 1 message to shop (19 letters)"


def test_a_failure_is_one_also_where_whoever_started_us_ignores_ended_children(stage: Stage):
    words = stage.command_line("effect", "run", "--key", "k", "--", "sh", "-c", "exit 3")
    ignoring = "import os, signal as s, sys; s.signal(s.SIGCHLD, s.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", ignoring, *words], env=stage.environment, cwd=stage.folder, check=False, timeout=60
    )
    assert done.returncode == 3
    assert stage.json("effect", "list")[0]["state"] == "failed"
