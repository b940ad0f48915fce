"""Starts an agent's resume command in its pane, or in one built anew, and waits for its prompt."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.errors import NeedsPerson, TmuxError, WakeFailed
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Clock, Panes, Processes
from hive_tui.domain.prompts import PromptLine
from hive_tui.domain.quoting import quoted
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.kind import Kind, Look, StartState
from hive_tui.kinds.screen import Screen
from hive_tui.services.ending import AGENT_OPTION, WAKEUP_OPTION, let_pane_close
from hive_tui.services.eyes import Eyes
from hive_tui.services.found import is_interactive_shell
from hive_tui.services.pane_building import PaneBuilder
from hive_tui.services.shell_pane import ShellPane

ALREADY_TYPED_S = 8.0
"""How long a command that an earlier attempt typed may take to become a process."""
ANSWER_SHOWS_S = 5.0
"""A dialog that is still there so long after its answer needs a person."""
ENDS_S = 5.0
"""How long the program that ran before may take to be gone altogether."""
GONE_AGAIN_S = 5.0
"""After so long with the shell back in front, a command that was never seen to run has ended."""
BLANK = Screen("")


@dataclass(frozen=True, slots=True)
class Started:
    """A resumed agent at its prompt."""

    pane: Pane
    look: Look


class CameUpWrong(NeedsPerson):
    """The agent's process runs, but not with the prompt of the conversation that was asked for."""

    def __init__(self, what: str, *, hint: str, started: Started, activity: Activity) -> None:
        super().__init__(what, hint=hint)
        self.started = started
        self.activity = activity


class Starter:
    """Types only into a shell that waits for a command with nothing in its line; respawns only panes of its own."""

    def __init__(
        self,
        builder: PaneBuilder,
        new_eyes: Callable[[], Eyes],
        panes: Panes,
        processes: Processes,
        kinds: Kinds,
        clock: Clock,
        preludes: Callable[[str], str],
    ) -> None:
        self._builder = builder
        self._new_eyes = new_eyes
        self._panes = panes
        self._processes = processes
        self._kinds = kinds
        self._clock = clock
        self._preludes = preludes

    def start(self, agent: Agent, wakeup_id: str) -> Started:
        """Bring the agent up with its conversation, and wait until it asks for a prompt.

        One without a conversation begins a new one.

        Raises:
            WakeFailed: It did not come up; a later attempt may.
            NeedsPerson: It waits at a dialog that a person has to answer.
        """
        kind = self._kinds.get(agent.kind)
        command = kind.start_command(agent.argv)
        if agent.session_id is not None:
            command = kind.resume_command(agent.argv, agent.session_id)
        pane = self._builder.listed().get(agent.pane)
        if pane is None or (not pane.is_dead and self._is_occupied(pane, agent)):
            agent = self._builder.build(agent)
            pane = self._builder.listed().get(agent.pane)
        if pane is None:
            raise WakeFailed(f"The pane that was built for {agent.name} is gone again.", hint="Does its shell start?")
        before = BLANK
        if not self._is_starting(pane, wakeup_id):
            before = self._run(agent, pane, command, wakeup_id)
        try:
            return self._wait_for_prompt(agent, kind, pane.id, before)
        except WakeFailed:
            with suppress(TmuxError):  # it has ended; the next attempt need not wait for it to come up
                self._panes.set_options(pane.id, {WAKEUP_OPTION: None})
            raise

    def _is_occupied(self, pane: Pane, agent: Agent) -> bool:
        """Whether another agent lives in the pane now."""
        found = self._new_eyes().find_in(pane)
        return found is not None and pane.agent_id != agent.id

    def _is_starting(self, pane: Pane, wakeup_id: str) -> bool:
        """Whether an earlier attempt of this very wakeup has typed the command, and it comes up.

        An attempt may have died right after typing: typing again would start the agent twice.
        """
        if pane.wakeup_id != wakeup_id or pane.is_dead:
            return False
        shell = ShellPane(pane.id, self._panes, self._processes, self._clock)

        def is_up() -> bool:
            now = shell.pane()
            return now is not None and shell.foreground_shell(now) is None

        return wait_until(is_up, timeout_s=ALREADY_TYPED_S, clock=self._clock)

    def _run(self, agent: Agent, pane: Pane, command: tuple[str, ...], wakeup_id: str) -> Screen:
        """Start it; what the pane shows of the time before."""
        marks = {WAKEUP_OPTION: wakeup_id, AGENT_OPTION: agent.id}
        if pane.is_dead:
            line = quoted(command, "sh")
            prelude = self._preludes(agent.name)
            if line is None:
                raise NeedsPerson(f"The command that resumes {agent.name} has a control character in it: {command!r}.")
            full = f"{prelude}; exec {line}" if prelude else f"exec {line}"
            self._panes.respawn(pane.id, full, cwd=agent.cwd, env=dict(agent.env), options=marks)
            return BLANK
        return self._type(agent, pane, command, marks)

    def _type(self, agent: Agent, pane: Pane, command: tuple[str, ...], marks: Mapping[str, str | None]) -> Screen:
        shell = ShellPane(pane.id, self._panes, self._processes, self._clock)
        remembered = PromptLine.from_text(agent.prompt) if agent.prompt else None
        wait_until(lambda: not shell.is_between_programs(), timeout_s=ENDS_S, clock=self._clock)
        refusal = shell.refusal(remembered)
        now = shell.pane()
        # What ran here last may have been killed. Its screen would be taken for that of the agent that is started now.
        if refusal or (now is not None and now.alternate_on):
            shell.clean_up(remembered)
            refusal = shell.refusal(remembered)
        if refusal:
            raise WakeFailed(
                f"{agent.name} was not woken: {refusal} (pane {pane.id}, {pane.place}).",
                hint="Clear that line or leave that program, then retry; nothing was typed.",
            )
        line = self._line(agent, shell, command)
        before = Screen(self._panes.capture(pane.id), line)
        self._panes.type_line(pane.id, line, marks)
        return before

    def _line(self, agent: Agent, shell: ShellPane, command: tuple[str, ...]) -> str:
        """The command for the shell that is in front, from the right folder."""
        pane = shell.pane()
        process = shell.foreground_shell(pane) if pane is not None else None
        if process is None:
            raise WakeFailed(f"{agent.name} was not woken: the shell of its pane went away.", hint="Retry.")
        name = self._processes.argv(process.pid)[0].lstrip("-").rsplit("/", 1)[-1]
        line = quoted(self._with_exports(agent, command) if pane is not None and pane.is_rebuilt else command, name)
        folder = "" if self._processes.is_in(process.pid, agent.cwd) else quoted(["cd", agent.cwd], name)
        if line is None or folder is None:
            raise NeedsPerson(
                f"{agent.name} cannot be woken in a {name}: it is not known how to quote for it.",
                hint=f"Type it yourself: `hive-tui resume-command {agent.name}` prints the command.",
            )
        prelude = self._preludes(agent.name)
        return " && ".join(part for part in (folder, prelude, line) if part)

    def _with_exports(self, agent: Agent, command: tuple[str, ...]) -> tuple[str, ...]:
        """The command for a shell that is new: with the program's full path and what the agent's kind had exported."""
        saved = dict(agent.env)
        program = shutil.which(command[0], path=saved.get("PATH")) or command[0]
        wanted = self._kinds.get(agent.kind).manifest.config.keep_env
        exports = tuple(f"{variable}={saved[variable]}" for variable in wanted if variable in saved)
        return (*(("env", *exports) if exports else ()), program, *command[1:])

    def _wait_for_prompt(self, agent: Agent, kind: Kind, pane_id: str, before: Screen) -> Started:
        """Wait for the idle prompt of the agent; never just for some time, nor for one that stood there before."""
        eyes = self._new_eyes()
        seen: list[tuple[Started, StartState]] = []
        answered: dict[str, float] = {}
        began = self._clock.monotonic()

        def has_answer() -> bool:
            pane = next((pane for pane in self._panes.list().panes if pane.id == pane_id), None)
            if pane is None:
                raise WakeFailed(f"{agent.name} did not come up: its pane was closed.", hint="Retry opens another.")
            found = None if pane.is_dead else eyes.find_in(pane)
            if found is None or found.kind.name != kind.name:
                is_late = self._clock.monotonic() - began > GONE_AGAIN_S
                self._fail_if_over(agent, kind, pane, before, may_be_over=bool(seen) or is_late)
                return False
            look = eyes.look_at(found, agent.session_id)
            fresh = replace(look, screen=look.screen.since(before))
            state = kind.start_state(fresh, agent.session_id or "")
            if self._answers(kind, pane_id, state, answered):
                return False
            seen[:] = [(Started(pane, look), state)]
            return state.is_ready or bool(state.blocked_by)

        patience_s = kind.manifest.start.patience_s
        if not wait_until(has_answer, timeout_s=patience_s, clock=self._clock, every_s=0.15) and not seen:
            raise WakeFailed(
                f"{agent.name} did not start within {patience_s:g} s.", hint=f"Look at pane {pane_id}.", timed_out=True
            )
        self._check(agent, kind, *seen[0])
        return seen[0][0]

    def _answers(self, kind: Kind, pane_id: str, state: StartState, answered: dict[str, float]) -> bool:
        """Whether the dialog needs no person; it is answered once, and then given some time to go away."""
        answer = kind.answer(state.blocked_by) if state.blocked_by else None
        if answer is None:
            return False
        now = self._clock.monotonic()
        if answer.pattern not in answered:
            answered[answer.pattern] = now
            self._panes.send_keys(pane_id, answer.keys)
        return now - answered[answer.pattern] < ANSWER_SHOWS_S

    def _check(self, agent: Agent, kind: Kind, started: Started, state: StartState) -> None:
        """It must show its prompt, with the conversation that was asked for: never a silent blank one."""
        where = f"pane {started.pane.id}"
        if state.blocked_by:
            raise CameUpWrong(
                f"{agent.name} waits at a dialog: {state.blocked_by!r}.",
                hint=f"Answer it in {where}; it then goes on.",
                started=started,
                activity=Activity.PERMISSION,
            )
        if not state.is_ready:
            raise CameUpWrong(
                f"{agent.name} did not show its prompt within {kind.manifest.start.patience_s:g} s.",
                hint=f"Look at {where}.",
                started=started,
                activity=Activity.UNKNOWN,
            )
        session = kind.session(started.look)
        if session.id is not None and agent.session_id is not None and session.id != agent.session_id:
            raise NeedsPerson(
                f"{agent.name} came up with another conversation ({session.id}) than asked for ({agent.session_id}).",
                hint=f"Look at {where}; nothing was said to it.",
            )

    def _fail_if_over(self, agent: Agent, kind: Kind, pane: Pane, before: Screen, *, may_be_over: bool) -> None:
        """Stop waiting when the command has come to its end."""
        screen = Screen(self._panes.capture(pane.id)).since(before)
        failure = kind.start_failure(screen)
        if pane.is_dead or ((may_be_over or failure) and self._shell_is_back(pane)):
            said = failure or next(iter(screen.bottom(1)), "it said nothing")
            raise WakeFailed(
                f"{agent.name} ended while it started: {said.strip()[:200]!r}.", hint=f"Look at pane {pane.id}."
            )

    def _shell_is_back(self, pane: Pane) -> bool:
        table = self._processes.table()
        return any(
            process.pgrp == process.tpgid and is_interactive_shell(self._processes.argv(process.pid))
            for process in table.tree(pane.pid)
        )


def put_pane_back(panes: Panes, pane: Pane) -> None:
    """After a wake: a pane that was kept open for the nap closes with its command again."""
    with suppress(TmuxError):
        let_pane_close(panes, pane.id)
