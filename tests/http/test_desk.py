"""What the desk says about its threads: a read that runs is no reason to stay, an action is one."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from hive_tui.hive import Hive
from hive_tui.http.desk import Desk

Run = Callable[[Desk, Callable[[], bool]], Awaitable[bool]]


def state(desk: Desk) -> tuple[bool, bool]:
    return desk.is_busy, desk.is_acting


@pytest.mark.parametrize(("run", "is_acting"), [(Desk.run_short, False), (Desk.run_long, True)])
async def test_a_read_is_no_action(hive: Hive, run: Run, is_acting: bool):
    desk, may_end = Desk(hive), threading.Event()
    assert state(desk) == (False, False)
    under_way = asyncio.ensure_future(run(desk, may_end.wait))
    try:
        await asyncio.sleep(0)
        assert state(desk) == (True, is_acting)
    finally:
        may_end.set()
    assert await under_way
    desk.close()
    assert state(desk) == (False, False)
