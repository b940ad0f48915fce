"""What screens read, by SQLModel: lists of whole rows, where its cost does not matter."""

from sqlmodel import Session, col, select

from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason, Defect, ValidationError
from hive_tui.store.tables import AgentTable, CheckpointTable


def agent_names(session: Session) -> dict[str, str]:
    """Names of all agents by id; those of forgotten ones too."""
    return {row.id: row.name for row in session.exec(select(AgentTable))}


def checkpoints(session: Session, *, limit: int, agent_id: str | None = None) -> tuple[Checkpoint, ...]:
    """The catalog, newest first; of one agent, if one is named."""
    wanted = select(CheckpointTable).order_by(col(CheckpointTable.created_at).desc()).limit(limit)
    if agent_id is not None:
        wanted = wanted.where(CheckpointTable.agent_id == agent_id)
    rows = session.exec(wanted)
    return tuple(
        Checkpoint(
            id=row.id,
            agent_id=row.agent_id,
            generation=row.generation,
            created_at=row.created_at,
            path=row.path,
            sha256=row.sha256,
            size_bytes=row.size_bytes,
            is_valid=row.is_valid,
            reason=CheckpointReason(row.reason),
            validation_errors=tuple(
                ValidationError(Defect(error["kind"]), error["detail"], error["member"])
                for error in row.validation_errors
            ),
            validated_at=row.validated_at,
            session_id=row.session_id,
            took_s=row.took_us / 1_000_000,
            summary=row.summary,
            new_bytes=row.new_bytes,
            proven_at=row.proven_at,
            proven_note=row.proven_note,
            drilled_at=row.drilled_at,
            is_local=row.is_local,
            imported_at=row.imported_at,
        )
        for row in rows
    )
