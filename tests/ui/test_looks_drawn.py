"""What a look at the panes has drawn: all of it where it tells something, and nothing where agents go on working."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs
from textual.pilot import Pilot

from hive_tui.domain.agents import Activity, Lifecycle
from hive_tui.domain.reconcile import ServerState
from hive_tui.hive import Hive
from hive_tui.services.dashboard import REDRAW_AT_LEAST_EVERY_S
from hive_tui.services.observer import Observation
from hive_tui.store import announcements
from hive_tui.store.announcements import Announced
from hive_tui.ui.app import HiveApp
from hive_tui.ui.messages import HiveChanged
from hive_tui.ui.screens.agents import LIST_AT_LEAST_EVERY_S, AgentsScreen
from hive_tui.ui.widgets.side import EXPLAIN, PANE, Side
from hive_tui.ui.widgets.steady import Steady
from tests.clocks import FakeClock
from tests.ui.invented import PicturePanes, new_app, new_hive, settled
from tests.ui.test_dashboard import until


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def hive(tmp_path: Path, clock: FakeClock) -> Iterator[Hive]:
    made = new_hive(tmp_path, clock)
    yield made
    made.close()


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One entry for each time that the list of agents is drawn."""
    made: list[None] = []
    reload = AgentsScreen.reload

    async def counted(screen: AgentsScreen) -> None:
        made.append(None)
        await reload(screen)

    monkeypatch.setattr(AgentsScreen, "reload", counted)
    return made


def last_look(app: HiveApp) -> Observation:
    assert app.observation is not None
    return app.observation


def begun(app: HiveApp, clock: FakeClock) -> Observation:
    """That the selected agent is in its state since now."""
    screen, seen = app.screen, last_look(app)
    assert isinstance(screen, AgentsScreen) and screen.selected is not None
    selected, now = screen.selected.agent.id, clock.now()
    agents = (structs.replace(one, since_at=now) if one.id == selected else one for one in seen.agents)
    return replace(seen, agents=tuple(agents))


async def is_drawn(pilot: Pilot[None], drawings: list[None], seen: Observation) -> bool:
    """Whether a look has the list drawn anew."""
    app = pilot.app
    assert isinstance(app, HiveApp)
    before = len(drawings)
    app._observed(seen)
    await settled(pilot)
    return len(drawings) > before


async def test_the_list_is_drawn_for_what_is_new_and_now_and_then(hive: Hive, clock: FakeClock, drawings: list[None]):
    app = new_app(hive, clock)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: drawings)
        seen = last_look(app)
        await is_drawn(pilot, drawings, seen)  # until then nobody knows what was written
        assert not await is_drawn(pilot, drawings, replace(seen, at=clock.now()))
        changed = structs.replace(seen.agents[0], activity=Activity.PERMISSION)
        assert await is_drawn(pilot, drawings, replace(seen, agents=(changed, *seen.agents[1:])))
        assert not await is_drawn(pilot, drawings, last_look(app))
        clock.advance(LIST_AT_LEAST_EVERY_S - 0.1)
        assert not await is_drawn(pilot, drawings, last_look(app))
        clock.advance(0.1)
        assert await is_drawn(pilot, drawings, last_look(app)), "memory, and how long it is in its state"


async def test_seconds_in_the_details_are_drawn_more_often(hive: Hive, clock: FakeClock, drawings: list[None]):
    app = new_app(hive, clock)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: drawings)
        seen = begun(app, clock)
        for _ in range(2):
            await is_drawn(pilot, drawings, seen)
        clock.advance(REDRAW_AT_LEAST_EVERY_S - 0.1)
        assert not await is_drawn(pilot, drawings, seen)
        clock.advance(0.1)
        assert await is_drawn(pilot, drawings, seen)
        clock.advance(60)
        await is_drawn(pilot, drawings, seen)
        clock.advance(REDRAW_AT_LEAST_EVERY_S)
        assert not await is_drawn(pilot, drawings, seen), "now it is told in minutes"
        clock.advance(LIST_AT_LEAST_EVERY_S)
        hung = replace(seen, state=ServerState.HUNG, answered_at=seen.at)
        await is_drawn(pilot, drawings, replace(hung, trouble="tmux does not answer"))
        clock.advance(REDRAW_AT_LEAST_EVERY_S)
        assert await is_drawn(pilot, drawings, replace(hung, trouble="tmux does not answer")), "how old it is"


async def test_pages_that_tell_what_was_seen_are_drawn_with_each_look(
    hive: Hive, clock: FakeClock, drawings: list[None]
):
    app = new_app(hive, clock)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: drawings)
        seen, screen = last_look(app), app.screen
        assert isinstance(screen, AgentsScreen)
        await is_drawn(pilot, drawings, seen)
        screen.action_tab(EXPLAIN)
        assert await is_drawn(pilot, drawings, seen)
        screen.action_tab(PANE)
        assert not await is_drawn(pilot, drawings, seen)


async def test_the_seconds_to_a_nap_are_counted_with_each_look(hive: Hive, clock: FakeClock, drawings: list[None]):
    app = new_app(hive, clock)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: drawings)
        nap = Announced(last_look(app).agents[0].id, clock.now() + timedelta(seconds=40), "idle for 30m")
        hive.database.write(announcements.announce, nap, now=clock.now())
        app.post_message(HiveChanged())
        await until(pilot, lambda: app.agents_every_s == 0.0)
        await is_drawn(pilot, drawings, last_look(app))
        assert await is_drawn(pilot, drawings, last_look(app))


async def test_details_count_seconds_with_the_pictures_of_the_pane(hive: Hive, clock: FakeClock, drawings: list[None]):
    app = new_app(hive, clock)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: drawings)
        screen = app.screen
        await is_drawn(pilot, drawings, begun(app, clock))
        assert isinstance(screen, AgentsScreen)
        details = screen.query_one(Side).query_one("#details", Steady)
        await until(pilot, lambda: "(for 0s)" in str(details.content))
        clock.advance(3)
        before = len(drawings)
        hive.__dict__["panes"] = PicturePanes("something else")
        await screen.capture()
        assert "(for 3s)" in str(details.content) and len(drawings) == before


async def test_what_a_person_has_not_looked_at_yet_is_looked_at_also_where_looks_draw_it(
    hive: Hive, drawings: list[None], monkeypatch: pytest.MonkeyPatch
):
    app = new_app(hive, FakeClock())
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: drawings)
        screen, captured = app.screen, list[bool]()
        assert isinstance(screen, AgentsScreen) and screen.selected is not None
        pane = app.pane_of(screen.selected.agent)
        for is_unread in (False, True):
            state = {"activity": Activity.IDLE, "lifecycle": Lifecycle.AWAKE}
            one = structs.replace(
                screen.selected, has_news=is_unread, agent=structs.replace(screen.selected.agent, **state)
            )
            monkeypatch.setattr(screen, "_watched", lambda one=one: (one, pane))
            monkeypatch.setattr(screen, "capture", lambda is_unread=is_unread: captured.append(is_unread))
            monkeypatch.setattr(app.pictures, "seen", lambda *_: None)
            screen._show_what_was_seen()
        monkeypatch.undo()
    assert captured == [True]
