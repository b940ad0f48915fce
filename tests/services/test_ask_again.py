"""A wake that was cancelled by mistake comes back as it was, with all that had become one in it."""

from datetime import timedelta
from pathlib import Path

from hive_tui.domain.events import Actor
from hive_tui.domain.wakeups import Action, NewWakeup, Trigger, Wakeup
from hive_tui.services.hub import Hub
from hive_tui.services.queue import WakeupQueue
from hive_tui.store import agents, wakeups
from hive_tui.store.database import Database
from tests.builders import an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated

MINA = Actor.person("mina")


def test_what_was_cancelled_comes_back_with_all_triggers_and_keys_of_what_it_was_merged_from(tmp_path: Path):
    clock = FakeClock()
    database = Database(migrated(tmp_path / "hive.db"), clock)
    queue = WakeupQueue(database, lambda: None, clock, Hub())
    ada, due = an_agent("ada"), clock.now() + timedelta(hours=2)
    database.write(agents.add, ada, now=clock.now())
    day = timedelta(days=1)

    def ask(trigger: Trigger, key: str, window: timedelta | None) -> Wakeup:
        new = NewWakeup(ada.id, trigger, due, idempotency_key=key, key_window=window, context={key: 1})
        return queue.enqueue(new, MINA).wakeup

    shown = ask(Trigger.GOAL, "first", day)
    ask(Trigger.ROUTINE, "second", None)
    ask(Trigger.WEBHOOK, "third", day)
    before = database.read(wakeups.get, shown.id)
    queue.cancel(shown, MINA)
    clock.advance(60)
    again = queue.ask_again(shown, MINA)
    assert again.is_new and again.wakeup.id != shown.id
    stored = database.read(wakeups.get, again.wakeup.id)
    kept = ("trigger", "also", "triggers", "priority", "scheduled_for", "context", "idempotency_key", "max_attempts")
    assert [getattr(stored, name) for name in kept] == [getattr(before, name) for name in kept]
    assert stored.also == (Trigger.ROUTINE, Trigger.WEBHOOK) == again.wakeup.also
    for trigger, key in ((Trigger.GOAL, "first"), (Trigger.ROUTINE, "second"), (Trigger.WEBHOOK, "third")):
        assert ask(trigger, key, None).id == stored.id, "a delivery that comes again is known"
    assert database.read(wakeups.get, stored.id).context == before.context, "and adds nothing"

    asked = queue.enqueue(NewWakeup(ada.id, Trigger.FILE, due, Action.CHECKPOINT), MINA).wakeup
    queue.cancel(stored, MINA)
    person = queue.enqueue(NewWakeup(ada.id, Trigger.MANUAL, clock.now()), MINA).wakeup
    merged = queue.ask_again(stored, MINA)
    assert (merged.wakeup.id, merged.is_new) == (person.id, False), "another one waits: they become one"
    assert merged.wakeup.triggers == before.triggers | {Trigger.MANUAL}
    assert ask(Trigger.GOAL, "first", None).id == person.id != asked.id
    database.close()
