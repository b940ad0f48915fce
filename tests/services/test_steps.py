"""Steps that run in one thread, one after the other: none of them can hold up the others for long."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from hive_tui.domain.beat import Beat
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event
from hive_tui.services import steps as steps_module
from hive_tui.services.steps import NEXT, Step, Steps
from tests.stage import eventually


class Running:
    def __init__(self) -> None:
        self.beat, self.told, self.ran = Beat(), list[str](), list[str]()
        self.may_end = threading.Event()
        self.steps = Steps(self.beat, self.tell)

    def tell(self, event: Event) -> None:
        self.told.append(event.text)

    def does(self, name: str) -> Step:
        return name, lambda: self.ran.append(name)

    def hangs(self, name: str) -> Step:
        def hang() -> None:
            self.ran.append(name)
            self.may_end.wait(20)

        return name, hang


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    made = Running()
    yield made
    made.may_end.set()
    made.steps.shutdown()


def refuse() -> None:
    raise HiveError("The disk is full.", hint="Make room.")


async def test_a_step_that_fails_is_told_once_and_the_others_go_on(running: Running):
    for _ in range(2):
        await running.steps.run_all(iter([running.does("a"), ("b", refuse), running.does("c")]))
    assert running.ran == ["a", "c", "a", "c"]
    assert running.told == ["The heartbeat could not b: The disk is full."]
    assert running.beat.trouble == {"b": "The disk is full."}
    await running.steps.run_all(iter([running.does("b")]))
    assert running.beat.trouble == {}


async def test_a_step_that_hangs_is_left_alone_and_not_begun_twice(running: Running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(steps_module, "STEP_TIMEOUT_S", 0.05)
    for _ in range(2):
        await running.steps.run_all(iter([running.does("a"), running.hangs("b"), running.does("c")]))
    assert running.ran == ["a", "b", "c", "a", "c"]
    assert running.beat.trouble == {"b": "no end after 0.05 s"} and running.steps.is_stuck
    running.may_end.set()
    await asyncio.to_thread(eventually, lambda: not running.steps.is_stuck, "it comes back")
    assert running.ran == ["a", "b", "c", "a", "c"], "who comes back late goes on with nothing"


async def test_who_cannot_say_what_is_due_is_told(running: Running):
    def due() -> Iterator[Step]:
        yield running.does("a")
        raise HiveError("The database is locked.", hint="Wait.")

    await running.steps.run_all(due())
    assert (running.ran, running.beat.trouble) == (["a"], {NEXT: "The database is locked."})
    await running.steps.run_all(iter(()))
    assert running.beat.trouble == {}


async def test_a_round_that_hangs_is_left_once_all_is_to_stop(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(steps_module, "PATIENCE_S", 0.05)
    began, ended = asyncio.Event(), list[str]()

    async def hang() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("left")

    leaving: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    round_ = asyncio.create_task(steps_module.done_or_left(hang(), leaving))
    await began.wait()
    assert not ended
    leaving.set_result(True)
    await round_
    assert ended == ["left"]


async def test_a_round_that_fails_by_itself_is_not_taken_for_one_that_was_left():
    async def fail() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        await steps_module.done_or_left(fail(), asyncio.get_running_loop().create_future())


async def test_a_round_that_ends_just_when_all_is_to_stop_has_ended(monkeypatch: pytest.MonkeyPatch):
    wrong: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: wrong.append(context))
    leaving: asyncio.Future[bool] = loop.create_future()

    async def stop() -> None:
        leaving.set_result(True)  # who waits for it is told in the next turn of the loop

    await steps_module.done_or_left(stop(), leaving)
    await asyncio.sleep(0)
    assert not wrong
