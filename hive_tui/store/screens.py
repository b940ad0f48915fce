"""What screens read, by SQLModel: lists of whole rows, where its cost does not matter."""

from collections.abc import Sequence

from sqlmodel import Session, case, col, select

from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason, Defect, ValidationError
from hive_tui.domain.wakeups import Action, Attempt, Outcome, Trigger, Wakeup, WakeupStatus
from hive_tui.store.tables import AgentTable, AttemptTable, CheckpointTable, WakeupTable


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


def queue(
    session: Session, *, limit: int, agent_id: str | None = None
) -> tuple[tuple[Wakeup, ...], dict[str, tuple[Attempt, ...]]]:
    """Wakeups that run, then those that wait in the order of their turn, then the finished; with their attempts.

    Of one agent, if one is named.
    """
    turn = case((col(WakeupTable.status) == "processing", 0), (col(WakeupTable.status) == "pending", 1), else_=2)
    wanted = select(WakeupTable)
    if agent_id is not None:
        wanted = wanted.where(WakeupTable.agent_id == agent_id)
    rows = session.exec(
        wanted.order_by(
            turn,
            case((turn == 1, -col(WakeupTable.priority)), else_=0),
            case((turn == 1, col(WakeupTable.scheduled_for)), else_=-col(WakeupTable.seq)),
        ).limit(limit)
    ).all()
    return tuple(_wakeup(row) for row in rows), _attempts(session, rows)


def _attempts(session: Session, rows: Sequence[WakeupTable]) -> dict[str, tuple[Attempt, ...]]:
    wanted = select(AttemptTable).where(col(AttemptTable.wakeup_id).in_([row.id for row in rows]))
    found: dict[str, tuple[Attempt, ...]] = {}
    for row in session.exec(wanted.order_by(col(AttemptTable.wakeup_id), col(AttemptTable.number))):
        attempt = Attempt(
            row.wakeup_id,
            row.number,
            row.started_at,
            row.finished_at,
            Outcome(row.outcome) if row.outcome else None,
            row.verdict,
            row.error,
            row.next_at,
        )
        found[row.wakeup_id] = (*found.get(row.wakeup_id, ()), attempt)
    return found


def _wakeup(row: WakeupTable) -> Wakeup:
    return Wakeup(
        id=row.id,
        agent_id=row.agent_id,
        action=Action(row.action),
        trigger=Trigger(row.trigger),
        priority=row.priority,
        status=WakeupStatus(row.status),
        scheduled_for=row.scheduled_for,
        attempts=row.attempts,
        max_attempts=row.max_attempts,
        idempotency_key=row.idempotency_key,
        context=row.context,
        claim_token=row.claim_token,
        created_at=row.created_at,
        lease_until=row.lease_until,
        started_at=row.started_at,
        finished_at=row.finished_at,
        last_error=row.last_error,
        result=row.result,
    )
