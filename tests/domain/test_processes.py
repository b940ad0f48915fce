"""Processes and their trees, as one look at the machine gives them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.processes import Process, ProcessId, ProcessTable, cpu_share
from tests.builders import a_process

SHELL, AGENT, HELPER, TOOL, OTHER = 50, 100, 101, 102, 200


def a_table() -> ProcessTable:
    """A shell with an agent, its helper and the helper's tool; another program beside it."""
    return ProcessTable(
        [
            a_process(TOOL, ppid=HELPER),
            a_process(SHELL, ppid=1),
            a_process(HELPER, ppid=AGENT),
            a_process(OTHER, ppid=1),
            a_process(AGENT, ppid=SHELL),
        ]
    )


def pids(processes: list[Process]) -> list[int]:
    return [process.pid for process in processes]


def test_a_tree_is_the_process_and_all_below_it_parents_first():
    assert pids(a_table().tree(SHELL)) == [SHELL, AGENT, HELPER, TOOL]
    assert pids(a_table().tree(TOOL)) == [TOOL]


def test_a_process_that_is_gone_has_no_tree_and_no_children():
    assert a_table().tree(999) == []
    assert a_table().children(999) == []
    assert a_table().get(999) is None


def test_children_come_oldest_first_whatever_their_ids_are():
    table = ProcessTable(
        [
            a_process(1, ppid=0),
            a_process(30, started=7, ppid=1),
            a_process(20, started=9, ppid=1),
            a_process(40, 7, ppid=1),
        ]
    )
    assert pids(table.children(1)) == [30, 40, 20]


def test_a_process_is_alive_only_with_the_start_time_it_had():
    table = a_table()
    assert table.is_alive(ProcessId(AGENT, AGENT * 10))
    assert not table.is_alive(ProcessId(AGENT, AGENT * 10 + 1)), "its id was used again"
    assert not table.is_alive(ProcessId(999, 1))


def test_ancestors_go_up_to_the_asked_one_and_not_beyond():
    assert pids(a_table().ancestors(TOOL, until=SHELL)) == [HELPER, AGENT, SHELL]
    assert pids(a_table().ancestors(AGENT, until=AGENT)) == []
    assert pids(a_table().ancestors(999, until=SHELL)) == []


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12))
def test_a_table_with_loops_in_it_is_walked_once(parents: list[tuple[int, int]]):
    table = ProcessTable(a_process(pid, ppid=ppid) for pid, ppid in parents)
    for process in table:
        below = pids(table.tree(process.pid))
        above = pids(table.ancestors(process.pid, until=-1))
        assert len(below) == len(set(below))
        assert len(above) == len(set(above))
        assert all(process.pid in pids(table.tree(parent)) for parent in above)


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        pytest.param({100: 500}, {100: 550}, 0.25, id="50 of 200 ticks"),
        pytest.param({100: 500, 101: 0}, {100: 550, 101: 100}, 0.75, id="the whole tree counts"),
        pytest.param({100: 500}, {100: 500, 101: 100}, 0.5, id="a new process counts with all it used"),
        pytest.param({100: 500, 101: 900}, {100: 500}, 0.0, id="one that is gone counts no more"),
        pytest.param({100: 500}, {100: 400}, 0.0, id="a counter never goes backwards"),
    ],
)
def test_the_cpu_share_is_what_was_used_between_two_looks(before: dict[int, int], after: dict[int, int], share: float):
    earlier = {a_process(pid).id: ticks for pid, ticks in before.items()}
    now = [a_process(pid, cpu_ticks=ticks) for pid, ticks in after.items()]
    assert cpu_share(earlier, now, ticks_per_s=100, span_s=2.0) == pytest.approx(share)


def test_two_looks_at_the_same_moment_give_no_share():
    assert cpu_share({}, [a_process(cpu_ticks=100)], ticks_per_s=100, span_s=0.0) == 0.0


def test_a_process_that_took_the_id_of_another_counts_as_new():
    before = {ProcessId(100, 1): 90}
    assert cpu_share(before, [a_process(100, started=2, cpu_ticks=100)], 100, 1.0) == pytest.approx(1.0)
