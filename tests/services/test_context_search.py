"""The index over conversations: what it finds, and that it is always right after whatever happened to it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_tui.condense.chunks import Chunk
from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError, StoreError
from hive_tui.services.context_search import ContextSearch
from hive_tui.store.context_index import ContextIndex
from tests.builders import an_ended_agent
from tests.condense.invented import invent

ADA, BEE = an_ended_agent("ada"), an_ended_agent("bee")


@pytest.fixture
def searching(tmp_path: Path) -> ContextSearch:
    return ContextSearch(ContextIndex(tmp_path / "home" / "context.db"))


def say(path: Path, *texts: str, end: str = "\n") -> Path:
    with path.open("a") as file:
        for text in texts:
            file.write(json.dumps({"role": "user", "content": text}) + end)
    return path


def found(searching: ContextSearch, text: str, agent: Agent | None = None) -> list[str]:
    return [one.hit.text for one in searching.search(text, agent_id=agent.id if agent else None)]


@pytest.mark.parametrize("kind", ["claude", "codex"])
def test_every_planted_identifier_is_among_the_first_five(kind: str, tmp_path: Path, searching: ContextSearch):
    wanted: list[str] = []
    for seed in range(3):
        made = invent(seed, kind)
        assert searching.add(ADA, f"s{seed}", made.write(tmp_path / f"{seed}.jsonl")) > 50
        wanted += [atom for fact in made.facts for atom in fact.atoms if re.search(r"[\d/_]|[a-z]{9}", atom)]
        hidden = made.secrets
    assert len(wanted) > 100
    missed = [
        atom for atom in wanted if not any(atom in text.lower() for text in found(searching, f"what about {atom}?")[:5])
    ]
    assert len(missed) <= 0.01 * len(wanted), missed
    assert [secret for secret in hidden if any(secret in text for text in found(searching, secret))] == []


def test_parts_of_identifiers_signs_and_other_scripts_find_what_they_are_in(tmp_path: Path, searching: ContextSearch):
    texts = (
        "see src/quill/osprey_parser.py:41 now",
        "v2.11.4-rc1 broke it",
        "caf\u00e9 und Stra\u00dfe",
        "foo::bar(baz)",
        'a "quote" * here',
    )
    searching.add(ADA, "s", say(tmp_path / "t", *texts))
    for text in ("osprey_parser", "osprey", "src/quill/osprey_parser.py:41", "osprey_parser.py", "PARSER"):
        assert found(searching, text)[0] == texts[0], text
    assert found(searching, "2.11.4-rc1") == [texts[1]] and found(searching, "stra\u00dfe") == [texts[2]]
    assert found(searching, "foo::bar") == [texts[3]] and found(searching, '"quote" *') == [texts[4]]
    assert found(searching, "osprey_lexer") == []
    with pytest.raises(HiveError, match="nothing to search for"):
        searching.search(" ?! ")


def test_only_what_is_new_is_added_and_a_cut_line_is_added_when_it_is_whole(tmp_path: Path, searching: ContextSearch):
    path = say(tmp_path / "t", "first quillmere", "second osprey")
    assert searching.add(ADA, "s", path) == 2 and searching.add(ADA, "s", path) == 0
    whole = json.dumps({"role": "user", "content": "third heronette"}) + "\n"
    with path.open("a") as file:
        file.write(whole[:20])
    assert searching.add(ADA, "s", path) == 0
    with path.open("a") as file:
        file.write(whole[20:])
    assert searching.add(ADA, "s", path) == 1
    [hit] = searching.search("heronette")
    assert (hit.hit.line, hit.lines[hit.best]) == (3, "third heronette")
    assert hit.lines == ("second osprey", "third heronette"), "with what stands before it"


def test_a_transcript_that_was_replaced_is_indexed_anew(tmp_path: Path, searching: ContextSearch):
    path = say(tmp_path / "t", "old quillmere")
    searching.add(ADA, "s", path)
    path.unlink()
    searching.add(ADA, "s", say(path, "new osprey"))
    assert found(searching, "quillmere") == [] and found(searching, "osprey") == ["new osprey"]


def test_an_interrupted_run_adds_nothing_twice(tmp_path: Path):
    index = ContextIndex(tmp_path / "context.db")
    source = index.begin("a", "s", "archive", tmp_path / "t", "head")

    def cut_short() -> Iterator[Chunk]:
        yield Chunk(1, 0, "user", None, "quillmere")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.add(source, cut_short(), size_bytes=10, lines=1)
    assert index.search("quillmere") == []
    pieces = [Chunk(1, 0, "user", None, "quillmere")]
    assert index.add(source, pieces, size_bytes=10, lines=1) == 1
    assert index.add(source, pieces, size_bytes=10, lines=1) == 0, "from the same place, by another process"
    assert len(index.search("quillmere")) == 1


def test_ledgers_replace_each_other_and_agents_are_told_apart(tmp_path: Path, searching: ContextSearch):
    searching.add(ADA, "s", say(tmp_path / "a", "quillmere of ada"))
    searching.add(BEE, "s", say(tmp_path / "b", "quillmere of bee"))
    searching.add_ledger(ADA, "s", "- osprey [#1]\n")
    searching.add_ledger(ADA, "s", "- heron [#1]\n")
    assert found(searching, "quillmere", BEE) == ["quillmere of bee"]
    assert found(searching, "osprey") == [] and found(searching, "heron") == ["- heron [#1]"]


def test_a_damaged_index_says_how_to_make_it_again(tmp_path: Path):
    index = ContextIndex(tmp_path / "context.db")
    index.path.write_bytes(b"no database" * 1_000)
    searching = ContextSearch(index)
    with pytest.raises(StoreError, match="cannot be used") as error:
        searching.search("quillmere")
    assert "--rebuild" in error.value.hint


def test_a_key_that_is_longer_than_a_piece_is_taken_out_as_a_whole(tmp_path: Path, searching: ContextSearch):
    lines = [f"quillmerekeyline{number:02d}" for number in range(40)]
    key = "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----"])
    searching.add(ADA, "s", say(tmp_path / "t", f"look:\n{key}\nthat was osprey"))
    assert [text for line in lines for text in found(searching, line)] == []
    [text] = found(searching, "osprey")
    assert text == "look:\n[REDACTED]\nthat was osprey"
