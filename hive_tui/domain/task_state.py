"""How far an agent has come with its work: the current step, what it did, what could come next, what failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from hive_tui.domain.tasks import TaskError, one_line

STEP_LETTERS = 500
KEPT = 100
"""So many completed steps of an agent are kept, the newest ones, and as many candidates and reason tags."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """How far an agent has come, as it, a hook or a person wrote it down."""

    agent_id: str
    step: str | None = None
    """What it does now."""
    done_steps: tuple[str, ...] = ()
    """What it has done, oldest first."""
    next_steps: tuple[str, ...] = ()
    """What could come next, in the order in which it was said."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """How often it failed, by reason tag; the tag of the latest failure is the last."""
    updated_at: datetime | None = None
    """Aware UTC; None while nothing was written down."""


def checked_step(text: str) -> str:
    """One line without control characters: a step, or a reason tag.

    Raises:
        TaskError: It is empty, or longer than `STEP_LETTERS`.
    """
    line = one_line(text)
    if not line or len(line) > STEP_LETTERS:
        raise TaskError(
            "A step or a tag cannot be empty." if not line else f"A step of {len(line)} characters is too long.",
            hint=f"Say it in one line of up to {STEP_LETTERS} characters.",
        )
    return line


def with_step(state: TaskState, step: str) -> TaskState:
    """It does this now, which is no candidate any more."""
    return replace(state, step=step, next_steps=_without(state.next_steps, step))


def with_done_step(state: TaskState, step: str) -> TaskState:
    """It has done this. Said twice in a row it counts once: a hook may report it again."""
    done = state.done_steps if state.done_steps[-1:] == (step,) else (*state.done_steps, step)
    current = None if state.step == step else state.step
    return replace(state, step=current, done_steps=done[-KEPT:], next_steps=_without(state.next_steps, step))


def with_next_step(state: TaskState, step: str) -> TaskState:
    """This could come next, too."""
    if step in state.next_steps:
        return state
    return replace(state, next_steps=(*state.next_steps, step)[-KEPT:])


def with_failure(state: TaskState, tag: str) -> TaskState:
    """It failed once more, for this reason."""
    others = [(key, count) for key, count in state.failures.items() if key != tag]
    return replace(state, failures=dict([*others, (tag, state.failures.get(tag, 0) + 1)][-KEPT:]))


def _without(steps: tuple[str, ...], step: str) -> tuple[str, ...]:
    return tuple(one for one in steps if one != step)
