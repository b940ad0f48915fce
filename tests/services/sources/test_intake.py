"""What is delivered again is known, also long after; webhooks have their way in."""

from hive_tui.domain.errors import StoreError
from hive_tui.domain.events import EventKind
from hive_tui.domain.signals import Asked
from hive_tui.domain.wakeups import Trigger
from hive_tui.services.sources.webhook import webhook
from hive_tui.store import deliveries
from tests.clocks import FakeClock
from tests.services.sources.conftest import Sleepers


def test_a_delivery_counts_once_also_after_its_wake_is_done(without_redis: Sleepers):
    intake = without_redis.hive.listening.intake
    hook = webhook("ada", "delivery-1", Asked("deployed", 55))
    assert [intake.take(hook) for _ in range(3)] == [True, False, False]
    [wake] = without_redis.wakes()
    assert (wake.trigger, wake.priority) == (Trigger.WEBHOOK, 55)
    without_redis.finish()
    assert not intake.take(hook) and without_redis.wakes() == []
    assert intake.take(webhook("ada", "delivery-2", Asked()))


def test_requests_with_the_senders_own_key_are_one_while_the_first_is_unfinished(without_redis: Sleepers):
    intake = without_redis.hive.listening.intake
    for number in range(3):
        intake.take(webhook("ada", f"delivery-{number}", Asked("deployed", key="release 7")))
    assert without_redis.told() == ["deployed"]


def test_what_could_not_be_stored_is_not_taken_for_delivered(without_redis: Sleepers):
    intake, database = without_redis.hive.listening.intake, without_redis.database
    database._thawed_writer().execute("PRAGMA query_only = 1")
    try:
        intake.take(webhook("ada", "delivery-1", Asked("deployed")))
        raise AssertionError("it must be delivered again")
    except StoreError:
        pass
    database._thawed_writer().execute("PRAGMA query_only = 0")
    assert intake.take(webhook("ada", "delivery-1", Asked("deployed")))
    assert without_redis.told() == ["deployed"]


def test_what_can_never_be_a_wake_is_refused_once(without_redis: Sleepers):
    intake = without_redis.hive.listening.intake
    for _ in range(2):
        intake.take(webhook("nobody", "delivery-1", Asked("deployed")))
        intake.take(webhook("ada", "delivery-2", Asked("!rm -rf /")))
    assert len(without_redis.said(EventKind.SOURCE_REFUSED)) == 2
    assert without_redis.wakes() == []


def test_deliveries_are_forgotten_once_nothing_can_deliver_them_again(without_redis: Sleepers):
    clock = FakeClock()
    hive = without_redis.hive
    for number in range(3):
        hive.database.write(deliveries.note, "webhook", str(number), None, now=clock.now())
    hive.listening.forgetting._clock = clock
    clock.advance(29 * 86_400)
    assert hive.listening.forgetting.forget_old() == 0
    clock.advance(2 * 86_400)
    assert hive.listening.forgetting.forget_old() == 3
    assert not hive.database.read(deliveries.is_known, "webhook", "0")
