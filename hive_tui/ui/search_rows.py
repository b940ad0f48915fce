"""The rows of the Search screen, and a passage of a conversation. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from hive_tui.condense.writing import pointer
from hive_tui.services.context_search import BY_MEANING
from hive_tui.services.finding import FindingsView, FoundPlace, PassageView
from hive_tui.store.context_index import LEDGER, Hit
from hive_tui.ui.format import Cell, Row, local

HIT_COLUMNS = ("agent", "when", "who", "text")
WHO = {"user": "you", "agent": "agent", "call": "call", "result": "result", "ledger": "notes"}
GONE = "(forgotten)"
LETTERS = 400
"""Of one line of the list; a line of a passage may have four times as many."""


def hit_rows(view: FindingsView, now: datetime) -> tuple[Row, ...]:
    """All places that were found."""
    return tuple(_row(one, now) for one in view.places)


def _row(one: FoundPlace, now: datetime) -> Row:
    name = Cell(one.agent.name) if one.agent else Cell(GONE, "$text-muted")
    who = Cell(who_said(one.hit), "$text-accent" if one.hit.says == "user" else "$text-muted")
    text = Cell(f"{_mark(one)}{shown(' '.join(one.line.split())[:LETTERS])}")
    return Row(one.key, (name, Cell(when(one.hit.at, now)), who, text))


def _mark(one: FoundPlace) -> str:
    """A word on what has none of the words that were asked for."""
    return "by meaning · " if one.found.by == BY_MEANING else ""


def shown(line: str) -> str:
    """A line without characters that would act on the terminal: what agents printed is data."""
    return "".join(letter if letter.isprintable() else " " for letter in line.expandtabs(4))


def when(at: datetime | None, now: datetime) -> str:
    """The time of today, or the day before it."""
    if at is None:
        return "-"
    here = local(at)
    return f"{here:%H:%M}" if here.date() == local(now).date() else f"{here:%d %b %Y}"


def who_said(hit: Hit) -> str:
    """Who said it, or what it is."""
    return "notes" if hit.kind == LEDGER else WHO.get(hit.says, hit.says)


def note_of(view: FindingsView, *, is_indexing: bool, trouble: str = "") -> str:
    """What of the search is not to be seen in its rows."""
    found = len(view.places)
    parts = [f"{found} place{'s' if found != 1 else ''}"] if view.words else []
    parts += [f"only {view.agent.name}"] if view.agent else []
    parts += [] if view.is_whole else ["looking for the same meaning ..."]
    parts += ["reading what was said since ..."] if is_indexing else []
    parts += [one for one in (trouble, view.note) if one]
    return " · ".join(parts)


def nothing(view: FindingsView) -> str:
    """What to say in place of an empty list."""
    if view.unknown:
        return f"No agent is called {view.unknown!r}."
    if view.words and not view.is_whole:
        return "Nothing has these words; looking for what means the same ..."
    if view.words:
        return f"Nothing is found for {' '.join(view.words)!r}. Try one word of it, or a part of an identifier."
    return (
        "Type what you look for: words, paths, or parts of identifiers, out of all conversations.\n"
        "@shop among them searches those of shop alone. Secrets are not in the index."
    )


def title_of(place: FoundPlace) -> Text:
    """Whose conversation it is, and where in it."""
    hit = place.hit
    text = Text(shown(place.agent.name if place.agent else GONE), style="bold")
    text.append(f"  {who_said(hit)}  {pointer(hit.line)}")
    if hit.at is not None:
        text.append(f"  {local(hit.at):%Y-%m-%d %H:%M}")
    if place.found.by == BY_MEANING:
        text.append("  found by meaning")
    if place.is_left_behind:
        text.append(f"  of an earlier conversation ({hit.session_id[:8]})")
    return text


def snippet(place: FoundPlace, words: Sequence[str]) -> Text:
    """A few lines around a place; what was searched for stands out."""
    lines = [
        Text(f"{'>' if number == place.found.best else ' '} {shown(line[:LETTERS])}")
        for number, line in enumerate(place.found.lines)
    ]
    return _marked(Text("\n").join(lines), words)


def passage_parts(view: PassageView, words: Sequence[str]) -> tuple[Text, Text, Text]:
    """What stands before the place, the place, and what stands behind it."""
    own = Text("▶ ", style="bold").append_text(_piece(view.place.hit))
    before, behind = (Text("\n").join(_piece(one) for one in side) for side in (view.before, view.behind))
    return before, _marked(own, words), behind


def _piece(hit: Hit) -> Text:
    text = Text(f"{who_said(hit)} {pointer(hit.line)}", style="bold")
    for line in hit.text.splitlines():
        text.append(f"\n  {shown(line[: 4 * LETTERS])}", style="not bold")
    return text


def _marked(text: Text, words: Sequence[str]) -> Text:
    found = [re.escape(word) for word in words if any(letter.isalnum() for letter in word)]
    if found:
        text.highlight_regex(re.compile("|".join(sorted(found, key=len, reverse=True)), re.IGNORECASE), "reverse")
    return text
