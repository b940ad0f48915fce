"""The place of terminal reports among all that is known of an agent."""

from pathlib import Path

import pytest

from hive_tui.domain.sightings import why_it_lost
from hive_tui.domain.terminal import Heard
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.kind import Look
from tests.builders import NOON
from tests.kinds.looks import a_look, captured

CODEX = Kinds(None).get("codex")
NOW_S = NOON.timestamp() + 60


def look(folder: Path, *contents: str, title: str = "engine", screen: str = "", app: str = "codex") -> Look:
    heard = Heard()
    for content in contents:
        heard = heard.after(content.replace("APP", app).encode(), NOW_S - 1)
    shown = captured(f"codex/{screen}") if screen else ""
    return a_look(folder, ["codex"], screen=shown, title=title, now_s=NOW_S, heard=heard)


@pytest.mark.parametrize(
    ("contents", "title", "screen", "activity", "source"),
    [
        (["7501;state=working:app=APP"], "engine", "", "working", "terminal status"),
        (["7501;state=idle:app=APP"], "⠋ engine", "", "idle", "terminal status"),
        (["7501;state=working:app=APP"], "engine", "permission-bash", "permission", "screen"),
        (["7501;state=idle:app=APP"], "engine", "usage-limit", "limited", "screen"),
        (["7501;state=blocked:app=APP"], "⠋ engine", "", "permission", "terminal status"),
        (["9;4;3"], "engine", "", "working", "progress"),
        (["9;4;0"], "⠋ engine", "", "working", "title"),
        (["9;4;3", "7501;state=idle:app=APP"], "engine", "", "idle", "terminal status"),
        ([], "⠋ engine", "", "working", "title"),
    ],
)
def test_its_own_report_counts_less_than_a_dialog_and_more_than_a_title(
    tmp_path: Path, contents: list[str], title: str, screen: str, activity: str, source: str
):
    claims = CODEX.claims(look(tmp_path, *contents, title=title, screen=screen))
    assert (str(claims[0].activity), claims[0].source) == (activity, source)


def test_a_report_of_another_program_does_not_count(tmp_path: Path):
    claims = CODEX.claims(look(tmp_path, "7501;state=working:app=APP", app="cargo"))
    assert all(claim.source != "terminal status" for claim in claims)


def test_a_program_of_no_known_kind_may_call_itself_as_it_likes(tmp_path: Path):
    claims = Kinds(None).get("generic").claims(look(tmp_path, "7501;state=working:app=APP", app="cargo"))
    assert (str(claims[0].activity), claims[0].source) == ("working", "terminal status")


def test_it_is_said_why_a_report_has_lost(tmp_path: Path):
    claims = CODEX.claims(look(tmp_path, "7501;state=idle:app=APP", "9;4;3", screen="usage-limit"))
    lost = {claim.source: why_it_lost(claim, claims[0]) for claim in claims[1:]}
    assert lost["terminal status"].startswith("overruled by screen: what a dialog on the screen shows")
    assert lost["progress"] == "overruled by screen: a progress bar may be left standing"


def test_only_kinds_that_report_are_listened_to():
    kinds = Kinds(None)
    names = ("claude", "codex", "opencode", "gemini", "aider", "generic")
    assert [name for name in names if kinds.get(name).listens] == ["codex", "opencode", "generic"]
