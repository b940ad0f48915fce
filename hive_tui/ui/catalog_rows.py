"""The rows and details of the catalog of checkpoints. Pure."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from hive_tui.domain.catalog_words import offsite_words, verified_words
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.contents import content, lacks
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.domain.offsite import OffsiteCopy
from hive_tui.services.dashboard import CheckpointsView
from hive_tui.ui.format import Cell, Row, local, short_path, shortened

WIDE_FROM = 110
NARROW_COLUMNS = ("agent", "gen", "age", "state", "size", "content")
WIDE_COLUMNS = ("agent", "gen", "age", "state", "size", "new", "took", "off-site", "why", "content")

SHOWN_LACKS = 3
"""How many of the things that are not in a checkpoint have room in its details."""


def columns_for(width: int) -> tuple[str, ...]:
    """What a screen of that width has room for; the details below it tell the rest."""
    return WIDE_COLUMNS if width >= WIDE_FROM else NARROW_COLUMNS


def checkpoint_rows(
    view: CheckpointsView, columns: Collection[str] = WIDE_COLUMNS, marked: Collection[str] = ()
) -> tuple[Row, ...]:
    """The catalog."""
    return tuple(
        Row(one.id, tuple(CELLS[column](one, view, one.id in marked) for column in columns)) for one in view.checkpoints
    )


def _agent(one: Checkpoint, view: CheckpointsView, is_marked: bool) -> Cell:
    name = shortened(view.names.get(one.agent_id, "(forgotten)"))
    return Cell(f"✔ {name}" if is_marked else name, "bold" if is_marked else "")


def _state(one: Checkpoint, view: CheckpointsView, _: bool) -> Cell:
    """Valid as far as it was read, proven if it was restored for a test."""
    if not one.is_valid:
        return Cell("✕ damaged", "bold $text-error")
    if one.proven_at is not None:
        return Cell(f"✓ proven {in_words(view.at - one.proven_at)} ago", "bold $text-success")
    return Cell("✕ drill failed", "bold $text-error") if one.drilled_at else Cell("✓ valid", "$text-success")


def _offsite(one: Checkpoint, view: CheckpointsView, _: bool) -> Cell:
    words = offsite_words(one, view.copies.get(one.id))
    return Cell(words, "$text-warning" if words == "FAILED" else "$text-muted")


CELLS: Mapping[str, Callable[[Checkpoint, CheckpointsView, bool], Cell]] = {
    "agent": _agent,
    "gen": lambda one, view, _: Cell(str(one.generation)),
    "age": lambda one, view, _: Cell(in_words(view.at - one.created_at)),
    "state": _state,
    "size": lambda one, view, _: Cell(bytes_in_words(one.size_bytes)),
    "new": lambda one, view, _: Cell("-" if one.new_bytes is None else bytes_in_words(one.new_bytes)),
    "took": lambda one, view, _: Cell(f"{one.took_s:.1f}s" if one.took_s else "-"),
    "off-site": _offsite,
    "why": lambda one, view, _: Cell(str(one.reason), "$text-muted"),
    "content": lambda one, view, _: Cell(content(one)),
}


def checkpoint_details(one: Checkpoint, copy: OffsiteCopy | None, now: datetime) -> list[str]:
    """Everything about one checkpoint that has no room in its row."""
    place = short_path(one.path) if one.is_local else "only in the second place"
    lines = [f"{local(one.created_at):%Y-%m-%d %H:%M:%S}  {one.reason}  {one.id[:8]}  {place}"]
    lines += [content(one)] if content(one) else []
    lines += [f"✕ {error}" for error in one.validation_errors[:5]]
    lacking = lacks(one)
    lines += [f"not in it: {what}" for what in lacking[:SHOWN_LACKS]]
    if len(lacking) > SHOWN_LACKS:
        lines.append(f"not in it: more; `hive-tui checkpoints {one.id[:8]}` names all")
    if one.drilled_at is not None:
        said = "proven by a restore drill" if one.proven_at is not None else "a restore drill failed"
        lines.append(f"{said} {in_words(now - one.drilled_at)} ago: {one.proven_note}")
    if copy is not None:
        sealed = ", encrypted" if copy.is_encrypted else ""
        lines.append(f"off-site: {copy.state}{verified_words(copy, now)}{sealed}, {copy.destination}")
        lines += [f"✕ {copy.error} (tried {copy.attempts} times)"] if copy.error else []
    return lines
