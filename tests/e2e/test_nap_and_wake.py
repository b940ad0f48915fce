"""The main job: an agent naps, its processes are gone, and it wakes with the same conversation."""

import json
import os
import signal
import subprocess

import pytest

from hive_tui.domain.agents import Activity, Hosting, Lifecycle
from hive_tui.domain.errors import NapRefused
from hive_tui.domain.wakeups import WakeupStatus
from tests.stage import AGENT, Stage, eventually, is_asleep, process_of, transcript_of


@pytest.mark.parametrize("hosted", ["shell", "command"])
def test_a_nap_ends_every_process_and_a_wake_resumes_the_same_conversation(stage: Stage, hosted: str):
    start = stage.agent_in_shell if hosted == "shell" else stage.agent_as_command
    pane_id = start("shop", "--helpers", "2", said="remember the plum")
    agent = stage.look()
    assert agent.hosting is Hosting(hosted)
    tree = [process.pid for process in stage.hive.processes.table().tree(process_of(agent).pid)]
    assert len(tree) == 3

    result = stage.nap()
    assert result.processes_ended == 3
    assert result.freed_bytes > 5_000_000, "a Python program holds more than that"
    assert not any(stage.hive.processes.argv(pid) for pid in tree), "every process is gone"
    assert is_asleep(stage.look())
    assert stage.libtmux_pane(pane_id).pane_id == pane_id, "the pane stays"

    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    awake = stage.look()
    assert awake.lifecycle is Lifecycle.AWAKE and awake.activity is Activity.IDLE
    assert awake.session_id == agent.session_id and awake.pane == agent.pane
    assert "(resumed with 1 messages)" in stage.screen(pane_id)
    stage.say(pane_id, "what did I say?")
    assert "I see 2 message(s); the first was [remember the plum]" in stage.screen(pane_id)


def test_an_agent_that_was_woken_can_nap_again_at_once(stage: Stage):
    stage.agent_in_shell("shop")
    for _ in range(3):
        agent = stage.look()
        stage.nap()
        assert stage.wake(agent).status is WakeupStatus.COMPLETED
    assert stage.look().lifecycle is Lifecycle.AWAKE


def test_a_pane_that_was_kept_open_for_a_nap_closes_with_its_agent_again(stage: Stage):
    pane_id = stage.agent_as_command("shop")
    stage.shell(stage.folder_for("other"))
    agent = stage.look()
    stage.nap()
    assert stage.libtmux_pane(pane_id).pane_dead == "1"
    stage.wake(agent)
    stage.type(pane_id, "/quit")
    eventually(lambda: pane_id not in [pane.pane_id for pane in stage.server.panes], "the pane closes")


def test_a_folder_whose_name_is_no_utf8_is_one_like_all_others(stage: Stage):
    folder = stage.folder_for(os.fsdecode(b"caf\xe9"))
    pane_id = stage.shell(stage.folder_for("shop"))
    stage.type(pane_id, "cd ../caf*/")
    stage.type(pane_id, AGENT)
    eventually(lambda: "»" in stage.screen(pane_id))
    stage.say(pane_id, "remember the plum")
    agent = stage.look()
    assert agent.cwd == str(folder)
    (listed,) = stage.json("agents")
    assert listed["cwd"] == str(folder)
    stage.nap()
    stage.type(pane_id, "cd /")
    eventually(lambda: stage.libtmux_pane(pane_id).pane_current_path == "/")
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    assert stage.look().cwd == str(folder)


def test_the_sleeping_pane_says_so(stage: Stage):
    in_shell = stage.agent_in_shell("shop")
    as_command = stage.agent_as_command("bakery")
    stage.nap("shop")
    stage.nap("bakery")
    assert stage.libtmux_pane(in_shell).pane_title == "💤 shop sleeps"
    eventually(lambda: "bakery sleeps" in stage.screen(as_command), "the card is drawn")
    assert "hive-tui wake bakery" in stage.screen(as_command)


def test_a_message_is_handed_over_after_the_wake(stage: Stage):
    pane_id = stage.agent_in_shell("shop", said="first")
    agent = stage.look()
    stage.nap()
    stage.wake(agent, message="second words\nin two lines")
    eventually(lambda: "I see 2 message(s)" in stage.screen(pane_id), "the message is answered")
    transcript = [json.loads(line) for line in transcript_of(agent).read_text().splitlines()]
    assert transcript[-2]["text"] == "second words\nin two lines"


def test_an_agent_that_ignores_sigterm_is_ended_all_the_same(stage: Stage):
    stage.agent_in_shell("shop", "--ignore-sigterm", "--alt-screen")
    agent = stage.look()
    stage.nap()
    assert not stage.hive.processes.is_alive(process_of(agent))
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error


def test_children_that_an_agent_leaves_behind_are_ended_one_by_one(stage: Stage):
    stage.agent_in_shell("shop", "--helpers", "2", "--leave-helpers")
    agent = stage.look()
    tree = [process.pid for process in stage.hive.processes.table().tree(process_of(agent).pid)]
    assert stage.nap().processes_ended == 3
    assert not any(stage.hive.processes.argv(pid) for pid in tree)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("/work 60", "working"),
        ("/ask rm -rf /", "waits for your answer"),
        ("/question why", "waits for your answer"),
        ("/bg 60", "background"),
    ],
)
def test_what_an_agent_does_speaks_against_a_nap(stage: Stage, said: str, rule: str):
    pane_id = stage.agent_in_shell("shop")
    stage.type(pane_id, said)
    agent = stage.look()
    eventually(
        lambda: stage.look().activity is not Activity.IDLE or "sleep (pid" in str(_sighting(stage)), "it has begun"
    )
    with pytest.raises(NapRefused, match=rule):
        stage.nap()
    assert stage.hive.processes.is_alive(process_of(agent))
    assert stage.stored(agent).lifecycle is Lifecycle.AWAKE


def _sighting(stage: Stage) -> object:
    return next(iter(stage.hive.observer.observe().sightings.values())).background


def test_an_unsent_draft_speaks_against_a_nap(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.type(pane_id, "half a thought", enter=False)
    eventually(lambda: "half a thought" in stage.screen(pane_id))
    with pytest.raises(NapRefused, match="unsent draft: 'half a thought'"):
        stage.nap()


def test_no_conversation_yet_speaks_against_a_nap(stage: Stage):
    stage.agent_in_shell("shop", said="")
    with pytest.raises(NapRefused, match="transcript of its conversation is missing"):
        stage.nap()


def test_an_agent_that_was_stopped_is_not_put_to_sleep_and_gets_no_message(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    os.kill(process_of(agent).pid, signal.SIGSTOP)
    eventually(lambda: stage.libtmux_pane(pane_id).pane_current_command == "bash", "the shell takes the keyboard")
    with pytest.raises(NapRefused, match="`fg` in its pane brings it back"):
        stage.nap()
    wakeup = stage.ask_wake(agent, message="go on")
    stage.hive.foreground.run([wakeup], timeout_s=2)
    assert "go on" not in stage.screen(pane_id), "nothing is typed into the shell"
    stage.type(pane_id, "fg")
    eventually(lambda: stage.libtmux_pane(pane_id).pane_current_command != "bash", "it has the keyboard again")


def test_force_passes_the_vetoes_and_never_the_checkpoint(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.type(pane_id, "/bg 60")
    eventually(lambda: _sighting(stage), "the background work has begun")
    result = stage.nap(force=True)
    assert result.checkpoint.is_valid
    assert result.processes_ended == 2, "the agent and its background process"
    assert is_asleep(stage.stored(agent))


def test_a_failed_checkpoint_leaves_the_agent_running(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    (stage.home / "checkpoints").mkdir(parents=True)
    (stage.home / "checkpoints" / agent.name).write_text("a file where a folder should be")
    with pytest.raises(Exception, match="could not be written"):
        stage.nap(force=True)
    assert stage.hive.processes.is_alive(process_of(agent))
    after = stage.look()
    assert after.lifecycle is Lifecycle.AWAKE
    assert any(event.kind == "checkpoint.failed" for event in stage.events)


def test_a_program_that_no_wake_could_bring_back_is_ended_by_force_alone_and_that_is_told(stage: Stage):
    pane_id = stage.shell(stage.folder_for("notes"))
    stage.type(pane_id, "cat")
    eventually(lambda: stage.libtmux_pane(pane_id).pane_current_command == "cat")
    stage.json("adopt", pane_id, "--name", "notes")
    done = stage.command("nap", "notes")
    assert done.returncode == 1 and "No wake could bring its conversation back" in done.stderr
    assert "no conversation id is known that could be resumed" in done.stderr
    assert stage.libtmux_pane(pane_id).pane_current_command == "cat"
    forced = stage.command("nap", "notes", "--force")
    assert forced.returncode == 0 and "no wake can bring its conversation back" in forced.stdout + forced.stderr
    eventually(lambda: stage.libtmux_pane(pane_id).pane_current_command == "bash")
    assert "notes is asleep already." in stage.command("nap", "notes").stderr
    woken = stage.command("wake", "notes")
    assert woken.returncode == 1 and "no conversation of it is known" in woken.stderr
    last = stage.json("queue")[-1]
    assert last["last_error"].startswith("no conversation of it is known"), "the agent is named beside it"
    assert "…" in stage.command("queue").stdout, "what is cut off is seen to be"


def test_ctrl_c_during_a_nap_lets_the_agent_run_on_and_says_so(stage: Stage):
    folder = stage.repository("shop")
    for number in range(40):
        (folder / f"large-{number}").write_bytes(os.urandom(2_000_000))
    stage.agent_in_shell("shop", folder=folder)
    agent = stage.look()
    running = subprocess.Popen(
        stage.command_line("nap", "shop"),
        env=stage.environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test worker ignores it
    )
    eventually(lambda: stage.stored(agent).lifecycle is Lifecycle.NAPPING)
    running.send_signal(signal.SIGINT)
    said, failed = running.communicate(timeout=60)
    assert running.returncode == 1 and said == "", failed
    assert "shop runs on: its nap was stopped" in failed
    assert stage.look().process == agent.process and stage.look().lifecycle is Lifecycle.AWAKE
    assert not list((stage.home / "checkpoints").rglob("*.tmp")), "nothing half is left"


def test_several_naps_are_told_one_by_one_and_one_refusal_stops_no_other(stage: Stage):
    stage.agent_in_shell("bakery")
    pane_id = stage.agent_in_shell("shop")
    stage.type(pane_id, "/work 60")
    eventually(lambda: stage.look("shop").activity is Activity.WORKING)
    done = stage.command("nap", "--all")
    assert done.returncode == 1
    assert "bakery sleeps: 1 process ended" in done.stdout and "shop was not put to sleep" in done.stderr
