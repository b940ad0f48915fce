"""Switches, saved layouts."""

from datetime import timedelta
from typing import Any

import pytest

from hive_tui.domain.panes import Topology, topology
from hive_tui.store import settings
from hive_tui.store.database import Database
from tests.builders import NOON, a_pane


@pytest.mark.parametrize("value", [True, 0, 1.5, "ja – nein", None, [], {"a": [1, {"b": None}]}, "caf\udce9"])
def test_a_setting_comes_back_as_it_was_put(database: Database, value: Any):
    database.write(settings.put, "key", value, now=NOON)
    assert database.read(settings.get, "key", "default") == value


def test_a_setting_that_was_never_put_has_its_default(database: Database):
    assert database.read(settings.get, settings.PAUSED) is None
    assert database.read(settings.get, settings.PAUSED, False) is False
    assert database.read(settings.updated_at, settings.PAUSED) is None


def test_a_setting_keeps_its_last_value_and_when_that_was(database: Database):
    later = NOON + timedelta(seconds=3)
    database.write(settings.put, "key", 1, now=NOON)
    database.write(settings.put, "other", 7, now=NOON)
    database.write(settings.put, "key", 2, now=later)
    assert database.read(settings.get, "key") == 2
    assert database.read(settings.updated_at, "key") == later
    assert database.read(settings.updated_at, "other") == NOON


def a_layout(server: str, cwd: str = "/home/ada") -> Topology:
    pane = a_pane("%1", server=server, cwd=cwd)
    return topology(server, [pane], {"%1": "id-of-ada"})


def test_a_layout_comes_back_as_it_was_saved(database: Database):
    layout = a_layout("900:1", cwd="/home/ädä/caf\udce9")
    database.write(settings.save_topology, layout, now=NOON)
    assert database.read(settings.topologies) == [layout]


def test_one_layout_is_kept_of_each_run_of_a_server_and_the_last_seen_comes_first(database: Database):
    for second, server in enumerate(["a", "b", "a"]):
        database.write(settings.save_topology, a_layout(server), now=NOON + timedelta(seconds=second))
    assert [layout.server for layout in database.read(settings.topologies)] == ["a", "b"]


def test_the_layouts_of_the_last_eight_runs_are_kept(database: Database):
    for second in range(12):
        database.write(settings.save_topology, a_layout(f"run {second}"), now=NOON + timedelta(seconds=second))
    assert [layout.server for layout in database.read(settings.topologies)] == [f"run {n}" for n in range(11, 3, -1)]
