"""What a restore would change, and what it did."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.durations import counted
from hive_tui.domain.wakeups import Wakeup
from hive_tui.domain.workspaces import RestorePlan
from hive_tui.services.conversation import ConversationChange

SHOWN_FILES = 12


class Part(StrEnum):
    """What can be restored alone."""

    WORKSPACE = "workspace"
    CONVERSATION = "conversation"
    STREAMS = "streams"


EVERYTHING = frozenset(Part)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a restore would change."""

    agent: Agent
    checkpoint: Checkpoint
    plan: RestorePlan | None
    """None where the checkpoint or the folder has no git workspace."""
    conversation: ConversationChange | None
    """None where it stays out of it."""
    notes: tuple[str, ...]
    streams: tuple[str, ...] = ()
    """What would change in Redis, in lines."""

    def lines(self) -> list[str]:
        """For a person."""
        found = [
            f"Generation {self.checkpoint.generation} of {self.agent.name}, taken "
            f"{self.checkpoint.created_at.astimezone():%Y-%m-%d %H:%M} ({self.checkpoint.reason})"
        ]
        if self.plan is not None:
            found += plan_lines(self.plan)
        if self.conversation is not None:
            found.append(f"  conversation: {self.conversation.words()}")
        found += [f"  {line}" for line in self.streams]
        found += [f"  note: {note}" for note in self.notes]
        return found


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What a restore did."""

    agent: Agent
    checkpoint: Checkpoint
    safety: Checkpoint
    was_awake: bool
    files_changed: int
    kept: tuple[str, ...]
    warnings: tuple[str, ...]
    parts: frozenset[Part] = EVERYTHING
    wakeup: Wakeup | None = None
    """The wake that follows."""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "agent": self.agent.name,
            "checkpoint_id": self.checkpoint.id,
            "generation": self.checkpoint.generation,
            "safety_checkpoint_id": self.safety.id,
            "files_changed": self.files_changed,
            "kept": list(self.kept),
            "warnings": list(self.warnings),
        }

    def sentence(self) -> str:
        """For a person."""
        what = "" if self.parts == EVERYTHING else f" ({' and '.join(sorted(self.parts))} only)"
        said = (
            f"{self.agent.name} is back at generation {self.checkpoint.generation}{what}: "
            f"{counted(self.files_changed, 'file')} changed. What was there before is checkpoint {self.safety.id[:8]}."
        )
        return "\n".join([said, *(f"Note: {warning}" for warning in self.warnings)])


def plan_lines(plan: RestorePlan) -> list[str]:
    """What happens to the files, for a person."""
    changed = "1 file changes" if plan.files == 1 else f"{plan.files} files change"
    found = [f"  {changed}, {counted(plan.insertions, 'line')} added, {plan.deletions} removed"]
    marks = {"write": "~", "delete": "-", "symlink": "~", "mode": "~"}
    for change in plan.changes[:SHOWN_FILES]:
        mark = "+" if change.old_id is None else marks[change.kind]
        found.append(f"    {mark} {change.path}")
    if plan.files > SHOWN_FILES:
        found.append(f"    and {plan.files - SHOWN_FILES} more")
    if plan.head is not None:
        here = plan.head.from_branch or (plan.head.from_commit or "nothing")[:10]
        there = plan.head.to_branch or "detached"
        found.append(f"  HEAD: {here} -> {there} at {(plan.head.to_commit or 'no commit')[:10]}")
    if plan.left is not None:
        first, *more = plan.left.lines()
        found += [f"  {first}", *more]
    if plan.kept:
        found.append(f"  kept, since the checkpoint does not know them: {', '.join(plan.kept[:SHOWN_FILES])}")
    return found + [f"  note: {warning}" for warning in plan.warnings]
