"""Agents whose last turn nobody has looked at."""

from hive_tui.store import settings, unread
from hive_tui.store.database import Database
from tests.builders import NOON


def test_an_agent_is_unread_from_its_mark_to_a_look(database: Database):
    database.write(settings.put, "unreal", 1, now=NOON)
    database.write(settings.put, "unread;", 1, now=NOON)
    for agent_id in ("a-1", "a-2", "a-2"):
        database.write(unread.mark, agent_id, now=NOON)
    assert database.read(unread.everyone) == {"a-1", "a-2"}
    database.write(unread.clear, ["a-1", "a-3"])
    assert database.read(unread.everyone) == {"a-2"}
    assert database.read(settings.get, "unreal") == 1
