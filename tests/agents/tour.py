"""Leads one real program through its states, under the eyes of a real heartbeat."""

import os
import re
import shlex
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL

from hive_tui.adapters.clock import wait_until
from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.agents import NEEDS_PERSON, Activity, Agent, Lifecycle
from hive_tui.domain.errors import HiveError
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.kinds.screen import Screen
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.services.nap import NapResult
from hive_tui.services.observer import Observation
from hive_tui.settings.naps import IdleSettings, LimitSettings
from tests.agents.homes import Program
from tests.agents.model import Asked, Model, now_s
from tests.stage import CLOCK, PROMPT, Stage, eventually

READY = tuple((Lifecycle.AWAKE, activity) for activity in (Activity.IDLE, Activity.PERMISSION, Activity.QUESTION))
START_S = 60.0
STATE_S = 90.0
WAKE_S = 100.0


@dataclass
class Seen:
    """What the heartbeat has seen of all agents, with the time."""

    at: list[tuple[float, dict[str, tuple[Lifecycle, Activity]]]] = field(default_factory=list)

    def note(self, observation: Observation) -> None:
        states = {agent.name: (agent.lifecycle, agent.activity) for agent in observation.agents}
        self.at.append((now_s(), states))

    def first(self, name: str, activity: Activity, since_s: float) -> float | None:
        """When an agent was first seen so since then."""
        for at_s, states in list(self.at):
            if at_s >= since_s and states.get(name) == (Lifecycle.AWAKE, activity):
                return at_s
        return None

    def lifecycle(self, name: str) -> Lifecycle | None:
        state = self.now(name)
        return state[0] if state is not None else None

    def now(self, name: str) -> tuple[Lifecycle, Activity] | None:
        return self.at[-1][1].get(name) if self.at else None


class Tour:
    """One program. What it finds is in `cells`; what went wrong in `failures`."""

    def __init__(self, stage: Stage, model: Model, program: Program, prefix: Path) -> None:
        self.stage, self.model, self.program = stage, model, program
        self.home = stage.folder / "agent-home"
        self.work = stage.repository("shop")
        self.cells: dict[str, str] = {}
        self.failures: list[str] = []
        self.delays_s: list[float] = []
        self.seen = Seen()
        base = model.base(program.name)
        proxy = f"http://127.0.0.1:{model.port}"
        self.environment = {
            **{name: stage.environment[name] for name in ("LANG", "TZ", "SHELL")},
            "TERM": "tmux-256color",
            "HOME": str(self.home),
            "PATH": f"{prefix}/bin:/usr/local/bin:/usr/bin:/bin",
            "HTTPS_PROXY": proxy,
            "HTTP_PROXY": proxy,
            "NO_PROXY": "127.0.0.1,localhost",
            "DO_NOT_TRACK": "1",
            **program.prepare(self.home, self.work, base),
        }
        self._hive = stage.new_hive(limits=LimitSettings(nap=True), idle=IdleSettings(announce_s=3))
        self._beat = HeartbeatThread(
            lambda beat: new_heartbeat(self._hive, observe_every_s=1.0, on_observed=self.seen.note, beat=beat)
        )

    def __enter__(self) -> "Tour":
        self._beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._beat.stop()
        self._hive.close()
        for process in self.stage.hive.processes.table():
            if self.stage.hive.processes.environ(process.pid).get("HOME") == str(self.home):
                with suppress(ProcessLookupError):
                    os.kill(process.pid, SIGKILL)

    def step(self, name: str, work: Callable[[], str]) -> None:
        """Do one thing; whatever comes of it, the tour goes on."""
        try:
            self.cells[name] = work() or "yes"
        except (AssertionError, HiveError) as error:
            self.cells[name] = "NO"
            self.failures.append(f"{name}: {str(error)[:400]}")

    def version(self) -> str:
        """As the program says it."""
        done = self._run(self.program.command.split()[0], "--version")
        return (done.stdout or done.stderr).strip().splitlines()[0].split("(")[0].split()[-1]

    def takes_its_options(self) -> bool:
        """Whether this release knows the options that it would be started with."""
        return self._run(*self.program.command.split(), "--version").returncode == 0

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60, check=False)

    def start(self) -> str:
        """Type the program's command into a shell; its pane, once it shows its prompt."""
        exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.environment.items())
        shell = f"exec env -i TMUX=$TMUX TMUX_PANE=$TMUX_PANE {exports} 'PS1={PROMPT}' bash --norc --noprofile -i"
        pane_id = self.stage.shell(self.work, command=shell)
        self.stage.tmux("resize-window", "-t", pane_id, "-x", "110", "-y", "36")
        eventually(lambda: self.stage.screen(pane_id).rstrip().endswith(PROMPT.strip()), "the shell shows its prompt")
        self.stage.type(pane_id, self.program.command)
        eventually(lambda: self.agent_in(pane_id) is not None, "it is found", timeout_s=START_S)
        name = self.name_in(pane_id)
        eventually(lambda: self.seen.now(name) in READY, "it is idle, or asks something", timeout_s=START_S)
        self.leave_offers(pane_id)
        self.await_state(pane_id, Activity.IDLE, timeout_s=START_S)
        return pane_id

    def agent_in(self, pane_id: str) -> Agent | None:
        """The agent that was last seen in a pane."""
        observed = self.stage.hive.observer.observe()
        return next((one for one in observed.agents if one.pane and one.pane.pane_id == pane_id), None)

    def beats(self, count: int) -> None:
        """Let the heartbeat look so many times."""
        before = len(self.seen.at)
        eventually(lambda: len(self.seen.at) >= before + count, "it looks again", timeout_s=60)

    def name_in(self, pane_id: str) -> str:
        agent = self.agent_in(pane_id)
        assert agent is not None, f"no agent in {pane_id}: {self.stage.screen(pane_id)[-600:]}"
        return agent.name

    def await_state(self, pane_id: str, activity: Activity, *, timeout_s: float = STATE_S) -> None:
        """Wait until it is seen so."""
        name = self.name_in(pane_id)
        what = f"{name} is {activity}"
        try:
            eventually(lambda: self.seen.now(name) == (Lifecycle.AWAKE, activity), what, timeout_s=timeout_s)
        except AssertionError as error:
            shown = "\n".join(Screen(self.stage.screen(pane_id)).bottom(14))
            raise AssertionError(f"{what}, and not {self.seen.now(name)}:\n{shown}") from error

    def say(self, pane_id: str, text: str) -> None:
        """Type a message as a person would, and see it stand there before Enter."""
        self.stage.type(pane_id, text, enter=False)
        what = f"{text!r} stands in the input box: {self.stage.screen(pane_id)[-800:]}"
        eventually(lambda: self._stands(pane_id, text), what)
        self.stage.tmux("send-keys", "-t", pane_id, "Enter")
        if not wait_until(lambda: not self._stands(pane_id, text), timeout_s=2, clock=CLOCK):
            # Some take an Enter that comes too soon for a part of the text.
            self.stage.tmux("send-keys", "-t", pane_id, "Enter")

    def _stands(self, pane_id: str, text: str) -> bool:
        """Whether it is drawn as what is typed and not sent."""
        kind = self.stage.hive.kinds.get(self.program.kind or self.program.name)
        return kind.typed(Screen(self.stage.tmux("capture-pane", "-pe", "-t", pane_id))).startswith(text[:40])

    def ask(self, pane_id: str, text: str) -> Asked:
        """Say something, and wait for the end of the answer; the request that it became. Never the same twice."""
        assert not self.request(text), f"{text!r} was said before"
        self.say(pane_id, text)
        eventually(lambda: self.request(text), f"the model is asked {text!r}", timeout_s=STATE_S)
        # On a busy machine the answer may be out before the program has drawn that it was asked.
        eventually(lambda: not self._stands(pane_id, text), "it draws that it was asked", timeout_s=STATE_S)
        self.rested_at(pane_id, self.request(text)[-1])
        name = self.name_in(pane_id)
        eventually(lambda: self.stage.look(name).activity is Activity.IDLE, "it is idle again", timeout_s=STATE_S)
        return self.request(text)[-1]

    def rested_at(self, pane_id: str, asked: Asked) -> float:
        """When an answer was out, and the program itself shows that it has ended."""
        eventually(lambda: self.model.ended_at_s.get(self.program.name, 0) > asked.at_s, timeout_s=STATE_S)
        if not self.program.busy:
            return self.model.ended_at_s[self.program.name]

        def is_at_rest() -> bool:
            return not re.search(self.program.busy, self.stage.screen(pane_id))

        eventually(is_at_rest, "the program draws that it has ended", timeout_s=STATE_S)
        return now_s()

    def request(self, text: str) -> list[Asked]:
        return [one for one in self.model.of(self.program.name) if one.users and text in one.users[-1]]

    def drawn_at(self, pane_id: str, marker: str) -> float:
        """When the program itself has drawn something."""
        eventually(lambda: re.search(marker, self.stage.screen(pane_id)), f"it draws {marker!r}", timeout_s=STATE_S)
        return now_s()

    def delay(self, pane_id: str, activity: Activity, since_s: float) -> float:
        """Seconds from a change until it was shown."""
        name = self.name_in(pane_id)
        eventually(lambda: self.seen.first(name, activity, since_s - 0.3), timeout_s=STATE_S)
        shown_s = self.seen.first(name, activity, since_s - 0.3)
        assert shown_s is not None
        self.delays_s.append(max(0.0, shown_s - since_s))
        return self.delays_s[-1]

    def nap(self, pane_id: str) -> NapResult:
        """Put it to sleep; its processes must be gone."""
        agent = self.agent_in(pane_id)
        assert agent is not None
        tree = self.stage.hive.observer.observe().sightings[agent.id].tree
        result = self.stage.nap(agent.name)
        alive = [process for process in tree if self.stage.hive.processes.is_alive(process)]
        assert not alive, f"{alive} live on"
        return result

    def wake(self, agent: Agent) -> str:
        """Wake it; its pane, once it is idle by evidence."""
        wakeup = self.stage.wake(agent, timeout_s=WAKE_S)
        assert wakeup.status is WakeupStatus.COMPLETED, f"{wakeup.status}: {wakeup.last_error}"
        woken = self.stage.stored(agent)
        assert woken.pane is not None
        eventually(lambda: self.seen.now(agent.name) in READY, "it is idle, or asks something", timeout_s=WAKE_S)
        self.leave_offers(woken.pane.pane_id)
        self.await_state(woken.pane.pane_id, Activity.IDLE, timeout_s=WAKE_S)
        return woken.pane.pane_id

    def leave_offers(self, pane_id: str) -> None:
        """Say no to what the program offers by itself between two messages, now or in a moment."""
        offers = wait_until(
            lambda: self.stage.look(self.name_in(pane_id)).activity in NEEDS_PERSON, timeout_s=2, clock=CLOCK
        )
        if offers:
            self.press(pane_id, ("Escape",))

    def await_written(self, pane_id: str, said: str) -> None:
        """Wait until the program has written down what was said to it; some take a moment."""
        agent = self.agent_in(pane_id)
        assert agent is not None and agent.transcript is not None
        path = Path(agent.transcript)
        files = [path, path.with_name(f"{path.name}-wal")]
        words = said.strip().splitlines()[0][:30].encode()
        eventually(lambda: any(words in file.read_bytes() for file in files if file.exists()), "it is written down")

    def kill(self, pane_id: str) -> Agent:
        """End all its own processes at once; the agent, once that was seen."""
        agent = self.agent_in(pane_id)
        assert agent is not None
        for process in self.stage.hive.observer.observe().sightings[agent.id].tree:
            self.stage.hive.processes.signal(process, SIGKILL)
        eventually(lambda: self.stage.look(agent.name).lifecycle is Lifecycle.FAILED, "its crash is seen")
        return self.stage.look(agent.name)

    def press(self, pane_id: str, keys: Sequence[str]) -> None:
        for key in keys:
            self.stage.tmux("send-keys", "-t", pane_id, key)
            threading.Event().wait(0.4)  # two at once are one to some of them
