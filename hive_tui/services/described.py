"""Reads from a checkpoint's file what the catalog and the registry have to know of it."""

import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from hive_tui.archive import reader
from hive_tui.domain.agents import NAME, Activity, Agent, Hosting, Lifecycle, Origin
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.contents import FILES, lacks, left_out
from hive_tui.domain.errors import CheckpointError
from hive_tui.domain.workspaces import WorkspaceFacts
from hive_tui.kinds.catalog import Kinds

WORKSPACE_FACTS = ("kind", "branch", "head", "staged", "modified", "untracked", "needs_repo")

CLOCKS_DIFFER = timedelta(days=1)
"""A checkpoint cannot be of a later time than this, or it would count as the newest for long."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a file says of itself. Verified for its hashes, not for whether it speaks the truth."""

    agent_id: str
    agent_name: str
    created_at: datetime
    reason: CheckpointReason
    saved_agent: Mapping[str, Any]
    """Its row of the registry."""
    summary: Mapping[str, Any]

    @property
    def session_id(self) -> str | None:
        """The conversation in it."""
        found = self.saved_agent.get("session_id")
        return found if isinstance(found, str) else None

    def row(self, path: Path, sha256: str, agent_id: str, *, now: datetime, imported: bool = False) -> Checkpoint:
        """The row of the catalog for it. Its id follows from the content, so that nothing is entered twice."""
        return Checkpoint(
            id=str(uuid5(NAMESPACE_URL, f"hive-checkpoint:{sha256}")),
            agent_id=agent_id,
            generation=0,
            created_at=self.created_at,
            path=str(path),
            sha256=sha256,
            size_bytes=path.stat().st_size,
            is_valid=True,
            reason=self.reason,
            validated_at=now,
            session_id=self.session_id,
            summary=self.summary,
            imported_at=now if imported else None,
        )

    def agent(self, agent_id: str, name: str, kinds: Kinds, *, now: datetime, trusted: bool) -> Agent:
        """The agent as one that sleeps, for a registry that does not know it.

        Args:
            agent_id: Its id.
            name: Its name here.
            kinds: The kinds that are known.
            now: Aware UTC.
            trusted: The file was written here; else its environment is left out.
        """
        saved = self.saved_agent
        kind = kinds.get(_text(saved, "kind"))
        env = tuple((str(key), str(value)) for key, value in saved.get("env") or ()) if trusted else ()
        return Agent(
            id=agent_id,
            name=name,
            kind=kind.name,
            lifecycle=Lifecycle.ASLEEP,
            activity=Activity.UNKNOWN,
            reason=f"entered from its checkpoint of {self.created_at:%Y-%m-%d %H:%M} UTC",
            since_at=now,
            origin=Origin.ADOPTED,
            cwd=_text(saved, "cwd"),
            hosting=Hosting.SHELL,
            session_id=self.session_id,
            transcript=_optional(saved, "transcript"),
            config_dir=_optional(saved, "config_dir"),
            argv=tuple(map(str, saved.get("argv") or ())),
            env=env,
        )


def describe(path: Path, *, now: datetime) -> Described:
    """Read a file that was verified.

    Raises:
        CheckpointError: It lacks what every checkpoint has, or says what cannot be.
    """
    manifest = reader.read_manifest(path)
    try:
        saved = json.loads(reader.read_member(path, "agent.json"))
        created_at = datetime.fromisoformat(str(manifest.facts["created_at"]))
        agent_id, name = str(manifest.facts["agent_id"]), str(manifest.facts["agent"])
        reason = CheckpointReason(manifest.facts["reason"])
        # Both come to stand in paths and in commands.
        if not NAME.fullmatch(name) or not 0 < len(agent_id) <= 64 or not isinstance(saved, dict):
            raise ValueError(f"{name!r} is no agent")
        if created_at.tzinfo is None or created_at > now + CLOCKS_DIFFER:
            raise ValueError(f"it says that it was taken at {created_at}")
        summary = _summary(path, {member.name: member.size_bytes for member in manifest.members})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{path.name} is a sound archive, but no checkpoint of an agent: {error}.",
            hint="Import files that `hive-tui export` wrote.",
        ) from error
    return Described(agent_id, name, created_at, reason, saved, summary)


def _summary(path: Path, sizes: Mapping[str, int]) -> dict[str, Any]:
    """As the snapshot makes it."""
    session = {
        name: size for name, size in sizes.items() if name.startswith("session/") and name != "session/files.json"
    }
    state = json.loads(reader.read_member(path, "workspace/state.json")) if "workspace/state.json" in sizes else {}
    return {
        "content_bytes": sum(sizes.values()),
        "members": len(sizes),
        "transcript_files": len(session),
        "transcript_bytes": sum(session.values()),
        "workspace": {key: state[key] for key in WORKSPACE_FACTS if key in state} | _counts(state, sizes),
    }


def _counts(state: Mapping[str, Any], members: Collection[str]) -> dict[str, Any]:
    files = sum(name.startswith(f"{FILES}/") for name in members)
    skipped = {"skipped": len(state["skipped"])} if "skipped" in state else {}
    return skipped | _left_out(state) | ({"files": files} if state.get("kind") == "folder" else {})


def _left_out(state: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"left_out": left_out(WorkspaceFacts.from_json(state))} if state else {}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}  # of another version; nothing but words depends on it


def _text(saved: Mapping[str, Any], key: str) -> str:
    value = saved.get(key)
    if not isinstance(value, str) or not value:
        raise CheckpointError(f"The checkpoint does not say the {key} of its agent.", hint="Name an agent by --agent.")
    return value


def _optional(saved: Mapping[str, Any], key: str) -> str | None:
    value = saved.get(key)
    return value if isinstance(value, str) else None


def everything_left_out(one: Checkpoint) -> list[str]:
    """As the checkpoint itself says; the catalog names the first ones, should its file not be here or be damaged."""
    known = lacks(one)
    try:
        state = json.loads(reader.read_member(Path(one.path), "workspace/state.json"))
        facts = WorkspaceFacts.from_json(state)
    except (CheckpointError, KeyError, TypeError, ValueError, AttributeError):
        return known
    of_workspace = left_out(facts, most=sys.maxsize)
    return [*of_workspace, *(what for what in known if what not in of_workspace and not what.startswith("and "))]
