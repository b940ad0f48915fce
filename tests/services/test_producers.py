"""Who asks for wakes: trigger, priority, key and context of each."""

import pytest

from hive_tui.domain.wakeups import PRIORITY, Trigger, chains_of, messages_of
from hive_tui.services import producers
from tests.builders import NOON
from tests.domain.test_tasks import a_task

CHAIN = (a_task("goal", title="Ship"), a_task("task", "goal", title="Build"))


@pytest.mark.parametrize(
    ("producer", "trigger", "priority"),
    [
        (producers.assignment, Trigger.ASSIGNMENT, 70),
        (producers.routine, Trigger.ROUTINE, 60),
        (producers.goal, Trigger.GOAL, 75),
    ],
)
def test_a_wake_for_a_task_has_the_priority_of_its_trigger_and_tells_the_chain(
    producer: producers.Producer, trigger: Trigger, priority: int
):
    new = producer(CHAIN, "id-of-ada", NOON)
    assert (new.agent_id, new.trigger, PRIORITY[new.trigger], new.scheduled_for) == (
        "id-of-ada",
        trigger,
        priority,
        NOON,
    )
    [chain] = chains_of(new.context)
    assert [one["id"] for one in chain] == ["goal", "task"]
    [message] = messages_of(new.context)
    assert message.index("Build") < message.index("Ship")


def test_a_person_is_first_and_may_say_something():
    new = producers.manual("id-of-ada", NOON, message="hello", key="k")
    assert (new.trigger, new.idempotency_key, messages_of(new.context)) == (Trigger.MANUAL, "k", ("hello",))
    assert producers.manual("id-of-ada", NOON).context == {}
