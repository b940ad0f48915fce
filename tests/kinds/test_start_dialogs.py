"""Dialogs between a start and the first prompt: which are answered for a person, and which never."""

import pytest

from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.screen import Screen
from tests.kinds.looks import captured

KINDS = Kinds(None)
RESUME = Screen(
    " This session is 3d old and 180k tokens.\n"
    " Resuming the full session uses a lot of your usage limits. Resuming from a summary uses less.\n"
    " ❯ 1. Resume from summary (instant, recommended)\n   2. Resume full session as-is\n   3. Don't ask again\n"
)
"""As the program writes it (its texts, 2.1.329): Enter would put a summary in place of the conversation."""


@pytest.mark.parametrize(
    ("kind", "screen", "keys"),
    [
        ("claude", captured("claude/startup-trust-dialog"), None),  # Enter would leave
        ("claude", RESUME, None),
        ("codex", captured("codex/startup-hooks-review"), ("Escape",)),
        ("codex", captured("codex/usage-limit"), ("Escape",)),
    ],
    ids=["claude trust", "claude resume", "codex hooks", "codex rate limits"],
)
def test_only_what_allows_and_changes_nothing_is_answered(kind: str, screen: Screen, keys: tuple[str, ...] | None):
    dialog = KINDS.get(kind).dialog(screen)
    assert dialog, "it stands in the way"
    answer = KINDS.get(kind).answer(dialog)
    assert (tuple(answer.keys) if answer else None) == keys


@pytest.mark.parametrize("capture", ["claude/idle-fresh", "claude/resumed-after-kill9", "codex/idle-after-answer"])
def test_nothing_stands_in_the_way_of_an_agent_at_its_prompt(capture: str):
    assert KINDS.get(capture.partition("/")[0]).dialog(captured(capture)) == ""
