"""What speaks against putting an agent to sleep."""

from dataclasses import replace
from typing import Any

import pytest

from hive_tui.domain.agents import Activity
from hive_tui.domain.vetoes import BUSY_CPU_SHARE, NapEvidence, vetoes

QUIET = NapEvidence(
    activity=Activity.IDLE,
    activity_source="status file",
    background=(),
    draft="",
    session_id="session-1",
    has_transcript=True,
    is_watched=False,
    is_pinned=False,
    cpu_share=0.01,
    wake_due=False,
)


@pytest.mark.parametrize("activity", [Activity.IDLE, Activity.LIMITED, Activity.ERROR])
def test_nothing_speaks_against_a_nap_of_an_agent_that_rests(activity: Activity):
    assert vetoes(replace(QUIET, activity=activity)) == ()


@pytest.mark.parametrize(
    ("changed", "rule", "words"),
    [
        ({"activity": Activity.WORKING}, "working", "it is working (says status file)"),
        ({"activity": Activity.PERMISSION}, "permission", "waits for your answer (permission)"),
        ({"activity": Activity.QUESTION}, "question", "waits for your answer (question)"),
        ({"activity": Activity.UNKNOWN}, "unknown", "is not known (status file)"),
        ({"background": ("a background shell",)}, "background", "a background shell"),
        ({"draft": "half typed"}, "draft", "'half typed'"),
        ({"session_id": None}, "no session", "no conversation id"),
        ({"has_transcript": False}, "no transcript", "transcript of its conversation is missing"),
        ({"is_watched": True}, "watched", "somebody looks at its pane"),
        ({"is_pinned": True}, "pinned", "it is pinned"),
        ({"cpu_share": BUSY_CPU_SHARE + 0.01}, "cpu", "21% of a core"),
        ({"wake_due": True}, "wake due", "a wake of it is due"),
    ],
)
def test_each_veto_stands_alone_and_says_why(changed: dict[str, Any], rule: str, words: str):
    (veto,) = vetoes(replace(QUIET, **changed))
    assert veto.rule == rule
    assert words in str(veto)


def test_every_reason_is_told_at_once():
    evidence = replace(QUIET, activity=Activity.WORKING, draft="x", is_pinned=True, cpu_share=0.9, wake_due=True)
    assert [veto.rule for veto in vetoes(evidence)] == ["working", "draft", "pinned", "cpu", "wake due"]


def test_a_missing_transcript_is_no_news_where_no_conversation_is_known():
    assert [veto.rule for veto in vetoes(replace(QUIET, session_id=None, has_transcript=False))] == ["no session"]


@pytest.mark.parametrize("share", [None, 0.0, BUSY_CPU_SHARE])
def test_an_unmeasured_or_a_small_share_of_the_cpu_is_no_veto(share: float | None):
    assert vetoes(replace(QUIET, cpu_share=share)) == ()


def test_a_long_draft_is_cut_in_the_reason():
    (veto,) = vetoes(replace(QUIET, draft="a" * 500))
    assert len(veto.reason) < 80
