"""How values stand in SQLite."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.store.values import from_json, from_us, to_json, to_us
from tests.builders import NOON

INSTANTS = st.datetimes(timezones=st.just(UTC))
TEXT = st.text(st.characters(codec=None))
"""With lone surrogates: that is how names of files stand that are no UTF-8."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=10,
)


@given(INSTANTS)
def test_a_time_comes_back_to_the_microsecond(at: datetime):
    assert from_us(to_us(at)) == at
    assert from_us(to_us(at)).tzinfo is UTC


@given(INSTANTS, INSTANTS)
def test_times_sort_in_the_database_as_they_do_in_python(one: datetime, other: datetime):
    assert (to_us(one) < to_us(other)) == (one < other)


def test_the_zone_of_a_time_does_not_matter():
    assert to_us(NOON.astimezone(timezone(timedelta(hours=9)))) == to_us(NOON)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a zone"):
        to_us(NOON.replace(tzinfo=None))


@given(JSON)
def test_a_structure_comes_back_and_its_text_can_be_stored(value: Any):
    text = to_json(value)
    text.encode()
    assert from_json(text) == value == json.loads(text)
