"""The SQLModel classes describe the tables that the migrations make."""

import sqlite3

import pytest
from sqlalchemy import Boolean, Column, Integer, Table
from sqlmodel import SQLModel

from hive_tui.store import agents, checkpoints, tables, wakeups
from hive_tui.store.tables import Moment
from tests.store.memory import in_memory

MODELS: list[type[SQLModel]] = [
    model for model in vars(tables).values() if isinstance(model, type) and hasattr(model, "__table__")
]
WHOLE = [model for model in MODELS if model is not tables.AgentTable]
"""Those that stand for all columns of their table."""


def table_of(model: type[SQLModel]) -> Table:
    found: Table = model.__table__  # type: ignore[attr-defined]
    return found


def described(db: sqlite3.Connection, table: str) -> dict[str, sqlite3.Row]:
    return {row["name"]: row for row in db.execute("SELECT * FROM pragma_table_info(?)", (table,))}


def stored_as(column: Column[object]) -> str:
    """The storage class that SQLite's STRICT tables check."""
    return "INTEGER" if isinstance(column.type, Moment | Integer | Boolean) else "TEXT"


def test_there_are_models_to_compare():
    assert {model.__tablename__ for model in MODELS} == {"agents", "checkpoints", "wakeup_requests", "wakeup_attempts"}


@pytest.mark.parametrize("model", WHOLE)
def test_a_model_has_the_columns_of_its_table_in_their_order(model: type[SQLModel]):
    table = table_of(model)
    assert [column.name for column in table.columns] == list(described(in_memory(), table.name))


@pytest.mark.parametrize("model", MODELS)
def test_the_columns_of_a_model_are_what_the_schema_says(model: type[SQLModel]):
    table = table_of(model)
    schema = described(in_memory(), table.name)
    for column in table.columns:
        row = schema[column.name]
        assert stored_as(column) == row["type"], column.name
        assert column.primary_key == bool(row["pk"]), column.name
        if not column.primary_key:
            assert column.nullable != bool(row["notnull"]), column.name


@pytest.mark.parametrize("model", MODELS)
def test_a_model_says_in_python_what_may_be_missing(model: type[SQLModel]):
    for column in table_of(model).columns:
        if not column.primary_key:
            assert (type(None) in getattr(model.__annotations__[column.name], "__args__", ())) == column.nullable


@pytest.mark.parametrize(
    ("table", "columns", "not_read"),
    [
        ("agents", agents.COLUMNS, {"created_at", "forgotten_at"}),
        ("checkpoints", checkpoints.COLUMNS, set()),
        ("wakeup_requests", wakeups.COLUMNS, {"seq", "claimed_by"}),
    ],
)
def test_the_columns_that_are_read_by_hand_are_those_of_the_schema(table: str, columns: str, not_read: set[str]):
    assert {name.strip(' "') for name in columns.split(",")} == set(described(in_memory(), table)) - not_read


def test_every_table_checks_the_types_of_what_is_stored():
    db = in_memory()
    names = [row["name"] for row in db.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict")]
    everything = [row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert sorted(names) == sorted(everything)
