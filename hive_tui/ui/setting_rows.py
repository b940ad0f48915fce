"""The rows of the settings screen, and what is said of the selected one. Pure."""

from collections.abc import Sequence

from hive_tui.domain.durations import bytes_in_words, counted
from hive_tui.services.settings_view import SettingsView, SettingView
from hive_tui.settings.knobs import dotted, table_description
from hive_tui.ui.format import Cell, Row, short_path

SETTING_COLUMNS = ("state", "setting", "value", "unit", "default")
DESCRIBED = (*SETTING_COLUMNS, "what it is")
WIDE = 150
"""From so many columns on the table says what each is."""
SET, DEFAULT, WAITS = Cell("● set", "$text-accent"), Cell("○", "$text-muted"), Cell("◷ waits", "$text-warning")
LONGEST = ((0, 12), (100, 24), (WIDE, 32))
"""Columns of a value, from so many columns of the screen on."""
NOTHING = Cell("")
EMPTY = "-"


def setting_rows(view: SettingsView, words: Sequence[str], *, only_given: bool, width: int) -> tuple[Row, ...]:
    """The settings that have all the words in them, each table below its name."""
    rows: list[Row] = []
    table: tuple[str, ...] = ()
    for one in view.settings:
        if only_given and not one.is_given and one.running is None:
            continue
        if not all(word in _searched(one) for word in words):
            continue
        if one.knob.table != table:
            table = one.knob.table
            rows.append(_heading_row(table, width))
        rows.append(_row(one, width))
    return tuple(rows)


def _searched(one: SettingView) -> str:
    knob = one.knob
    return f"{knob.name} {one.value} {knob.unit} {knob.description}".casefold()


def heading(table: tuple[str, ...]) -> str:
    """How a table is named in the file, and in the list."""
    return f"[{dotted(table)}]"


def _heading_row(table: tuple[str, ...], width: int) -> Row:
    name = heading(table)
    said = (Cell(table_description(table), "$text-muted"),) if width >= WIDE else ()
    return Row(name, (NOTHING, Cell(name, "bold"), NOTHING, NOTHING, NOTHING, *said))


def _row(one: SettingView, width: int) -> Row:
    longest = max(columns for at_least, columns in LONGEST if width >= at_least)
    said = (Cell(one.knob.description, "$text-muted"),) if width >= WIDE else ()
    cells = (
        WAITS if one.running is not None else SET if one.is_given else DEFAULT,
        Cell(f"  {one.knob.key}"),
        Cell(_short(one.value, longest), "bold" if one.is_given else ""),
        Cell(_short(one.knob.unit, longest), "$text-muted"),
        Cell(_short(one.default, longest), "$text-muted"),
    )
    return Row(one.knob.name, (*cells, *said))


def _short(text: str, longest: int) -> str:
    text = " ".join(text.split())
    return f"{text[: longest - 1]}…" if len(text) > longest else text or EMPTY


def setting_details(one: SettingView) -> list[tuple[str, str]]:
    """What is known of a setting, as label and text."""
    hidden = " (a part is hidden)" if one.is_hidden else ""
    shown = [
        ("setting", f"{one.knob.name}: {one.knob.description}"),
        ("value", f"{_in_words(one, one.value)}{hidden}, {one.knob.unit}; default {_in_words(one, one.default)}"),
        ("counts", counts(one)),
    ]
    if one.knob.table == ("idle_sleep",):
        shown.append(("note", "What was chosen on the Services screen overrules it."))
    return shown


def _in_words(one: SettingView, text: str) -> str:
    """Long numbers of bytes are hard to read."""
    is_long = one.knob.unit == "bytes" and len(text) > 4 and text.isdigit()
    return f"{text} ({bytes_in_words(int(text))})" if is_long else text or "(empty)"


def counts(one: SettingView) -> str:
    """From when on a change counts, said as it is."""
    if one.running is not None:
        return f"at the next start of dashboard or serve; until then {one.running or '(empty)'} is used"
    if one.knob.is_at_once:
        return "at once in this dashboard"
    return "at the next start of dashboard or serve"


def nothing_of(view: SettingsView, wanted: str) -> str:
    """Why the list is empty."""
    if wanted:
        return f"Nothing has {wanted!r} in its name, value, unit or description; Esc shows everything."
    return f"{view.path or 'The settings file'} sets nothing: everything has its default. f shows everything."


def note_of(view: SettingsView, shown: int, *, wanted: str, only_given: bool) -> str:
    """The line below the list."""
    given, waiting = (
        sum(found) for found in zip(*((one.is_given, one.running is not None) for one in view.settings), strict=True)
    )
    count = counted(len(view.settings), "setting")
    parts = [count if shown == len(view.settings) else f"{shown} of {count}", f"{given} set"]
    parts += [f"{waiting} for the next start"] if waiting else []
    parts += [f"only {wanted!r}"] if wanted else []
    parts += ["only those that are set"] if only_given else []
    return f"{' · '.join(parts)} · {short_path(str(view.path)) if view.path else 'this hive has no settings file'}"
