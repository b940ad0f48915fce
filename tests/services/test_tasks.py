"""The board of tasks: each change with the wakes that it asks for, all of it or nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_tui.domain.errors import NotFound
from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.tasks import DEPTH, Task, TaskError, TaskStatus
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup, WakeupStatus, chains_of, messages_of
from hive_tui.services.hub import Hub
from hive_tui.services.tasks import Part, TaskBoard
from hive_tui.store import agents, claims, journal, tasks, wakeups
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated

TESTER = Actor.person("test")
ADA, BOB = "id-of-ada", "id-of-bob"


class Board(TaskBoard):
    """A board on a real database that remembers what it published and how often it rang."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.heard, self.rings = FakeClock(), list[Event](), 0
        self.database = Database(migrated(folder / "hive.db"), self.clock)
        hub = Hub()
        hub.subscribe(self.heard.append)
        for name in ("ada", "bob"):
            self.database.write(agents.add, an_agent(name), now=NOON)
        super().__init__(self.database, self._count, self.clock, hub, max_attempts=3)

    def _count(self) -> None:
        self.rings += 1

    def wakes(self, agent_id: str = ADA) -> list[Wakeup]:
        return self.database.read(wakeups.unfinished_wakes, agent_id)

    def told(self, agent_id: str = ADA) -> list[str]:
        """The titles of what the agent is going to be told."""
        said = [message for wake in self.wakes(agent_id) for message in messages_of(wake.context)]
        return [message.splitlines()[0].partition(": ")[2] for message in said]

    def task(self, task: Task) -> Task:
        return self.database.read(tasks.get, task.id)

    def claim(self) -> Wakeup:
        [claimed] = self.database.write(claims.claim_due, by="test", now=self.clock.now(), limit=1)
        return claimed


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    made = Board(tmp_path)
    yield made
    made.database.close()


def test_a_task_for_an_agent_wakes_it_with_the_chain(board: Board):
    goal = board.add("Ship 1.0", TESTER).task
    given = board.add("Write the README", TESTER, parent_id=goal.short_id, agent_id=ADA)
    assert given.task.parent_id == goal.id and given.task.status is TaskStatus.OPEN
    [wake] = board.wakes()
    assert given.wakeup == wake
    assert (wake.trigger, wake.priority, wake.max_attempts) == (Trigger.ASSIGNMENT, 70, 3)
    assert [[one["id"] for one in chain] for chain in chains_of(wake.context)] == [[goal.id, given.task.id]]
    assert "1. Ship 1.0" in messages_of(wake.context)[0] and board.rings == 2


def test_a_goal_for_nobody_wakes_nobody(board: Board):
    assert board.add("Ship 1.0", TESTER).wakeup is None
    assert board.wakes() == [] and [one.kind for one in board.heard] == [EventKind.TASK_ADDED]


def test_what_is_published_is_in_the_log(board: Board):
    given = board.add("Ship 1.0", TESTER, agent_id=ADA)
    logged = [one.event for one in board.database.read(journal.events)]
    assert logged == board.heard
    assert [one.kind for one in logged] == [EventKind.TASK_ADDED, EventKind.WAKEUP_SCHEDULED]
    assert logged[0].payload == {"task_id": given.task.id} and logged[0].agent_id == ADA


def test_assigning_the_same_task_to_the_same_agent_twice_asks_once(board: Board):
    task = board.add("Build", TESTER).task
    first = board.assign(task.id, ADA, TESTER)
    again = board.assign(task.id, ADA, TESTER)
    assert first.wakeup is not None and again.wakeup is None and "nobody is asked again" in again.note
    assert board.told() == ["Build"]
    claimed = board.claim()
    assert board.database.write(claims.complete, claimed, now=NOON, verdict="wake", result={})
    assert board.assign(task.id, ADA, TESTER).wakeup is None
    assert board.wakes() == [], "nor after it was told"


def test_an_agent_whose_wake_came_to_nothing_can_be_asked_again(board: Board):
    task = board.add("Build", TESTER, agent_id=ADA).task
    waiting = board.assign(task.id, ADA, TESTER, again=True)
    assert waiting.wakeup == board.wakes()[0] and "under way already" in waiting.note and board.told() == ["Build"]
    board.database.write(wakeups.cancel, board.wakes()[0].id, now=NOON)
    assert board.told() == []
    assert board.assign(task.id, ADA, TESTER, again=True).note == "" and board.told() == ["Build"]
    board.set_status(task.id, TaskStatus.DONE, TESTER)
    with pytest.raises(TaskError, match="given to nobody"):
        board.assign(task.id, ADA, TESTER, again=True)


def test_two_assignments_to_one_agent_are_one_wake_that_tells_both(board: Board):
    for goal in ("Build", "Test"):
        board.assign(board.add(goal, TESTER).task.id, ADA, TESTER)
    [wake] = board.wakes()
    assert board.told() == ["Build", "Test"] and len(chains_of(wake.context)) == 2


def test_what_comes_while_the_agent_is_being_told_is_told_next(board: Board):
    board.add("Build", TESTER, agent_id=ADA)
    claimed = board.claim()
    board.add("Test", TESTER, agent_id=ADA)
    assert board.told() == ["Build", "Test"] and len(board.wakes()) == 2
    assert board.database.write(claims.complete, claimed, now=NOON, verdict="wake", result={})
    assert board.told() == ["Test"]


def test_who_a_task_is_taken_from_is_not_told_of_it_any_more(board: Board):
    task = board.add("Build", TESTER, agent_id=ADA).task
    board.add("Test", TESTER, agent_id=ADA)
    board.assign(task.id, BOB, TESTER)
    assert board.told(ADA) == ["Test"] and board.told(BOB) == ["Build"]
    assert [chain[-1]["title"] for chain in chains_of(board.wakes(ADA)[0].context)] == ["Test"]


def test_a_task_that_comes_back_is_told_again(board: Board):
    task = board.add("Build", TESTER, agent_id=ADA).task
    for agent_id in (BOB, ADA):
        board.assign(task.id, agent_id, TESTER)
    assert board.told(ADA) == ["Build"] and board.told(BOB) == []


def test_what_an_attempt_may_have_said_is_left_as_it_is(board: Board):
    """The count of what was said in the pane would point at another message else."""
    task = board.add("Build", TESTER, agent_id=ADA).task
    claimed = board.claim()
    board.assign(task.id, BOB, TESTER)
    assert board.told(ADA) == ["Build"]
    assert board.database.write(claims.fail, claimed, now=NOON, error="no", verdict=None, next_at=NOON, result={})
    board.assign(task.id, ADA, TESTER)
    board.assign(task.id, None, TESTER)
    assert board.told(ADA)[0] == "Build"


def test_a_wake_for_other_reasons_stays_when_its_task_goes(board: Board):
    asked = NewWakeup(ADA, Trigger.RECOVER, NOON, context={"x": 1})
    board.database.write(wakeups.enqueue, asked, "first", now=NOON)
    task = board.add("Build", TESTER, agent_id=ADA).task
    board.set_status(task.id, TaskStatus.CANCELLED, TESTER)
    [wake] = board.wakes()
    assert (wake.id, wake.status, dict(wake.context)) == ("first", WakeupStatus.PENDING, {"x": 1})


def test_a_routine_wakes_its_agent_and_an_occurrence_counts_once(board: Board):
    for _ in range(2):
        given = board.routine("nightly", "Update the lock file", ADA, TESTER, occurrence="2026-01-05")
    assert given.wakeup is None and given.note == "a task with this key is there already"
    assert given.task.routine == "nightly"
    [wake] = board.wakes()
    assert (wake.trigger, wake.priority) == (Trigger.ROUTINE, 60) and board.told() == ["Update the lock file"]
    board.routine("nightly", "Update the lock file", ADA, TESTER, occurrence="2026-01-06")
    assert len(board.database.read(tasks.everything)) == 2
    with pytest.raises(TaskError, match="needs a name"):
        board.routine(" ", "goal", ADA, TESTER)


def test_the_same_key_adds_nothing_even_after_the_task_is_done(board: Board):
    task = board.add("Build", TESTER, key="ticket 7").task
    board.set_status(task.id, TaskStatus.DONE, TESTER)
    again = board.add("Build it differently", TESTER, agent_id=ADA, key="ticket 7")
    assert again.task == board.task(task) and again.wakeup is None and board.wakes() == []


def test_a_goal_that_is_split_wakes_the_agent_of_each_part(board: Board):
    goal = board.add("Ship 1.0", TESTER, agent_id=ADA).task
    board.database.write(wakeups.cancel, board.wakes()[0].id, now=NOON)
    given = board.split(goal.id, [Part("Docs"), Part("Build", BOB)], TESTER)
    assert [one.task.agent_id for one in given] == [ADA, BOB]
    assert [one.task.parent_id for one in given] == [goal.id, goal.id]
    for agent_id, title in ((ADA, "Docs"), (BOB, "Build")):
        [wake] = board.wakes(agent_id)
        assert (wake.trigger, wake.priority) == (Trigger.GOAL, 75) and board.told(agent_id) == [title]
        assert [one["title"] for one in chains_of(wake.context)[0]] == ["Ship 1.0", title]


def test_a_split_that_is_said_again_makes_nothing_again(board: Board):
    goal = board.add("Ship 1.0", TESTER).task
    parts = [Part("Docs", ADA), Part("Build", BOB), Part("Docs", ADA)]
    first = board.split(goal.id, parts, TESTER)
    assert first[2].task == first[0].task and len(board.database.read(tasks.parts, goal.id)) == 2
    again = board.split(goal.id, parts, TESTER)
    assert [one.task.id for one in again] == [one.task.id for one in first]
    assert all(one.wakeup is None and one.note for one in again)
    assert board.told(ADA) == ["Docs"] and board.told(BOB) == ["Build"]


def test_a_part_that_is_done_can_be_asked_for_anew(board: Board):
    goal = board.add("Ship 1.0", TESTER).task
    [first] = board.split(goal.id, [Part("Docs", ADA)], TESTER)
    board.set_status(first.task.id, TaskStatus.DONE, TESTER)
    [again] = board.split(goal.id, [Part("Docs", ADA)], TESTER)
    assert again.task.id != first.task.id and again.wakeup is not None


def test_a_split_is_made_wholly_or_not_at_all(board: Board):
    goal = board.add("Ship 1.0", TESTER).task
    before, events = board.database.read(tasks.everything), list(board.heard)
    for parts, error in (
        ([Part("Docs", ADA), Part("Build", "id-of-nobody")], NotFound),
        ([Part("Docs", ADA), Part(" ", BOB)], TaskError),
    ):
        with pytest.raises(error):
            board.split(goal.id, parts, TESTER)
    assert board.database.read(tasks.everything) == before and board.wakes() == [] and board.heard == events


def test_a_finished_task_is_given_to_nobody(board: Board):
    task = board.add("Build", TESTER).task
    board.set_status(task.id, TaskStatus.DONE, TESTER)
    with pytest.raises(TaskError, match="is done and is given to nobody"):
        board.assign(task.id, ADA, TESTER)
    with pytest.raises(TaskError, match="gets no new parts"):
        board.split(task.id, [Part("x")], TESTER)
    assert board.wakes() == []


def test_done_is_remembered_with_its_time_and_once(board: Board):
    task = board.add("Build", TESTER, agent_id=ADA).task
    board.clock.advance(60)
    [done] = board.set_status(task.id, TaskStatus.DONE, TESTER)
    assert done == board.task(task) and done.done_at == board.clock.now()
    assert board.told() == [], "what is done is told to nobody"
    board.clock.advance(60)
    assert board.set_status(task.id, TaskStatus.DONE, TESTER) == []
    assert board.task(task).done_at == done.done_at
    assert [one.kind for one in board.heard].count(EventKind.TASK_CHANGED) == 1


def test_what_is_opened_again_wakes_its_agent_again(board: Board):
    task = board.add("Build", TESTER, agent_id=ADA).task
    board.set_status(task.id, TaskStatus.DONE, TESTER)
    [opened] = board.set_status(task.id, TaskStatus.OPEN, TESTER)
    assert (opened.status, opened.done_at) == (TaskStatus.OPEN, None) and board.told() == ["Build"]
    board.set_status(task.id, TaskStatus.DOING, TESTER)
    board.set_status(task.id, TaskStatus.OPEN, TESTER)
    assert board.told() == ["Build"], "that it is not begun after all is no news"


def test_cancelling_a_goal_cancels_what_is_left_of_it(board: Board):
    goal = board.add("Ship 1.0", TESTER).task
    done, left = (one.task for one in board.split(goal.id, [Part("Docs", ADA), Part("Build", BOB)], TESTER))
    [below] = (one.task for one in board.split(left.id, [Part("Compile")], TESTER))
    board.set_status(done.id, TaskStatus.DONE, TESTER)
    changed = board.set_status(goal.id, TaskStatus.CANCELLED, TESTER)
    assert [one.id for one in changed] == [goal.id, left.id, below.id]
    assert board.task(done).status is TaskStatus.DONE and board.told(BOB) == []
    with pytest.raises(TaskError, match="which is cancelled"):
        board.set_status(below.id, TaskStatus.OPEN, TESTER)


def test_a_task_moves_with_what_is_below_it_and_never_into_itself(board: Board):
    goal, other = (board.add(text, TESTER).task for text in ("Ship 1.0", "Ship 2.0"))
    [part] = (one.task for one in board.split(goal.id, [Part("Docs")], TESTER))
    [leaf] = (one.task for one in board.split(part.id, [Part("README")], TESTER))
    assert board.move(part.id, other.short_id, TESTER).parent_id == other.id
    assert [one.id for one in board.ancestry(leaf.id)] == [other.id, part.id, leaf.id]
    for below in (other, part, leaf):
        with pytest.raises(TaskError, match="cannot be a part of itself"):
            board.move(other.id, below.id, TESTER)
    assert board.move(part.id, None, TESTER).parent_id is None
    count = len(board.heard)
    board.move(part.id, None, TESTER)
    assert len(board.heard) == count, "what changes nothing is no event"


def test_what_is_below_counts_for_the_depth_of_a_move(board: Board):
    chain = [board.add("1", TESTER).task]
    while len(chain) < DEPTH:
        chain.append(board.add(str(len(chain) + 1), TESTER, parent_id=chain[-1].id).task)
    with pytest.raises(TaskError, match=f"{DEPTH + 1} deep"):
        board.add("one more", TESTER, parent_id=chain[-1].id)
    with pytest.raises(TaskError, match=f"{DEPTH + 1} deep"):
        board.move(chain[0].id, board.add("above", TESTER).task.id, TESTER)


def test_an_agent_writes_down_how_far_it_is(board: Board):
    ada = an_agent("ada")
    board.note(ada, TESTER, step="write", next_steps=["test", "release"], failed=["flaky"])
    state = board.note(ada, TESTER, done=["write"], step="test", failed=["flaky"])
    assert (state.step, state.done_steps, state.next_steps) == ("test", ("write",), ("release",))
    assert state.failures == {"flaky": 2} and state.updated_at == NOON
    assert board.database.read(tasks.state, ADA) == state
    assert [one.text for one in board.heard] == ["ada is at: write", "ada is at: test"]


def test_what_says_nothing_new_is_not_written_down(board: Board):
    ada = an_agent("ada")
    before = board.note(ada, TESTER, step="write")
    board.clock.advance(60)
    assert board.note(ada, TESTER, step="write") == before and len(board.heard) == 1
    with pytest.raises(TaskError):
        board.note(ada, TESTER, step="other", failed=[" "])
    assert board.database.read(tasks.state, ADA) == before, "all of it or nothing"
    assert board.note(ada, TESTER, clear=True, next_steps=["a"]).step is None
