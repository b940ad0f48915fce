"""Commands that are run once under a key: behind a gate, with a probe, and after a checkpoint if one is wanted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import join
from signal import Signals
from typing import Any, BinaryIO

from hive_tui.adapters.effects.command import Ended, refuse_missing, run_gated
from hive_tui.domain.agents import Agent
from hive_tui.domain.effects import (
    KEY_VARIABLE,
    LONGEST_SHOWN,
    EffectKind,
    EffectState,
    Ending,
    NewEffect,
)
from hive_tui.domain.events import Actor
from hive_tui.domain.ports import Processes
from hive_tui.domain.redaction import Redactor
from hive_tui.services.effects import Attempt, EffectLog, Outcome

TIMED_OUT = "timed_out"
"""In the result of a command that was ended since its time was up."""
Echo = tuple[BinaryIO | None, BinaryIO | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command, and how it is to be run."""

    key: str
    argv: Sequence[str]
    folder: Path
    """Where it runs: a part of what the key stands for."""
    target: str = ""
    """What it changes; empty for its folder."""
    agent: Agent | None = None
    timeout_s: float | None = None
    probe: dict[str, Any] | None = None
    wait_s: float = 0.0
    """So long another process is waited for that runs it already."""
    retry: bool = False
    """Run it again if it has failed."""

    def effect(self) -> NewEffect:
        """What goes into the log; of the command only what is no secret."""
        shown = _one_line(Redactor().redact(join(self.argv)))
        if len(shown) > LONGEST_SHOWN:
            shown = shown[: LONGEST_SHOWN - 1] + "…"
        return NewEffect(
            self.key,
            EffectKind.COMMAND,
            _one_line(self.target or str(self.folder)),
            {"argv": list(self.argv), "folder": str(self.folder)},
            shown,
            self.agent.id if self.agent else None,
            self.probe or {},
        )


class EffectCommands:
    """Runs them through the log; `keep_bytes` of each output are kept."""

    def __init__(self, log: EffectLog, processes: Processes, *, keep_bytes: int) -> None:
        self._log = log
        self._processes = processes
        self._keep_bytes = keep_bytes

    def run(self, wanted: Wanted, echo: Echo, actor: Actor, checkpoint: Callable[[], str] | None = None) -> Outcome:
        """Run the command, unless it was run before.

        Args:
            wanted: The command.
            echo: Where its output goes while it runs; a replay prints nothing.
            actor: Who asks.
            checkpoint: Takes a checkpoint before, and gives its id; what it raises is raised, and nothing was done.

        Raises:
            EffectError, EffectBusy, EffectUnknown, StoreError: As `EffectLog.run`.
        """
        new = wanted.effect()
        stored = self._log.stored(new)
        if stored is None or (wanted.retry and stored.state is EffectState.FAILED):
            refuse_missing(wanted.argv)
            if checkpoint is not None:
                new = replace(new, checkpoint_id=checkpoint())
        return self._log.run(
            new, lambda attempt: self._act(attempt, wanted, echo), actor, wait_s=wanted.wait_s, retry=wanted.retry
        )

    def _act(self, attempt: Attempt, wanted: Wanted, echo: Echo) -> Ending:
        return _ending(
            run_gated(
                wanted.argv,
                began=attempt.begins,
                processes=self._processes,
                env={KEY_VARIABLE: wanted.key},
                timeout_s=wanted.timeout_s,
                keep_bytes=self._keep_bytes,
                echo=echo,
            )
        )


def _ending(ended: Ended) -> Ending:
    """A command that ended by itself has said how; of one that was ended nobody knows how far it had come."""
    state, error = EffectState.DONE, None
    if ended.timed_out:
        state, error = EffectState.UNKNOWN, "its time was up, and it was ended"
    elif ended.code < 0:
        state, error = EffectState.UNKNOWN, f"it was ended by {_name(-ended.code)}"
    elif ended.code and ended.interrupted_by is not None:
        state, error = EffectState.UNKNOWN, f"it was interrupted by {_name(ended.interrupted_by)}"
    elif ended.code:
        state, error = EffectState.FAILED, f"it ended with exit code {ended.code}"
    result = {TIMED_OUT: True} if ended.timed_out else {}
    return Ending(state, error, ended.code, result, ended.stdout, ended.stderr)


def _one_line(text: str) -> str:
    """Without what moves a cursor or changes colours."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _name(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
