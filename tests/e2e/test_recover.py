"""After a crash: sessions, windows, layout and agents come back."""

import os
import signal

from libtmux import Server

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.reconcile import ServerState
from hive_tui.domain.wakeups import WakeupStatus
from tests.stage import TESTER, Stage, eventually


def layout_of(stage: Stage) -> list[str]:
    """Sessions, windows and the geometry of their panes, without ids and checksums."""
    lines = stage.tmux(
        "list-panes",
        "-a",
        "-F",
        "#{session_name}:#{window_index}:#{window_name}:#{pane_index} #{pane_width}x#{pane_height}",
    )
    return sorted(lines.splitlines())


def test_after_kill_server_recover_rebuilds_sessions_windows_layout_and_agents(stage: Stage):
    stage.agent_in_shell("shop", said="in a shell")
    stage.agent_as_command("bakery", said="as a command")
    pane_id = stage.agent_in_shell("mill", said="in a split")
    stage.tmux("rename-window", "-t", pane_id, "the mill")
    for direction in ("-h", "-v"):
        stage.tmux("split-window", direction, "-d", "-t", pane_id, "-c", str(stage.folder_for("beside")))
    other = stage.shell(stage.folder_for("other"), session="second")
    stage.type(other, "true")
    stage.nap("bakery")
    before = {agent.name: agent for agent in stage.hive.observer.observe().agents}
    layout = [line for line in layout_of(stage) if line.startswith("main")]

    stage.tmux("kill-server")
    eventually(lambda: sum(agent.has_crashed for agent in stage.hive.observer.observe().agents) == 2)
    crashed = {agent.name: agent for agent in stage.hive.observer.observe().agents}
    assert crashed["bakery"].lifecycle is Lifecycle.ASLEEP, "a sleeping agent has lost nothing"

    plan = stage.hive.returning.recovery.recover(TESTER)
    assert plan.sessions == ("main",), "sessions without agents are the user's own"
    assert {agent.name for agent in plan.agents} == {"shop", "mill"}
    woken = stage.hive.foreground.run(plan.wakeups, timeout_s=60)
    assert [one.status for one in woken] == [WakeupStatus.COMPLETED] * 2, [one.last_error for one in woken]
    assert layout_of(stage) == layout
    for name in ("shop", "mill"):
        agent = stage.look(name)
        assert agent.lifecycle is Lifecycle.AWAKE and agent.session_id == before[name].session_id
        assert agent.cwd == before[name].cwd
    bakery = stage.wake(stage.look("bakery"))
    assert bakery.status is WakeupStatus.COMPLETED, bakery.last_error
    assert stage.look("bakery").session_id == before["bakery"].session_id


def test_recover_a_second_time_builds_and_wakes_nothing(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    stage.tmux("kill-server")
    eventually(lambda: stage.look().has_crashed)
    first = stage.hive.returning.recovery.recover(TESTER)
    stage.hive.foreground.run(first.wakeups, timeout_s=60)
    panes = stage.tmux("list-panes", "-a")
    again = stage.hive.returning.recovery.recover(TESTER)
    assert (again.sessions, again.agents, again.wakeups) == ((), (), ())
    assert stage.tmux("list-panes", "-a") == panes


def test_recover_twice_before_the_wakes_are_done_wakes_nobody_twice(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.tmux("kill-server")
    eventually(lambda: stage.look().has_crashed)
    first = stage.hive.returning.recovery.recover(TESTER)
    second = stage.hive.returning.recovery.recover(TESTER)
    assert [one.id for one in first.wakeups] == [one.id for one in second.wakeups]
    stage.hive.foreground.run(second.wakeups, timeout_s=60)
    assert len(stage.processes_of_session(agent.session_id or "")) == 1


class StopAt(Unwatched):
    """Stops the work when this step begins."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self._at = step

    def step(self, name: str, total_bytes: int = 0) -> None:
        if name == self._at:
            self.ask_to_stop()
        super().step(name, total_bytes)


def test_a_stop_between_two_agents_says_what_was_not_done_and_the_next_recovery_does_it(stage: Stage):
    for name in ("bakery", "mill", "shop"):
        stage.agent_in_shell(name)
    stage.look("shop")
    stage.tmux("kill-server")
    eventually(lambda: sum(agent.has_crashed for agent in stage.hive.observer.observe().agents) == 3)
    recovery = stage.hive.returning.recovery
    nothing = recovery.recover(TESTER, progress=StopAt("building the session main"))
    assert (nothing.sessions, nothing.wakeups) == ((), ())
    assert nothing.left == ("building the session main", "waking bakery", "waking mill", "waking shop")
    assert stage.hive.observer.observe().state is ServerState.DOWN

    half = recovery.recover(TESTER, progress=StopAt("waking mill"))
    assert half.sessions == ("main",) and half.left == ("waking mill", "waking shop")
    stopped = Unwatched()
    stopped.ask_to_stop()
    [bakery] = stage.hive.foreground.run(half.wakeups, timeout_s=60, progress=stopped)
    assert (bakery.status, bakery.attempts) == (WakeupStatus.PENDING, 0), "it was not begun"
    assert recovery.call_off([bakery], TESTER) == [bakery]
    assert stage.look("bakery").has_crashed

    rest = recovery.recover(TESTER)
    woken = stage.hive.foreground.run(rest.wakeups, timeout_s=60)
    assert [one.status for one in woken] == [WakeupStatus.COMPLETED] * 3, [one.last_error for one in woken]
    assert rest.left == () and recovery.call_off(woken, TESTER) == []


def test_a_dry_run_changes_nothing(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    stage.tmux("kill-server")
    eventually(lambda: stage.look().has_crashed)
    plan = stage.hive.returning.recovery.plan()
    assert plan.sessions == ("main",)
    assert stage.hive.observer.observe().state is ServerState.DOWN
    assert stage.look().has_crashed


def test_a_server_that_does_not_answer_says_nothing_about_the_agents(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    server_pid = int(stage.tmux("display-message", "-p", "#{pid}"))
    hasty = stage.new_hive()
    hasty.tmux.timeout_s = 0.3
    os.kill(server_pid, signal.SIGSTOP)
    try:
        observation = hasty.observer.observe()
    finally:
        os.kill(server_pid, signal.SIGCONT)
    assert observation.state is ServerState.HUNG
    assert "did not answer" in observation.trouble
    assert [(one.name, one.lifecycle) for one in observation.agents] == [(agent.name, Lifecycle.AWAKE)]
    assert stage.look().lifecycle is Lifecycle.AWAKE


def test_an_agent_that_is_held_is_not_recovered_and_is_woken_by_its_person(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.hive.registry.hold(agent, True, TESTER)
    stage.tmux("kill-server")
    eventually(lambda: stage.look().has_crashed)
    plan = stage.hive.returning.recovery.recover(TESTER)
    assert plan.wakeups == ()
    assert stage.look().held
    assert stage.wake(agent).status is WakeupStatus.COMPLETED


def test_an_agent_to_which_nothing_was_said_is_not_woken_after_a_crash_and_that_is_said(stage: Stage):
    stage.agent_in_shell("shop", said="")
    stage.agent_in_shell("bakery")
    assert stage.look("shop").session_id
    stage.tmux("kill-server")
    eventually(lambda: all(one.has_crashed for one in stage.hive.observer.observe().agents))
    done = stage.command("recover")
    assert done.returncode == 0, done.stderr
    assert "Agents woken: bakery\n" in done.stdout
    assert "no conversation of theirs is known: shop" in done.stdout


def test_an_agent_quit_by_its_user_has_not_crashed(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.wake(agent)
    stage.type(pane_id, "/quit")
    eventually(lambda: stage.look().lifecycle is Lifecycle.ASLEEP)
    assert "quit in its pane" in stage.look().reason


def test_an_agent_that_was_only_seen_leaves_the_list_when_its_user_quits_it(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.look()
    stage.type(pane_id, "/quit")
    eventually(lambda: not stage.hive.observer.observe().agents)


def test_a_pane_that_was_closed_is_built_again_by_a_wake(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.shell(stage.folder_for("other"))
    agent = stage.look()
    stage.nap()
    stage.tmux("kill-pane", "-t", pane_id)
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    awake = stage.look()
    assert awake.session_id == agent.session_id
    assert awake.pane is not None and awake.pane.pane_id != pane_id


def test_the_dashboard_offers_to_bring_back_what_a_crash_took_and_does_it(stage: Stage):
    stage.agent_in_shell("shop", said="the fig")
    agent = stage.look()
    server = Server(socket_name=f"{stage.socket}-person", config_file="/dev/null")
    try:
        command = f"env -u TMUX TERM=xterm-256color {stage.quoted_command()}"
        server.new_session("terminal", x=110, y=30, window_command=command, environment={})

        def screen() -> str:
            return "\n".join(server.cmd("capture-pane", "-p", "-t", "terminal").stdout)

        eventually(lambda: "idle" in screen())
        stage.tmux("kill-server")
        eventually(lambda: "Bring it back?" in screen(), "the offer")
        server.cmd("send-keys", "-t", "terminal", "y")
        eventually(lambda: stage.stored(agent).lifecycle is Lifecycle.AWAKE, "it is back")
        assert stage.look().session_id == agent.session_id
        server.cmd("send-keys", "-t", "terminal", "q")
        eventually(lambda: not server.is_alive(), "the dashboard has ended")
    finally:
        server.kill()
