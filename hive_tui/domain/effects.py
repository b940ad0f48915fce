"""Side effects under idempotency keys: what was meant to be done, and what is known of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from shlex import quote
from typing import Any

from hive_tui.domain.errors import ErrorClass, HiveError
from hive_tui.domain.processes import ProcessId

TRAILER = "Hive-Effect"
"""Trailer of a git commit that proves an effect: `Hive-Effect: KEY`."""
KEY_VARIABLE = "HIVE_EFFECT_KEY"
"""Environment variable in which a command finds its key."""
LONGEST_KEY = 200
LONGEST_SHOWN = 500


class EffectState(StrEnum):
    """How far an effect is, as far as is known."""

    INTENT = "intent"
    """It is written down and not ended: it is being done, or was cut off."""
    DONE = "done"
    FAILED = "failed"
    """It ended with an error, or has not happened at all (`is_repeatable`)."""
    UNKNOWN = "unknown"
    """It was cut off, and nothing says whether it has happened: a person has to."""

    @property
    def is_ended(self) -> bool:
        """Whether nothing is open any more; only such effects are forgotten one day."""
        return self in (EffectState.DONE, EffectState.FAILED)


class EffectKind(StrEnum):
    """Who does it."""

    COMMAND = "command"
    """`hive-tui effect run`."""
    MESSAGE = "message"
    """Text that is pasted into an agent's pane."""
    PUSH = "push"
    """A checkpoint that is copied to the second place."""
    RESTORE = "restore"

    @property
    def is_journaled(self) -> bool:
        """Whether it has a journal of its own, which takes it up again after a crash: nobody is asked."""
        return self in (EffectKind.PUSH, EffectKind.RESTORE)


class Verdict(StrEnum):
    """What a probe says of an effect that was cut off."""

    HAPPENED = "happened"
    DID_NOT = "did not happen"
    NOBODY_KNOWS = "nobody knows"


class EffectError(HiveError):
    """An effect cannot be done as it was asked for."""

    error_class = ErrorClass.PERMANENT


class EffectBusy(HiveError):
    """Another process is doing it right now."""


class EffectUnknown(HiveError):
    """It was cut off, and nobody knows whether it has happened."""

    error_class = ErrorClass.NEEDS_PERSON


@dataclass(frozen=True, slots=True)
class NewEffect:
    """What is to be done once."""

    key: str
    kind: EffectKind
    target: str
    """What it changes, for people: a folder, an address, a pane."""
    arguments: Mapping[str, Any]
    """All that makes it this effect and no other; JSON values. Only their hash is kept."""
    shown: str
    """What is done, in one line without secrets."""
    agent_id: str | None = None
    probe: Mapping[str, Any] = field(default_factory=dict)
    """How to find out later whether it has happened: `type`, and what that one needs. Empty for no way."""
    checkpoint_id: str | None = None
    """The checkpoint of the agent that was taken for it."""

    @property
    def digest(self) -> str:
        """SHA-256 of kind, target and arguments."""
        text = json.dumps([self.kind, self.target, self.arguments], sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Kept:
    """The output of a command: all of it, or how it begins and ends."""

    head: bytes = b""
    tail: bytes = b""
    """What comes last; empty where `head` is all of it."""
    size_bytes: int = 0
    """So much there was."""

    @property
    def cut_bytes(self) -> int:
        """So much is missing between head and tail."""
        return self.size_bytes - len(self.head) - len(self.tail)

    def text(self) -> str:
        """For people; says where something is missing."""
        head, tail = self.head.decode(errors="replace"), self.tail.decode(errors="replace")
        return f"{head}\n[{self.cut_bytes} bytes are not kept]\n{tail}" if self.cut_bytes else head + tail


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt to do it has ended."""

    state: EffectState
    error: str | None = None
    """Why it failed, or why nobody knows; None where it is done."""
    exit_code: int | None = None
    """Of a command; negative for the signal that ended it."""
    result: Mapping[str, Any] = field(default_factory=dict)
    stdout: Kept = Kept()
    stderr: Kept = Kept()
    is_repeatable: bool = False
    """Nothing of it has happened: under the same key it is done again."""


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect as the log has it. Times are aware UTC."""

    key: str
    kind: EffectKind
    target: str
    digest: str
    shown: str
    state: EffectState
    agent_id: str | None
    probe: Mapping[str, Any]
    runner: ProcessId | None
    """The process that does it, or did."""
    child: ProcessId | None
    """The command that it has started; None before that, and then nothing has happened."""
    attempt: int
    """Counts how often it was begun; fences off whoever was taken for dead."""
    intent_at: datetime
    ended_at: datetime | None = None
    error: str | None = None
    exit_code: int | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    is_repeatable: bool = False
    checkpoint_id: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether its result stands: the same key gives it again, and does nothing."""
        return self.state is EffectState.DONE or (self.state is EffectState.FAILED and not self.is_repeatable)


def checked_key(key: str) -> str:
    """The key, if it is one.

    Raises:
        EffectError: It is empty, too long, or has something in it that cannot stand in one line.
    """
    if not key.strip() or len(key) > LONGEST_KEY or not key.isprintable() or key != key.strip():
        raise EffectError(
            f"{key[:40]!r} is not a key for an effect.",
            hint=f"A key is one line of up to {LONGEST_KEY} letters, for example deploy-2026-01-05.",
        )
    return key


def refuse_other(effect: Effect, new: NewEffect) -> None:
    """Raise an EffectError where the key stands for something else."""
    if effect.digest != new.digest:
        raise EffectError(
            f"The key {new.key!r} stands for something else: {effect.shown} ({effect.target}).",
            hint="Take another key; the same key is for the very same command, target and folder.",
        )


def nobody_knows(effect: Effect) -> EffectUnknown:
    """What to say where only a person can find out."""
    why = f": {effect.error.rstrip('.')}" if effect.error else ""
    return EffectUnknown(
        f"Nobody knows whether the effect {effect.key!r} has happened{why}.",
        hint=f"Look at {effect.target}, then say `hive-tui effect resolve {quote(effect.key)} done` or `not-done`.",
    )
