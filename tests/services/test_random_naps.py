"""Agents that start work, subagents and drafts at random moments: none is ever put to sleep wrongly."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.idle import IdlePolicy
from hive_tui.services.auto_naps import stop_nap
from hive_tui.store import agents, settings
from tests.builders import a_pane
from tests.services.resting import ANNOUNCE_S, MINUTE, Rest
from tests.stage import TESTER

AFTER_S = 1.5 * MINUTE
LONGEST_S = 12 * MINUTE
LOOKS_S = (1.0, 3.0, 5.0)
BUSY: dict[str, dict[str, Any]] = {
    "turn": {"activity": Activity.WORKING},
    "permission": {"activity": Activity.PERMISSION},
    "question": {"activity": Activity.QUESTION},
    "subagent": {"background": ("a subagent",)},
    "shell": {"background": ("npm run dev",)},
    "draft": {"draft": "and then"},
    "visit": {"pane": a_pane(is_watched=True)},
    "hang": {"activity": Activity.UNKNOWN},
}
LEAVES_A_TRACE = ("turn",)
"""What may be over before anybody looks, and is known from the transcript all the same."""


@dataclass
class Schedule:
    """What one agent does, drawn beforehand: `(begin, end, what)` in seconds from its start."""

    number: int
    deeds: list[tuple[float, float, str]] = field(default_factory=list)

    @classmethod
    def drawn(cls, number: int, random: Random) -> "Schedule":
        made, at_s = cls(number), 0.0
        while at_s < LONGEST_S:
            at_s += random.expovariate(1 / random.choice((20.0, AFTER_S, 3 * AFTER_S)))
            what = random.choice(sorted(BUSY))
            shortest_s = 0.1 if what in LEAVES_A_TRACE else max(LOOKS_S) + 0.1
            lasts_s = shortest_s + random.expovariate(1 / random.choice((1.0, 20.0, AFTER_S)))
            made.deeds.append((at_s, at_s + lasts_s, what))
            # Some begin while others go on.
            at_s += random.choice((0.0, lasts_s))
        return made

    def at(self, now_s: float) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        for begin_s, end_s, what in self.deeds:
            if begin_s <= now_s < end_s:
                facts |= BUSY[what]
        return facts

    def turns_before(self, now_s: float) -> int:
        return sum(begin_s <= now_s for begin_s, _, what in self.deeds if what in LEAVES_A_TRACE)

    def between(self, begin_s: float, end_s: float) -> list[tuple[float, float, str]]:
        return [one for one in self.deeds if one[0] <= end_s and one[1] > begin_s]


class Play:
    """One schedule before the real rules, with a person who stops, pauses and restarts at random."""

    def __init__(self, rest: Rest, schedule: Schedule, random: Random, folder: Path) -> None:
        self.rest, self.schedule, self._random = rest, schedule, random
        self.agent = rest.add(f"agent-{schedule.number}")
        self._transcript = folder / f"{schedule.number}.jsonl"
        self._began_s = rest.clock.monotonic()
        self._quiet_since_s = 0.0
        self._turns = -1
        self._is_paused = False
        self.wrong: list[str] = []
        rest.restart()
        rest.sleeper.before = self._judge

    @property
    def now_s(self) -> float:
        return self.rest.clock.monotonic() - self._began_s

    def run(self) -> bool:
        """Whether it was put to sleep."""
        while self.now_s < LONGEST_S and self.agent.name not in self.rest.sleeper.reasons:
            self._show()
            self.rest.look()
            self.rest.clock.advance(self._random.choice(LOOKS_S))
            if self._random.random() < 0.004:
                self._meddle()
        if self._is_paused:
            self._pause(False)
        self.rest.database.write(agents.forget, self.agent.id, now=self.rest.clock.now())
        return self.agent.name in self.rest.sleeper.reasons

    def _show(self) -> None:
        if (turns := self.schedule.turns_before(self.now_s)) != self._turns:
            self._turns = turns
            self._transcript.write_text("turn\n" * turns)
        self.rest.show(self.agent, **self.schedule.at(self.now_s))
        seen = self.rest.sightings[self.agent.id]
        session = structs.replace(seen.session, transcript=str(self._transcript))
        self.rest.sightings[self.agent.id] = structs.replace(seen, session=session)

    def _judge(self, _: Agent) -> None:
        """Called in the moment of a nap, which may come a little after the last look."""
        last_look_s = self.now_s
        if self._is_paused:
            self.wrong.append(f"{self.agent.name} naps in a pause")
        since_s = last_look_s - AFTER_S - ANNOUNCE_S
        if since_s < self._quiet_since_s:
            self.wrong.append(f"{self.agent.name} naps {last_look_s - self._quiet_since_s:.0f} s after a person's word")
        if found := self.schedule.between(since_s, last_look_s):
            self.wrong.append(f"{self.agent.name} naps at {last_look_s:.1f} s in spite of {found}")
        self.rest.clock.advance(self._random.random() * 2)
        self._show()

    def _meddle(self) -> None:
        deed = self._random.choice(("restart", "pause", "stop", "blind"))
        if deed == "restart":
            self.rest.restart()
        elif deed == "pause":
            self._pause(not self._is_paused)
        elif deed == "blind":
            self.rest.clock.advance(60.0)
        elif not stop_nap(self.rest.database, self.agent.id, "it", TESTER, self.rest.clock, self.rest.hub):
            return  # nothing was announced, so nothing was said
        self._quiet_since_s = self.now_s

    def _pause(self, is_paused: bool) -> None:
        self._is_paused = is_paused
        self.rest.database.write(settings.put, settings.PAUSED, is_paused, now=self.rest.clock.now())


@pytest.mark.parametrize("count", [12, pytest.param(500, marks=pytest.mark.faults)])
def test_no_wrong_nap_in_any_schedule(tmp_path: Path, count: int):
    napped, wrong = 0, []
    rest = Rest(tmp_path / "hive.db", IdlePolicy(after_s=AFTER_S))
    for number in range(count):
        random = Random(number)
        play = Play(rest, Schedule.drawn(number, random), random, tmp_path)
        napped += play.run()
        wrong += play.wrong
    rest.database.close()
    assert wrong == []
    assert napped > count / 10, "or else nothing was tried"
