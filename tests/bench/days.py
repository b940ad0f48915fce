"""Simulated days of one agent, lived twice: with naps, handoffs and gates, and without them. The turns are the same.

What is simulated: the conversations (invented, with tool output, as Claude Code writes them), when turns are made,
and a base prompt of `BASE` tokens that every conversation begins with. What is real: the handoffs, made by the
program from the transcripts so far; the ledger, which reads the tokens out of the transcripts; gate verdicts in the
queue, counted by the program; and the replay, which sees nothing but those records.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from msgspec import structs

from hive_tui.condense.tokens import count
from hive_tui.domain.agents import Agent
from hive_tui.domain.handoffs import ContextMode, Handoff
from hive_tui.domain.savings import Account, replay
from hive_tui.domain.wakeups import NewWakeup, Outcome, Trigger
from hive_tui.hive import Hive
from hive_tui.services import savings
from hive_tui.store import agents, claims, handoffs, wakeups
from hive_tui.store.turns import handovers_of, turns_of
from tests.builders import an_ended_agent
from tests.clocks import FakeClock
from tests.condense.invented import invent
from tests.ui.invented import new_hive

BASE = 14_000
"""System prompt, tools and rules, sent with every turn. Simulated."""
TURN = timedelta(seconds=30)
COMPACT_AT, COMPACTED = 160_000, 30_000
"""Without handoffs the agent compacts its conversation itself from so many tokens on, to so many. Simulated."""
REST = timedelta(hours=2)
SITTINGS = 4
"""The first one is of the day before, and counts on neither side."""
IDLE_WAKES = 10
"""Webhooks overnight that say nothing an agent could act upon."""


@dataclass(frozen=True, slots=True)
class Day:
    """What the two days came to."""

    sent: int
    """Tokens of the input side, with naps, handoffs and gates; known, since simulated."""
    sent_without: int
    replayed: Account
    """What the program says, from the records of the first day alone."""
    composed: tuple[tuple[float, int, int], ...]
    """Of each handoff: seconds to make it, tokens of the prompt with it, tokens of a resume's prompt."""


def live(folder: Path, seed: int, *, parts: int) -> Day:
    """One agent through its days; `parts` invented conversations make a sitting."""
    clock = FakeClock()
    hive = new_hive(folder / "home", clock)
    try:
        return _Life(hive, clock, folder, seed, parts).day()
    finally:
        hive.close()


class _Life:
    def __init__(self, hive: Hive, clock: FakeClock, folder: Path, seed: int, parts: int) -> None:
        self.hive, self.clock, self.folder = hive, clock, folder
        self.seed, self.parts = seed, parts
        self.sent = self.sent_without = 0
        self.context = self.context_without = BASE
        self.composed: list[tuple[float, int, int]] = []
        self.agent: Agent = an_ended_agent(cwd=str(folder), session_id="s0", transcript=str(folder / "s0.jsonl"))
        hive.database.write(agents.add, self.agent, now=clock.now())

    def day(self) -> Day:
        began = self.clock.now()
        for sitting in range(SITTINGS):
            if sitting == 1:
                self.sent = self.sent_without = 0
                began = self.clock.now()
            if sitting:
                self._hand_over(sitting)
            self._sit(sitting)
            self.clock.advance(REST.total_seconds())
        for number in range(IDLE_WAKES):
            self._idle_wake(number)
        self.hive.measuring.counting.count()
        hours = (self.clock.now() - began) / timedelta(hours=1)
        assert hours < 24, "it is one day"
        self.clock.advance(60)
        replayed = self._replayed(began)
        return Day(self.sent, self.sent_without, replayed, tuple(self.composed))

    def _replayed(self, began: datetime) -> Account:
        """What `hive-tui savings` says of the records since then, but for the whole hours of its options."""
        skipped, _ = self.hive.database.read(savings.beside, self.agent.id, began)
        turns = self.hive.database.read(turns_of, self.agent.id)
        handed = self.hive.database.read(handovers_of, self.agent.id)
        return replay(turns, handed, skipped, since=began)

    def _hand_over(self, sitting: int) -> None:
        """The nap's work: the conversation is condensed, and a new one begins with what matters."""
        old = self.agent
        began = perf_counter()
        composed = self.hive.remembering.handoffs.compose(old)
        took_s = perf_counter() - began
        self.context = BASE + composed.tokens
        self.composed.append((took_s, self.context, self.context_without))
        handoff = Handoff(
            f"w{sitting}", old.id, ContextMode.HANDOFF, "asked for", self.clock.now(), composed.text, old.session_id,
            old.transcript,
        )  # fmt: skip
        self.hive.database.write(handoffs.add, handoff)
        self.hive.database.write(handoffs.started, handoff.wakeup_id, now=self.clock.now())
        session = f"s{sitting}"
        self.agent = structs.replace(old, session_id=session, transcript=str(self.folder / f"{session}.jsonl"))
        self.hive.database.write(agents.put, self.agent)

    def _sit(self, sitting: int) -> None:
        with Path(str(self.agent.transcript)).open("w", encoding="utf-8") as file:
            for row in self._rows(sitting):
                file.write(json.dumps(row) + "\n")
        self.hive.spending.ledger.take_in()

    def _rows(self, sitting: int) -> Iterator[dict[str, Any]]:
        """The sitting's rows, each answer with what it has cost in the world with handoffs."""
        new, turn = 0, 0
        for part in range(self.parts):
            for row in invent(self.seed * 100 + sitting * 10 + part).rows:
                tokens = sum(count(text) for text in _texts(row["message"]["content"]))
                row |= {"sessionId": self.agent.session_id, "timestamp": f"{self.clock.now():%Y-%m-%dT%H:%M:%S.000Z}"}
                if row["type"] == "assistant":
                    row["requestId"] = row["message"]["id"] = f"{self.agent.session_id}-{turn}"
                    row["message"]["usage"] = self._turn(new, tokens)
                    turn, new = turn + 1, 0
                    self.clock.advance(TURN.total_seconds())
                else:
                    new += tokens
                yield row

    def _turn(self, new: int, output: int) -> dict[str, int]:
        """One turn of both worlds: all that was said before, and what is new."""
        usage = {
            "input_tokens": 0,
            "cache_creation_input_tokens": new,
            "cache_read_input_tokens": self.context,
            "output_tokens": output,
        }
        self.sent += self.context + new
        self.sent_without += self.context_without + new
        self.context += new + output
        self.context_without += new + output
        if self.context_without > COMPACT_AT:
            self.context_without = COMPACTED
        return usage

    def _idle_wake(self, number: int) -> None:
        """With the gate nothing is sent; without it the agent is asked, finds nothing to do, and is asleep again."""
        self.sent_without += self.context_without
        now = self.clock.now()
        write = self.hive.database.write
        asked = write(wakeups.enqueue, NewWakeup(self.agent.id, Trigger.WEBHOOK, now), f"idle-{number}", now=now)
        claimed = write(claims.claim_one, asked.wakeup.id, by="simulation", now=now)
        assert claimed is not None
        said = "skip: actionable: there is no payload, no message and no open task"
        write(claims.complete, claimed, now=now, verdict=said, result={}, outcome=Outcome.SKIPPED)
        self.clock.advance(1800)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
