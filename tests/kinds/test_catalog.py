"""The kinds that are known, and the generic one for the rest."""

import pytest

from hive_tui.kinds.catalog import GENERIC, KNOWN, Kinds
from hive_tui.kinds.claude import Claude
from hive_tui.kinds.codex import Codex
from hive_tui.kinds.scripted import Scripted


def test_every_kind_has_its_own_name_and_the_generic_one_comes_last():
    names = [kind.name for kind in Kinds()]
    assert sorted(names) == sorted({*KNOWN, GENERIC})
    assert names[-1] == GENERIC


@pytest.mark.parametrize(("name", "form"), [("claude", Claude), ("codex", Codex), ("scripted", Scripted)])
def test_a_kind_is_found_by_its_name(name: str, form: type):
    kind = Kinds().get(name)
    assert (kind.name, type(kind)) == (name, form)


@pytest.mark.parametrize("name", ["generic", "a-kind-of-yesterday", ""])
def test_a_name_that_is_not_known_any_more_is_of_the_generic_kind(name: str):
    assert Kinds().get(name).name == GENERIC


def test_no_command_line_is_of_the_generic_kind_by_itself():
    assert Kinds().match(["generic"]) is None
    assert Kinds().match(["vim"]) is None


def test_a_command_line_is_of_the_kind_whose_program_it_is():
    matched = [Kinds().match(argv) for argv in (["claude"], ["codex"], ["python3", "-m", "hive_tui.scripted_agent"])]
    assert [kind.name for kind in matched if kind] == ["claude", "codex", "scripted"]
