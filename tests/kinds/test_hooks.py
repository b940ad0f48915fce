"""What the hooks of an agent add to what is seen of it."""

from pathlib import Path

import pytest

from hive_tui.domain.agents import Activity
from hive_tui.domain.hooks import HOLDS, HookReport
from hive_tui.domain.processes import ProcessId
from hive_tui.kinds.catalog import Kinds
from tests.builders import NOON
from tests.kinds.looks import ID, a_look, captured

KINDS = Kinds()
REST = captured("gemini/startup")
EXPIRED_S = HOLDS[Activity.PERMISSION].total_seconds() + 1


class OneReport:
    """A store that holds one report, of every process."""

    mark = None

    def __init__(self, report: HookReport | None, *, of_process: bool = True) -> None:
        self._report = report
        self._of_process = of_process

    def take_in(self) -> int:
        return 0

    def of_session(self, kind: str, session_id: str) -> HookReport | None:
        return self._report if self._report and self._report.session_id == session_id else None

    def of_process(self, kind: str, process: ProcessId) -> HookReport | None:
        return self._report if self._of_process else None


def a_report(activity: Activity | None) -> HookReport:
    return HookReport("gemini", ID, "BeforeAgent", NOON, activity, "BeforeAgent", NOON)


@pytest.mark.parametrize(
    ("activity", "age_s", "title", "shown", "source"),
    [
        pytest.param(Activity.PERMISSION, 1, "◇  Ready", Activity.PERMISSION, "hook", id="a hook before a title"),
        pytest.param(Activity.WORKING, 1, "◇  Ready", Activity.WORKING, "hook", id="a turn that has just begun"),
        pytest.param(Activity.WORKING, 60, "◇  Ready", Activity.IDLE, "title", id="a turn that ended without a hook"),
        pytest.param(Activity.IDLE, 1, "✦  Working…", Activity.WORKING, "title", id="a title that works proves it"),
        pytest.param(
            Activity.PERMISSION,
            HOLDS[Activity.PERMISSION].total_seconds() + 1,
            "◇  Ready",
            Activity.IDLE,
            "title",
            id="it has expired",
        ),
        pytest.param(None, 1, "◇  Ready", Activity.IDLE, "title", id="an event that says nothing"),
    ],
)
def test_the_strongest_source_of_now_counts(
    tmp_path: Path, activity: Activity | None, age_s: float, title: str, shown: Activity, source: str
):
    now_s = NOON.timestamp() + age_s
    look = a_look(tmp_path, ("gemini",), screen=REST, title=title, hooks=OneReport(a_report(activity)), now_s=now_s)
    first = KINDS.get("gemini").claims(look)[0]
    assert (first.activity, first.source) == (shown, source)


def test_a_report_of_a_shared_server_counts_for_the_conversation_that_is_known(tmp_path: Path):
    hooks = OneReport(a_report(Activity.PERMISSION), of_process=False)
    known = a_look(tmp_path, ("codex",), hooks=hooks, known_session=ID)
    assert KINDS.get("codex").claims(known)[0].source == "hook"
    assert KINDS.get("codex").claims(a_look(tmp_path, ("codex",), hooks=hooks))[0].source == "fallback"


def test_its_hook_names_the_conversation_where_no_status_file_does(tmp_path: Path):
    look = a_look(tmp_path, ("claude",), hooks=OneReport(a_report(None)))
    session = KINDS.get("claude").session(look)
    assert (session.id, session.source, session.transcript) == (ID, "its hook", None)
