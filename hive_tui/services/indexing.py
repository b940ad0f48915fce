"""Which conversations the index holds, and how it is made again from transcripts and checkpoints."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from hive_tui.adapters.locks import FileLock
from hive_tui.archive import reader
from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.contents import FILES
from hive_tui.domain.errors import HiveError, StoreError
from hive_tui.services.context_search import ContextSearch
from hive_tui.services.handoff import Handoffs
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints
from hive_tui.store.context_index import ContextIndex
from hive_tui.store.database import Database

AT_ONCE_BYTES = 8_000_000
"""So many new bytes of one transcript are indexed before a search; more is left to the sleep of its agent."""
Conversation = tuple[Agent, str, Path]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a new index was made of."""

    pieces: int
    conversations: int
    from_checkpoints: int
    """Of the conversations, those whose transcript is gone and that a checkpoint still held."""
    troubles: tuple[str, ...]
    """What could not be indexed, as sentences."""


class Indexing:
    """Keeps the index up to date. What is read is never changed; the index can be lost at any time."""

    def __init__(
        self,
        database: Database,
        handoffs: Handoffs,
        index: ContextIndex,
        ledger_of: Callable[[str], Path],
        lock: FileLock,
        scratch: Callable[[], AbstractContextManager[Path]],
    ) -> None:
        self._database = database
        self._handoffs = handoffs
        self._index = index
        self._ledger_of = ledger_of
        self._lock = lock
        self._scratch = scratch

    def catch_up(self, agents: Sequence[Agent] | None = None, *, most_bytes: int | None = AT_ONCE_BYTES) -> list[str]:
        """Index what was said since the last time; what could not be read, as sentences.

        Args:
            agents: Whose conversations; None for all.
            most_bytes: Of which more is new, that transcript is left to the sleep of its agent.
        """
        searching = ContextSearch(self._index)
        troubles = []
        for agent in self._database.read(agent_store.everyone) if agents is None else agents:
            for owner, session_id, transcript in self.conversations(agent):
                try:
                    searching.add(owner, session_id, transcript, most_bytes=most_bytes)
                except StoreError:
                    raise
                except HiveError as error:
                    troubles.append(error.what)
        return troubles

    def conversations(self, agent: Agent) -> Iterator[Conversation]:
        """Those of an agent whose transcripts are known, the present one and those that handoffs left behind."""
        if agent.session_id and agent.transcript:
            yield agent, agent.session_id, Path(agent.transcript)
        for left in self._handoffs.history(agent):
            if left.previous_session and left.previous_transcript and left.previous_session != agent.session_id:
                yield agent, left.previous_session, Path(left.previous_transcript)

    def rebuild(self, said: Callable[[str], None] = lambda line: None) -> Rebuilt:
        """Make the index anew beside the old one, which serves searches until the new one takes its place.

        A rebuild that was interrupted goes on where it was: what the draft has of a transcript stays.

        Args:
            said: Told what is indexed next, in a few words.

        Raises:
            StoreError: The index cannot be written, or another rebuild runs.
        """
        if not self._lock.try_take("rebuild of the index"):
            raise StoreError("The index is being made again already.", hint="Wait until that has ended.")
        try:
            draft = ContextIndex(self._index.path.with_name(f"{self._index.path.name}.new"))
            with suppress(StoreError):
                return self._make(draft, said)
            draft.remove_all()  # of an interrupted run, and damaged
            return self._make(draft, said)
        finally:
            self._lock.release()

    def _make(self, draft: ContextIndex, said: Callable[[str], None]) -> Rebuilt:
        searching = ContextSearch(draft)
        agents = self._database.read(agent_store.everyone)
        draft.keep_only([agent.id for agent in agents])
        done: list[bool] = []
        troubles: list[str] = []
        for agent in agents:
            for session_id, held_by, transcript in self._everything(agent):
                said(f"{agent.name}: {session_id}")
                try:
                    self._add(searching, agent, session_id, transcript, held_by)
                    done.append(held_by is not None)
                except StoreError:
                    raise
                except HiveError as error:
                    troubles.append(error.what)
            self._add_ledger(searching, agent)
        pieces = draft.count()
        self._index.replace_with(draft)
        return Rebuilt(pieces, len(done), sum(done), tuple(troubles))

    def _everything(self, agent: Agent) -> Iterator[tuple[str, Checkpoint | None, Path]]:
        """Every conversation of an agent once; with the checkpoint that holds it where its transcript is gone."""
        known = {session_id: path for _, session_id, path in self.conversations(agent)}
        kept = [one for one in self._database.read(checkpoints.of_agent, agent.id) if one.is_valid and one.is_local]
        newest: dict[str, Checkpoint] = {}
        for one in kept:
            if one.session_id:
                newest.setdefault(one.session_id, one)
        for session_id in {**known, **newest}:
            path = known.get(session_id, Path())
            if path.is_file():
                yield session_id, None, path
            elif session_id in newest:
                yield session_id, newest[session_id], path

    def _add(
        self, searching: ContextSearch, agent: Agent, session_id: str, transcript: Path, held_by: Checkpoint | None
    ) -> None:
        if held_by is None:
            searching.add(agent, session_id, transcript)
            return
        with self._scratch() as folder:
            unpacked = _transcript_in(Path(held_by.path), folder, session_id)
            if unpacked is None:
                raise HiveError(f"The checkpoint {Path(held_by.path).name} of {agent.name} has no transcript in it.")
            searching.add(agent, session_id, unpacked)

    def _add_ledger(self, searching: ContextSearch, agent: Agent) -> None:
        with suppress(OSError, UnicodeDecodeError):
            text = self._ledger_of(agent.id).read_text(encoding="utf-8")
            if agent.session_id:
                searching.add_ledger(agent, agent.session_id, text)


def _transcript_in(checkpoint: Path, folder: Path, session_id: str) -> Path | None:
    """The transcript that a checkpoint holds, unpacked; None where it has none of lines.

    Raises:
        HiveError: The checkpoint is damaged.
    """
    reader.extract(checkpoint, folder, wanted=lambda name: name.startswith("session/"), free_links=FILES)
    with suppress(OSError, ValueError, KeyError, TypeError):
        listed = json.loads((folder / "session/files.json").read_text(encoding="utf-8"))["files"]
        members = [folder / str(one["member"]) for one in listed if str(one["member"]).endswith(".jsonl")]
        found = [one for one in members if one.is_file()]
        # Helpers of the agent have transcripts of their own beside it.
        return max(found, key=lambda one: (session_id in one.name, one.stat().st_size), default=None)
    return None
