"""The tables as SQLModel classes, for the reads of screens. The schema itself is in `schema/`; a test compares them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, Text, TypeDecorator
from sqlmodel import Field, SQLModel

from hive_tui.store.values import from_json, from_us, to_json, to_us


class Moment(TypeDecorator[datetime]):
    """Aware UTC in Python, integer microseconds in SQLite."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To the database."""
        return None if value is None else to_us(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else from_us(value)


class Json(TypeDecorator[Any]):
    """A structure in Python, JSON text in SQLite."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """To the database."""
        return to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """From the database."""
        return None if value is None else from_json(value)


class AgentTable(SQLModel, table=True):
    """What screens read of an agent beside the registry."""

    __tablename__ = "agents"

    id: str = Field(primary_key=True)
    name: str
    kind: str
    lifecycle: str
    forgotten_at: datetime | None = Field(default=None, sa_column=Column(Moment))


class CheckpointTable(SQLModel, table=True):
    """One checkpoint."""

    __tablename__ = "checkpoints"

    id: str = Field(primary_key=True)
    agent_id: str
    generation: int
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    path: str
    sha256: str
    size_bytes: int
    is_valid: bool
    validation_errors: list[dict[str, Any]] = Field(sa_column=Column(Json, nullable=False))
    validated_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    reason: str
    session_id: str | None = None
    took_us: int
    summary: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    new_bytes: int | None = None
    proven_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    proven_note: str = ""
    drilled_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    is_local: bool = True
    imported_at: datetime | None = Field(default=None, sa_column=Column(Moment))


class WakeupTable(SQLModel, table=True):
    """One wakeup request."""

    __tablename__ = "wakeup_requests"

    seq: int = Field(default=None, primary_key=True)
    id: str
    agent_id: str
    action: str
    trigger: str
    priority: int
    status: str
    scheduled_for: datetime = Field(sa_column=Column(Moment, nullable=False))
    attempts: int
    max_attempts: int
    idempotency_key: str | None = None
    context: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    claimed_by: str | None = None
    claim_token: int
    lease_until: datetime | None = Field(default=None, sa_column=Column(Moment))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    finished_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    last_error: str | None = None
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(Json))
    also: str = ""
    asked_at: datetime | None = Field(default=None, sa_column=Column(Moment))


class AttemptTable(SQLModel, table=True):
    """One attempt of a wakeup."""

    __tablename__ = "wakeup_attempts"

    wakeup_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    started_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    finished_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    outcome: str | None = None
    verdict: str | None = None
    error: str | None = None
    next_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    error_class: str | None = None
