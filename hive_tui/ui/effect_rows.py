"""The side effects of an agent as lines: what was done once, and what nobody knows the end of. Pure."""

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from hive_tui.domain.durations import in_words
from hive_tui.domain.effects import Effect, EffectState
from hive_tui.services.effect_views import EffectsView
from hive_tui.ui.format import hung, printable

MARKS = {EffectState.INTENT: "◐", EffectState.DONE: "✓", EffectState.FAILED: "✕", EffectState.UNKNOWN: "?"}
WORDS = {
    EffectState.INTENT: "open",
    EffectState.DONE: "done",
    EffectState.FAILED: "failed",
    EffectState.UNKNOWN: "unknown",
}
LABEL = 10
"""Columns of mark and word."""


def effect_lines(view: EffectsView, width: int) -> list[Text]:
    """What stands below the tasks; every line has at most `width` columns."""
    lines = [Text("Side effects, each done once under its key", style="bold")]
    if not view.effects:
        text = "None yet: `hive-tui effect run --agent NAME --key KEY -- CMD` runs a command once."
        return [*lines, *(Text(line, style="dim") for line in hung("", text, width))]
    for one in view.effects:
        lines += _lines(one, view.at, width)
    if view.asks:
        lines += [Text(), Text("E says what has become of those with a ?.")]
    return lines


def question(one: Effect) -> list[str]:
    """What a person has to know to say whether it has happened."""
    return [
        "Has this happened?",
        "",
        f"  what    {one.shown}",
        f"  target  {one.target}",
        f"  key     {one.key}",
        f"  begun   {one.intent_at:%Y-%m-%d %H:%M:%S} UTC",
        f"  why     {one.error or 'it was cut off'}",
        "",
    ]


def _lines(one: Effect, at: datetime, width: int) -> Sequence[Text]:
    first = Text(printable(f"{MARKS[one.state]} {WORDS[one.state]:<{LABEL - 2}}{one.shown}"))
    first.stylize("bold" if one.state is EffectState.UNKNOWN else "")
    first.truncate(width, overflow="ellipsis")
    facts = [f"{in_words(at - one.intent_at)} ago", f"key {one.key}", one.target]
    second = Text(printable(f"{' ' * LABEL}{' · '.join(facts)}"), style="dim")
    second.truncate(width, overflow="ellipsis")
    why = hung(" " * LABEL, one.error, width, most=2) if one.error else []
    return [first, second, *(Text(printable(line)) for line in why)]
