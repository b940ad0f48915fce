"""The rows and details of the catalog of checkpoints. Pure."""

from datetime import datetime

from hive_tui.domain.catalog_words import offsite_words, proven_words, verified_words
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.contents import content, lacks
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.domain.offsite import OffsiteCopy
from hive_tui.services.dashboard import CheckpointsView
from hive_tui.ui.format import Cell, Row, local, short_path

CHECKPOINT_COLUMNS = ("agent", "gen", "age", "size", "valid", "proven", "off-site", "why", "new", "took", "content")

SHOWN_LACKS = 3
"""How many of the things that are not in a checkpoint have room in its details."""


def checkpoint_rows(view: CheckpointsView) -> tuple[Row, ...]:
    """The catalog."""
    return tuple(_row(one, view) for one in view.checkpoints)


def _row(one: Checkpoint, view: CheckpointsView) -> Row:
    copy = view.copies.get(one.id)
    proven, offsite = proven_words(one, view.at), offsite_words(one, copy)
    return Row(
        one.id,
        (
            Cell(view.names.get(one.agent_id, "?")),
            Cell(str(one.generation)),
            Cell(in_words(view.at - one.created_at)),
            Cell(bytes_in_words(one.size_bytes)),
            Cell("✓ valid", "$text-success") if one.is_valid else Cell("✕ damaged", "bold $text-error"),
            Cell(proven, "bold $text-error" if proven == "FAILED" else ""),
            Cell(offsite, "$text-warning" if offsite == "FAILED" else "$text-muted"),
            Cell(str(one.reason), "$text-muted"),
            Cell("-" if one.new_bytes is None else bytes_in_words(one.new_bytes)),
            Cell(f"{one.took_s:.1f}s" if one.took_s else "-"),
            Cell(content(one)),
        ),
    )


def checkpoint_details(one: Checkpoint, copy: OffsiteCopy | None, now: datetime) -> list[str]:
    """Everything about one checkpoint that has no room in its row."""
    place = short_path(one.path) if one.is_local else "only in the second place"
    lines = [f"{local(one.created_at):%Y-%m-%d %H:%M:%S}  {one.id[:8]}  {place}"]
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
