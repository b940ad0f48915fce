"""When a handoff is worth it."""

import pytest

from hive_tui.domain.handoffs import ContextFacts, ContextMode, ContextPolicy, choose_context


@pytest.mark.parametrize(
    ("facts", "mode", "why"),
    [
        (ContextFacts(8_000, 3_000, 86_400), ContextMode.RESUME, "small (8,000 tokens)"),
        (ContextFacts(90_000, 9_000, 60), ContextMode.RESUME, "cache is probably warm (60 s idle)"),
        (ContextFacts(90_000, 9_000, 3_600), ContextMode.HANDOFF, "90,000 tokens against 9,000"),
        (ContextFacts(90_000, 9_000, None), ContextMode.HANDOFF, "cold"),
        (ContextFacts(22_000, 12_000, 3_600), ContextMode.RESUME, "save too little"),
        (ContextFacts(90_000, 9_000, 3_600, budget_left=50_000), ContextMode.HANDOFF, "pass the budget"),
        (ContextFacts(90_000, 9_000, 3_600, budget_left=5_000), ContextMode.HANDOFF, "cold"),
    ],
)
def test_the_choice_says_why(facts: ContextFacts, mode: ContextMode, why: str):
    choice = choose_context(facts, ContextPolicy())
    assert choice.mode is mode and why in choice.why
