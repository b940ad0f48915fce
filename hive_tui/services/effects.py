"""The log of side effects: each is done once under its key, also across kill -9.

The intent is written down and flushed before anything is done, the end of it afterwards. What was cut off in between
is never simply done again: a probe says whether it has happened, and where none can, a person does.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from shlex import quote
from typing import ClassVar

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.effects import (
    Effect,
    EffectBusy,
    EffectError,
    EffectKind,
    EffectState,
    Ending,
    Kept,
    NewEffect,
    Verdict,
    checked_key,
    nobody_knows,
    refuse_other,
)
from hive_tui.domain.errors import HiveError, StoreError, StoreFull
from hive_tui.domain.events import HEARTBEAT, Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Processes
from hive_tui.domain.processes import ProcessId
from hive_tui.services.hub import Hub
from hive_tui.store import effects as store
from hive_tui.store import journal
from hive_tui.store.database import Database

Probe = Callable[[Effect], Verdict]
LOOK_EVERY_S = 0.1
"""How often a process looks whether another one has done what it wants, too."""
MESSAGE_GRACE = timedelta(seconds=20)
PUSH_GRACE = timedelta(days=1)
CUT_OFF = "it was cut off"
NOT_AGAIN = Ending(EffectState.FAILED, "it was cut off, and was not begun again", is_repeatable=True)
HAPPENED = Ending(EffectState.DONE, result={"found_by": "probe"})
DID_NOT = Ending(EffectState.FAILED, "it was cut off before it happened", is_repeatable=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `EffectLog.run` gave."""

    effect: Effect
    is_replay: bool
    """It was done before, and nothing was done now."""


class Attempt:
    """Handed to whoever does it."""

    def __init__(self, effect: Effect, set_child: Callable[[ProcessId], None]) -> None:
        self.effect = effect
        self.has_begun = False
        self._set_child = set_child

    def begins(self, child: ProcessId | None = None) -> None:
        """From here on something may have happened; a command's process is written down first.

        Raises:
            StoreError: It could not be written down; do not begin.
            EffectError: Another process does it by now; do not begin.
        """
        if child is not None:
            self._set_child(child)
        self.has_begun = True


Act = Callable[[Attempt], Ending]


class EffectLog:
    """Any process may ask for any effect; one does it.

    Args:
        probes: How to find out, by the `type` of an effect's probe.
    """

    _active: ClassVar[set[tuple[str, str, int]]] = set()
    """What this process does just now: an open intent of its own that is not in here was cut off."""

    def __init__(
        self, database: Database, processes: Processes, probes: Mapping[str, Probe], clock: Clock, hub: Hub
    ) -> None:
        self._database = database
        self._processes = processes
        self._probes = probes
        self._clock = clock
        self._hub = hub

    def run(
        self, new: NewEffect, act: Act, actor: Actor = HEARTBEAT, *, wait_s: float = 0.0, retry: bool = False
    ) -> Outcome:
        """Do it, unless it was done before; then its result is given again.

        Args:
            new: What, and under which key.
            act: Does it. What it raises before `Attempt.begins` counts as "nothing has happened".
            actor: Who asks.
            wait_s: So long a process is waited for that does it already.
            retry: Do it again if it has failed.

        Raises:
            EffectError: The key is none, or stands for something else.
            EffectBusy: Another process does it, and still did after `wait_s`.
            EffectUnknown: It was cut off, and nobody knows whether it has happened.
            StoreError: The intent, or the end, cannot be written down.
        """
        checked_key(new.key)
        deadline = self._clock.monotonic() + wait_s
        while True:
            effect, is_ours = self._database.write(self._claim, new, actor, retry=retry)
            if is_ours:
                return Outcome(self._do(effect, act, actor), is_replay=False)
            if effect.is_settled:
                return Outcome(effect, is_replay=True)
            if self.is_running(effect):
                self._wait_for(effect, deadline)
            else:
                settled = self.settle(effect, actor)
                if settled.state is EffectState.UNKNOWN:
                    raise nobody_knows(settled)

    def stored(self, new: NewEffect) -> Effect | None:
        """What the log has under its key, if it stands; changes nothing.

        Raises:
            EffectError: The key stands for something else.
        """
        effect = self._database.read(store.find, checked_key(new.key))
        if effect is not None and not effect.is_repeatable:
            refuse_other(effect, new)
        return effect if effect is not None and effect.is_settled else None

    def under(self, prefix: str) -> list[Effect]:
        """Those whose key begins so."""
        return self._database.read(store.under, prefix)

    def settle(self, effect: Effect, actor: Actor = HEARTBEAT) -> Effect:
        """Find out what has become of one that was cut off, and write that down; the effect as it is then."""
        verdict = self.verdict(effect)
        ending = {Verdict.HAPPENED: HAPPENED, Verdict.DID_NOT: DID_NOT}.get(
            verdict, Ending(EffectState.UNKNOWN, effect.error or CUT_OFF)
        )
        if effect.state is EffectState.UNKNOWN and ending.state is EffectState.UNKNOWN:
            return effect
        # What is known of an attempt that ended without being understood stays: code and output.
        return self._end(effect, replace(ending, exit_code=effect.exit_code), actor)

    def verdict(self, effect: Effect) -> Verdict:
        """What can be found out about one that was cut off, and that nobody does any more; writes nothing down."""
        if effect.kind is EffectKind.COMMAND and effect.state is EffectState.INTENT and effect.child is None:
            return Verdict.DID_NOT  # its process is written down before it may begin
        return self._ask_probe(effect)

    def resolve(self, key: str, *, happened: bool, actor: Actor, note: str = "") -> Effect:
        """A person says whether it has happened.

        Raises:
            NotFound: There is no such effect.
            EffectError: Its end is known, or it is being done right now.
        """
        effect = self._database.read(store.get, key)
        if effect.state.is_ended:
            raise EffectError(
                f"The effect {key!r} is {effect.state}; there is nothing to say about it.",
                hint=f"`hive-tui effect show {quote(key)}` shows how it ended.",
            )
        if self.is_running(effect) or effect.kind.is_journaled:
            raise EffectError(f"The effect {key!r} is being done right now.", hint="Wait until it has ended.")
        said = {"found_by": actor.name, "note": note}
        ending = Ending(EffectState.DONE, result=said, exit_code=effect.exit_code)
        if not happened:
            ending = Ending(
                EffectState.FAILED, f"it did not happen, {actor.name} says", result=said, is_repeatable=True
            )
        return self._end(effect, ending, actor, EventKind.EFFECT_RESOLVED)

    def look_after(self) -> int:
        """Settle everything that was cut off and that nobody has asked for again; how many that were."""
        now = self._clock.now()
        known = self._database.read(store.of_open)
        cut = [one for one in known if not one.kind.is_journaled]
        # A wake that is tried again knows more of its messages than a probe: it goes first.
        cut = [one for one in cut if one.kind is not EffectKind.MESSAGE or now - one.intent_at > MESSAGE_GRACE]
        cut = [one for one in cut if not self.is_running(one)]
        for effect in cut:
            self.settle(effect)
        # What was to be pushed may have been deleted since, or there is another second place: nobody pushes it again.
        left = [one for one in known if one.kind is EffectKind.PUSH and now - one.intent_at > PUSH_GRACE]
        left = [one for one in left if not self.is_running(one)]
        for effect in left:
            self._end(effect, NOT_AGAIN, HEARTBEAT)
        return len(cut) + len(left)

    @contextmanager
    def recorded(self, new: NewEffect) -> Iterator[None]:
        """Write down what has a journal of its own: that it begins, and how it ends. It decides nothing.

        The log must not be in its way: what cannot be written down is done all the same.
        """
        effect = None
        with suppress(StoreError):
            effect = self._database.write(store.begin, new, self._me, now=self._clock.now())
        try:
            yield
        except BaseException as error:
            failed = Ending(EffectState.FAILED, said_of(error), is_repeatable=True)
            self._record_end(effect, failed)
            raise
        self._record_end(effect, Ending(EffectState.DONE))

    def is_running(self, effect: Effect) -> bool:
        """Whether whoever does it lives: the process that began it, or the command that it has started."""
        if effect.state is not EffectState.INTENT:
            return False
        if effect.child is not None and self._processes.is_alive(effect.child):
            return True
        if effect.runner == self._me:
            return self._named(effect) in self._active
        return effect.runner is not None and self._processes.is_alive(effect.runner)

    def _claim(self, db: sqlite3.Connection, new: NewEffect, actor: Actor, *, retry: bool) -> tuple[Effect, bool]:
        """The effect, and whether it is now ours to do; one transaction, so that one process alone is told so."""
        found = store.find(db, new.key)
        if found is not None:
            # What has not happened binds nobody: the same key may be for a command that is written right.
            if not found.is_repeatable:
                refuse_other(found, new)
            is_free = found.state is EffectState.FAILED and (found.is_repeatable or retry)
            if not is_free:
                return found, False
        now = self._clock.now()
        effect = store.begin(db, new, self._me, now=now)
        self._active.add(self._named(effect))
        event = _event(effect, actor)
        if event is not None:
            journal.log(db, event, now=now)
        return effect, True

    def _do(self, effect: Effect, act: Act, actor: Actor) -> Effect:
        attempt = Attempt(effect, lambda child: self._set_child(effect, child))
        try:
            try:
                ending = act(attempt)
            except BaseException as error:
                failed = Ending(EffectState.FAILED, said_of(error), is_repeatable=True)
                if attempt.has_begun:
                    failed = self._understood(effect, Ending(EffectState.UNKNOWN, said_of(error)))
                with suppress(StoreError):
                    self._end(effect, failed, actor)
                raise
            # Where this cannot be written down the intent stays open, and is settled later.
            return self._end(effect, self._understood(effect, ending), actor)
        finally:
            self._active.discard(self._named(effect))

    def _understood(self, effect: Effect, ending: Ending) -> Ending:
        """An ending that says nothing by itself, after the probe was asked."""
        if ending.state is not EffectState.UNKNOWN:
            return ending
        verdict = self._ask_probe(effect)
        if verdict is Verdict.HAPPENED:
            return replace(ending, state=EffectState.DONE, result={**ending.result, **HAPPENED.result})
        if verdict is Verdict.DID_NOT:
            return replace(ending, state=EffectState.FAILED, is_repeatable=True)
        return ending

    def _ask_probe(self, effect: Effect) -> Verdict:
        probe = self._probes.get(str(effect.probe.get("type", "")))
        try:
            return probe(effect) if probe is not None else Verdict.NOBODY_KNOWS
        except (HiveError, OSError, ValueError, KeyError):
            return Verdict.NOBODY_KNOWS

    def _set_child(self, effect: Effect, child: ProcessId) -> None:
        if not self._database.write(store.set_child, effect, child):
            raise EffectError(f"Another process does the effect {effect.key!r} by now.")

    def _end(self, effect: Effect, ending: Ending, actor: Actor, kind: EventKind | None = None) -> Effect:
        """Write the end down, if nobody else has meanwhile; on a full disk without what it has printed."""
        event = _event(effect, actor, ending, kind)
        try:
            is_first = self._database.write(self._store_end, effect, ending, event)
        except StoreFull:
            short = replace(ending, stdout=_counted(ending.stdout), stderr=_counted(ending.stderr))
            with self._database.spending_reserve():
                is_first = self._database.write(self._store_end, effect, short, event)
        if is_first:
            self._hub.publish(event)
        return self._database.read(store.get, effect.key)

    def _store_end(self, db: sqlite3.Connection, effect: Effect, ending: Ending, event: Event | None) -> bool:
        now = self._clock.now()
        is_first = store.end(db, effect, ending, now=now)
        if is_first and event is not None:
            journal.log(db, event, now=now)
        return is_first

    def _record_end(self, effect: Effect | None, ending: Ending) -> None:
        if effect is not None:
            with suppress(StoreError):
                self._database.write(store.end, effect, ending, now=self._clock.now())

    def _wait_for(self, effect: Effect, deadline: float) -> None:
        def has_ended() -> bool:
            now = self._database.read(store.find, effect.key)
            return now is None or now.attempt != effect.attempt or not self.is_running(now)

        left_s = max(0.0, deadline - self._clock.monotonic())
        if not wait_until(has_ended, timeout_s=left_s, clock=self._clock, every_s=LOOK_EVERY_S):
            who = effect.child or effect.runner
            raise EffectBusy(
                f"The effect {effect.key!r} is being done right now, by process {who.pid if who else '?'}"
                f" since {effect.intent_at:%Y-%m-%d %H:%M:%S} UTC.",
                hint="Ask again when it has ended: its result is kept.",
            )

    def _named(self, effect: Effect) -> tuple[str, str, int]:
        return (str(self._database.path), effect.key, effect.attempt)

    @cached_property
    def _me(self) -> ProcessId | None:
        found = self._processes.table().get(os.getpid())
        return found.id if found else None


def said_of(error: BaseException) -> str:
    """An error as the end of a sentence."""
    if isinstance(error, HiveError):
        return error.what
    return "it was interrupted" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}"


def _counted(kept: Kept) -> Kept:
    """Nothing of it but its length."""
    return Kept(b"", b"", kept.size_bytes)


KINDS = {
    EffectState.INTENT: (EventKind.EFFECT_BEGUN, Severity.INFO, "begins"),
    EffectState.DONE: (EventKind.EFFECT_DONE, Severity.INFO, "is done"),
    EffectState.FAILED: (EventKind.EFFECT_FAILED, Severity.WARNING, "has failed"),
    EffectState.UNKNOWN: (EventKind.EFFECT_UNKNOWN, Severity.FAILURE, "may have happened or not, nobody knows"),
}


def _event(effect: Effect, actor: Actor, ending: Ending | None = None, kind: EventKind | None = None) -> Event | None:
    """What the event log says; of messages, which have events of their own, only what is unknown or was resolved."""
    state = ending.state if ending else effect.state
    usual, severity, words = KINDS[state]
    kind = kind or usual
    if effect.kind is not EffectKind.COMMAND and kind not in (EventKind.EFFECT_UNKNOWN, EventKind.EFFECT_RESOLVED):
        return None
    why = f": {ending.error.rstrip('.')}" if ending and ending.error else ""
    text = f"The effect {effect.key} {words}{why}"
    if kind is EventKind.EFFECT_UNKNOWN:
        text += f". Look at {effect.target}, and say which it is: key E, or `hive-tui effect resolve`"
    if kind is EventKind.EFFECT_RESOLVED:
        severity = Severity.INFO  # a person has said so, who need not be told
    payload = {"key": effect.key, "state": str(state), "target": effect.target}
    return Event(kind, text, effect.agent_id, actor, severity, payload)
