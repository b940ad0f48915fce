"""The registry of agents."""

from datetime import timedelta

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity, Agent, Hosting, Lifecycle, Origin, PaneRef
from hive_tui.domain.errors import NameTaken, NotFound
from hive_tui.domain.handoffs import ContextMode, Handoff
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.schedule import SleepWindow
from hive_tui.domain.wakeups import NewWakeup, Trigger, WakeupStatus
from hive_tui.store import agents, consolidations, handoffs, journal, stale, wakeups, windows
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent, an_ended_agent
from tests.store.builders import a_checkpoint, enter

EVERY_FIELD = Agent(
    id="id-of-eve",
    name="eve",
    kind="codex",
    lifecycle=Lifecycle.AWAKE,
    activity=Activity.PERMISSION,
    reason="asks: “may I?”",
    since_at=NOON + timedelta(microseconds=1),
    origin=Origin.LAUNCHED,
    cwd="/home/eve/straße",
    hosting=Hosting.COMMAND,
    pane=PaneRef("900:1", "%7"),
    process=ProcessId(4242, 99),
    session_id="s-1",
    transcript="/t.jsonl",
    config_dir="/c",
    argv=("codex", "--flag", "", "it's", "caf\udce9"),
    env=(("CODEX_HOME", "/c"), ("EMPTY", "")),
    pinned=True,
    checkpoint_id="c-1",
    prompt="$ ",
    freed_bytes=2**40,
    memory_bytes=5,
    started_at=NOON - timedelta(days=1),
)


def ask_for_a_wake(database: Database, agent: Agent) -> str:
    wakeup_id = f"wake-{agent.name}"
    database.write(wakeups.enqueue, NewWakeup(agent.id, Trigger.MANUAL, NOON), wakeup_id, now=NOON)
    return wakeup_id


@pytest.mark.parametrize(
    "agent", [EVERY_FIELD, an_ended_agent("bare", pane=None, session_id=None)], ids=["full", "bare"]
)
def test_an_agent_comes_back_as_it_was_put_in(database: Database, agent: Agent):
    database.write(agents.add, agent, now=NOON)
    assert database.read(agents.get, agent.id) == agent
    assert database.read(agents.find, agent.name) == agent
    assert database.read(agents.find, agent.id) == agent
    assert database.read(agents.everyone) == [agent]


def test_put_stores_the_state_but_not_what_a_person_decides_meanwhile(database: Database, ada: Agent):
    changed = structs.replace(EVERY_FIELD, id=ada.id)
    database.write(agents.put, changed)
    assert database.read(agents.get, ada.id) == structs.replace(
        changed, name=ada.name, origin=ada.origin, pinned=ada.pinned, checkpoint_id=ada.checkpoint_id
    )


def test_what_a_person_decides_has_functions_of_its_own(database: Database, ada: Agent):
    database.write(agents.set_pinned, ada.id, True)
    database.write(agents.set_origin, ada.id, Origin.ADOPTED)
    database.write(agents.set_checkpoint, ada.id, "c-9")
    database.write(agents.rename, ada.id, "lovelace")
    assert database.read(agents.get, ada.id) == structs.replace(
        ada, pinned=True, origin=Origin.ADOPTED, checkpoint_id="c-9", name="lovelace"
    )
    database.write(agents.set_pinned, ada.id, False)
    assert not database.read(agents.get, ada.id).pinned


def test_put_changes_no_other_agent(database: Database, ada: Agent, bob: Agent):
    database.write(agents.put, structs.replace(ada, reason="changed"))
    assert database.read(agents.get, bob.id) == bob


def test_the_registry_is_listed_by_name(database: Database):
    for name in ("zoe", "ada", "bob-2", "bob"):
        database.write(agents.add, an_agent(name), now=NOON)
    assert [agent.name for agent in database.read(agents.everyone)] == ["ada", "bob", "bob-2", "zoe"]


def test_a_missing_agent_is_named_along_with_those_there_are(database: Database, ada: Agent, bob: Agent):
    with pytest.raises(NotFound, match="no agent 'carl'") as missing:
        database.read(agents.find, "carl")
    assert missing.value.hint == "Known agents: ada, bob."
    with pytest.raises(NotFound, match="id carl"):
        database.read(agents.get, "carl")


def test_with_nobody_in_the_registry_the_hint_says_where_to_look(database: Database):
    with pytest.raises(NotFound) as missing:
        database.read(agents.find, "carl")
    assert "hive-tui agents" in missing.value.hint


@pytest.mark.parametrize("name", ["bob", "", "Ada", "a b", "../x", "x" * 33, "-x"])
def test_a_name_that_is_taken_or_none_is_refused(database: Database, ada: Agent, bob: Agent, name: str):
    with pytest.raises(NameTaken):
        database.write(agents.rename, ada.id, name)
    assert database.read(agents.get, ada.id).name == "ada"


def test_an_agent_may_be_renamed_to_the_name_it_has(database: Database, ada: Agent):
    database.write(agents.rename, ada.id, "ada")
    assert database.read(agents.get, ada.id) == ada


def test_a_forgotten_agent_is_gone_and_its_name_is_free(database: Database, ada: Agent):
    enter(database, a_checkpoint("c-1"))
    wakeup_id = ask_for_a_wake(database, ada)
    database.write(journal.begin, ada.id, "nap", now=NOON)
    database.write(agents.forget, ada.id, now=NOON)

    assert database.read(agents.everyone) == []
    assert database.read(journal.operations) == []
    for look in (agents.get, agents.find):
        with pytest.raises(NotFound):
            database.read(look, ada.id)
    wakeup = database.read(wakeups.get, wakeup_id)
    assert wakeup.status is WakeupStatus.CANCELLED
    assert wakeup.last_error == "the agent was forgotten"
    assert wakeup.finished_at == NOON
    database.write(agents.add, structs.replace(ada, id="another"), now=NOON)
    assert database.read(agents.find, "ada").id == "another"


def test_forgetting_one_agent_leaves_the_wakes_of_others(database: Database, ada: Agent, bob: Agent):
    wakeup_id = ask_for_a_wake(database, bob)
    database.write(agents.forget, ada.id, now=NOON)
    assert database.read(wakeups.get, wakeup_id).status is WakeupStatus.PENDING


def row_of(database: Database, agent: Agent) -> bool:
    found = database.read(lambda db: db.execute("SELECT 1 FROM agents WHERE id = ?", (agent.id,)).fetchone())
    return found is not None


def test_an_agent_that_was_only_ever_seen_leaves_no_row(database: Database, ada: Agent, bob: Agent):
    database.write(agents.drop_unused, ada.id, now=NOON)
    assert not row_of(database, ada)
    assert database.read(agents.everyone) == [bob]


def test_an_agent_that_hung_until_it_ended_leaves_no_row_either(database: Database, ada: Agent):
    assert database.write(stale.mark, ada.id, NOON)
    database.write(agents.drop_unused, ada.id, now=NOON)
    assert not row_of(database, ada)
    assert database.read(stale.everyone) == {}


@pytest.mark.parametrize("use", ["checkpoint", "wakeup", "sleep window", "operation", "handoff", "stages"])
def test_an_agent_that_something_refers_to_is_forgotten_and_not_dropped(database: Database, ada: Agent, use: str):
    if use == "checkpoint":
        enter(database, a_checkpoint("c-1"))
    elif use == "wakeup":
        ask_for_a_wake(database, ada)
    elif use == "sleep window":
        database.write(windows.put, SleepWindow("w", ada.id))
    elif use == "handoff":
        database.write(handoffs.add, Handoff("w-1", ada.id, ContextMode.HANDOFF, "asked for", NOON))
    elif use == "stages":
        database.write(consolidations.enter, ada.id, "session-1:1", now=NOON)
    else:
        database.write(journal.begin, ada.id, "nap", now=NOON)
    database.write(agents.drop_unused, ada.id, now=NOON)
    assert row_of(database, ada)
    assert database.read(agents.everyone) == []


def test_agents_with_a_checkpoint_a_pin_or_a_persons_wish_are_worth_keeping(database: Database):
    found = an_agent("found")
    saved = an_agent("saved")
    pinned = an_agent("pinned", pinned=True)
    adopted = an_agent("adopted", origin=Origin.ADOPTED)
    launched = an_agent("launched", origin=Origin.LAUNCHED)
    everyone = [found, saved, pinned, adopted, launched]
    for agent in everyone:
        database.write(agents.add, agent, now=NOON)
    enter(database, a_checkpoint("c-1", saved.id))
    assert database.read(agents.worth_keeping, everyone) == {agent.id for agent in everyone} - {found.id}
