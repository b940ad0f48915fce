"""Nap and wake: seconds for a scripted agent that a shell hosts, in a small git repository.

A nap counts from the request to the agent asleep (checkpoint written, read back and verified, process
gone); it has two looks that lie a second apart by design, to judge the agent's CPU. A wake counts from
the request to the agent at its prompt. Beside them, on an agent in another shell: `/quit` typed by
hand until its process is gone, and its resume command typed by hand until its prompt is there.
"""

from collections import defaultdict
from statistics import median
from time import perf_counter

from hive_tui.domain.agents import Agent
from hive_tui.domain.events import Event, EventKind
from hive_tui.domain.progress import Unwatched
from hive_tui.services.nap import NapRequest
from tests.bench.figures import Row, Section, alternate, number
from tests.bench.plan import Plan
from tests.stage import AGENT, TESTER, Stage, eventually, is_asleep, pane_of, process_of

Steps = dict[str, list[float]]


def measure(plan: Plan) -> Section:
    """Nap, quit, wake and resume in turn."""
    steps: Steps = defaultdict(list)
    with Stage(plan.folder / "naps") as stage:
        ours = Napping(stage, steps)
        by_hand = ByHand(stage)
        found = alternate(
            plan.runs, {"nap": ours.nap, "quit": by_hand.quit, "wake": ours.wake, "resume": by_hand.resume}
        )
    rows = (Row("nap", "s", found["nap"], found["quit"]), Row("wake", "s", found["wake"], found["resume"]))
    notes = [f"{number(median(spans))} s  {step}" for step, spans in steps.items()]
    return Section("Nap and wake, one scripted agent", "/quit and the resume command, typed", rows, notes)


class Clocked(Unwatched):
    """Takes the time of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.began: list[tuple[str, float]] = []

    def step(self, name: str, total_bytes: int = 0) -> None:
        super().step(name)
        self.began.append((name, perf_counter()))


class Napping:
    """An agent that our nap and wake are tried on."""

    def __init__(self, stage: Stage, steps: Steps) -> None:
        self._stage = stage
        self._steps = steps
        pane_id = stage.agent_in_shell("ada", folder=stage.repository("ada"))
        self._agent = in_pane(stage, pane_id)
        self._waking: list[tuple[EventKind, float]] = []
        stage.hive.hub.subscribe(self._note)

    def nap(self) -> float:
        """Seconds of one nap; forced, so that the CPU of the last wake speaks not against it."""
        progress, began = Clocked(), perf_counter()
        result = self._stage.hive.napper.nap(self._agent.id, NapRequest("bench", TESTER, force=True), progress)
        ended = perf_counter()
        assert is_asleep(result.agent)
        for (name, at), until in zip(progress.began, [*(at for _, at in progress.began[1:]), ended], strict=True):
            self._steps[f"nap: {name}"].append(until - at)
        return ended - began

    def wake(self) -> float:
        """Seconds of one wake."""
        self._waking.clear()
        began = perf_counter()
        wakeup = self._stage.wake(self._agent)
        ended = perf_counter()
        assert wakeup.result is not None and wakeup.result["resumed"]
        at = dict(self._waking)
        self._steps["wake: request, claim, gate"].append(at[EventKind.AGENT_WAKING] - began)
        self._steps["wake: to the prompt"].append(at[EventKind.AGENT_AWAKE] - at[EventKind.AGENT_WAKING])
        self._steps["wake: completed"].append(ended - at[EventKind.AGENT_AWAKE])
        return ended - began

    def _note(self, event: Event) -> None:
        self._waking.append((event.kind, perf_counter()))


class ByHand:
    """An agent that is quit and resumed by typing."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._pane_id = stage.agent_in_shell("by-hand", folder=stage.repository("by-hand"))
        self._agent = in_pane(stage, self._pane_id)

    def quit(self) -> float:
        """Seconds from the typed word to the end of the process."""
        process, began = process_of(self._agent), perf_counter()
        self._stage.type(self._pane_id, "/quit")
        eventually(lambda: not self._stage.hive.processes.is_alive(process), "the agent is gone")
        ended = perf_counter()
        self._stage.type(self._pane_id, "clear")
        return ended - began

    def resume(self) -> float:
        """Seconds from the typed command to the prompt."""
        began = perf_counter()
        self._stage.type(self._pane_id, f"{AGENT} --resume {self._agent.session_id}")
        eventually(lambda: self._stage.screen(self._pane_id).rstrip().endswith("»"), "the agent shows its prompt")
        ended = perf_counter()
        self._agent = in_pane(self._stage, self._pane_id)
        return ended - began


def in_pane(stage: Stage, pane_id: str) -> Agent:
    """The agent in that pane, as a look finds it."""
    agents = stage.hive.observer.observe().agents
    return next(agent for agent in agents if agent.process is not None and pane_of(agent) == pane_id)
