"""The index made anew: from transcripts and checkpoints, beside the old one, and after whatever interrupted it."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_tui.domain.errors import StoreError
from hive_tui.store.context_index import ContextIndex
from tests.condense.invented import invent
from tests.keeper import SESSION, Keeper


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path)
    invent(3).write(keeper.transcript)
    yield keeper
    keeper.close()


def texts(keeper: Keeper, wanted: str) -> list[str]:
    return [one.hit.text for one in keeper.hive.remembering.searching.search(wanted)]


def draft(keeper: Keeper) -> ContextIndex:
    return ContextIndex(keeper.folder / "home" / "context.db.new")


def test_what_only_a_checkpoint_still_holds_is_found_again(keeper: Keeper):
    keeper.take()
    indexing = keeper.hive.remembering.indexing
    before = indexing.rebuild()
    assert (before.conversations, before.from_checkpoints, before.troubles) == (1, 0, ())
    keeper.transcript.unlink()
    (keeper.folder / "home" / "context.db").unlink()
    made = indexing.rebuild()
    assert (made.pieces, made.from_checkpoints) == (before.pieces, 1)
    assert texts(keeper, "legacy codec")[0]


def test_a_rebuild_goes_on_where_it_was_interrupted_and_the_old_index_serves_until_then(keeper: Keeper):
    indexing = keeper.hive.remembering.indexing
    assert indexing.catch_up() == []
    pieces = len(texts(keeper, "legacy codec"))

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        indexing.rebuild(interrupt)
    assert len(texts(keeper, "legacy codec")) == pieces > 0
    # Another run had come half way.
    source = draft(keeper).begin(keeper.agent.id, SESSION, "archive", keeper.transcript, "0:none")
    assert draft(keeper).source(keeper.agent.id, SESSION, "archive") == source
    assert indexing.rebuild().pieces > 50 and len(texts(keeper, "legacy codec")) == pieces
    assert not draft(keeper).path.exists()


def test_a_second_rebuild_is_refused_and_damage_is_got_over(keeper: Keeper):
    indexing = keeper.hive.remembering.indexing
    whole = indexing.rebuild().pieces

    def again(line: str) -> None:
        with pytest.raises(StoreError, match="made again already"):
            keeper.new_hive().remembering.indexing.rebuild()

    for broken in ("context.db", "context.db.new"):
        (keeper.folder / "home" / broken).write_bytes(b"no database at all" * 100)
        assert indexing.rebuild(again).pieces == whole and texts(keeper, "legacy codec")


def test_who_has_the_old_index_open_sees_the_new_one_whole(keeper: Keeper):
    indexing = keeper.hive.remembering.indexing
    indexing.rebuild()
    path = keeper.folder / "home" / "context.db"
    reading = sqlite3.connect(path)
    count = reading.execute("SELECT count(*) FROM chunks").fetchone()
    row = {"type": "user", "message": {"role": "user", "content": "the osprey_marker was here"}}
    with keeper.transcript.open("a") as file:
        file.write(json.dumps(row) + "\n")
    assert indexing.rebuild().pieces == count[0] + 1
    assert reading.execute("SELECT count(*) FROM chunks").fetchone() == (count[0] + 1,)
    assert reading.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    reading.close()
