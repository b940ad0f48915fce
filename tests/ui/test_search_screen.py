"""The Search screen: found while you type, read around, and from there to the agent."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from msgspec import structs
from textual.pilot import Pilot
from textual.widgets import Input

from hive_tui.services.finding import FindingsView
from hive_tui.services.meaning import newest_texts
from hive_tui.settings import Settings
from hive_tui.settings.vectors import VectorSettings
from hive_tui.store import agents as agent_store
from hive_tui.store.vectors import Vectors
from hive_tui.ui.app import HiveApp
from hive_tui.ui.screens.agents import AgentsScreen
from hive_tui.ui.screens.search import READING, SearchScreen
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady
from tests.clocks import FakeClock
from tests.embedder import embedding
from tests.ui.invented import new_app, new_hive, settled
from tests.ui.test_dashboard import until
from tests.ui.test_snapshots import SIZES, after

NextApp = Callable[[], HiveApp]
TALK = (
    ("shop", 1, "user", "Please keep the prices in quillmere_cents; never use floats, whatever the importer says."),
    (
        "shop",
        2,
        "assistant",
        "I look at src/basket/quillmere_cents.py first.\nIt rounds twice: in add() and in total().",
    ),
    (
        "shop",
        3,
        "assistant",
        "Found it: osprey_round() rounds half to even, the shop wants half up.\n\n" + "And so on. " * 40,
    ),
    ("library", 1, "user", "The catalogue reads quillmere_cents from the shop's export. Do not change its name."),
    (
        "library",
        2,
        "assistant",
        "Noted: the column quillmere_cents stays. 篮子 🧺 is the label.\x1b[2J[red]no markup[/red]",
    ),
    *(("library", n, "assistant", f"Chapter {n} is sorted; see shelf_{n:03d}.") for n in range(3, 30)),
)


def talk(app: HiveApp, folder: Path) -> HiveApp:
    """Two of the invented agents have said something."""
    for one in app.observation.agents:  # type: ignore[union-attr]
        rows = [row for row in TALK if row[0] == one.name]
        if rows:
            path = folder / f"{one.name}.jsonl"
            lines = [
                {
                    "type": role,
                    "timestamp": f"2026-01-05T{8 + n // 10:02d}:{n % 10:02d}:00Z",
                    "message": {"role": role, "content": text},
                }
                for _, n, role, text in rows
            ]
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
            app.hive.database.write(agent_store.put, structs.replace(one, transcript=str(path)))
    return app


@pytest.fixture
def app(demo_app: NextApp, tmp_path: Path) -> HiveApp:
    return talk(demo_app(), tmp_path)


async def search(pilot: Pilot[None], text: str, *keys: str) -> SearchScreen:
    await after("ctrl+f")(pilot)
    await pilot.press(*(key if key != " " else "space" for key in text), "enter")
    await settled(pilot)
    await after(*keys)(pilot)
    assert isinstance(pilot.app.screen, SearchScreen)
    return pilot.app.screen


def rows(screen: SearchScreen) -> list[tuple[str, ...]]:
    return [tuple(cell.text for cell in row.cells) for row in screen.query_one(KeyedTable).rows]


def drawn(screen: SearchScreen, name: str) -> str:
    return str(screen.query_one(f"#{name}", Steady).render())


async def test_what_was_said_is_found_while_it_is_typed_and_read_around(app: HiveApp):
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await search(pilot, "quillmere_cents")
        assert {row[0] for row in rows(screen)} == {"shop", "library"} and len(rows(screen)) == 4
        assert app.focused is screen.query_one(KeyedTable)
        assert "> " in drawn(screen, "passage-hit") and "4 places" in drawn(screen, "list-note")
        await search_for(pilot, "osprey_round @shop")
        assert [row[0] for row in rows(screen)] == ["shop"] and "only shop" in drawn(screen, "list-note")
        await after("enter")(pilot)
        assert screen.has_class(READING) and "never use floats" in drawn(screen, "passage-before")
        await after("escape")(pilot)
        assert not screen.has_class(READING) and app.focused is screen.query_one(KeyedTable)
        await after("escape")(pilot)
        assert isinstance(app.screen, AgentsScreen)
        await after("ctrl+f")(pilot)
        assert [row[0] for row in rows(screen)] == ["shop"], "what was found is still there"


async def search_for(pilot: Pilot[None], text: str) -> None:
    await after("slash")(pilot)
    pilot.app.screen.query_one(Input).value = text
    await after("enter")(pilot)


async def test_from_a_hit_the_agent_is_shown_or_woken(app: HiveApp, monkeypatch: pytest.MonkeyPatch):
    woken: list[str] = []
    async with app.run_test(size=(120, 40)) as pilot:
        monkeypatch.setattr(app.verbs, "wake", lambda agent: woken.append(agent.name))
        screen = await search(pilot, "shelf_017", "w")
        assert woken == ["library"] and [row[0] for row in rows(screen)] == ["library"]
        await search_for(pilot, "osprey_round")
        await after("w")(pilot)
        assert woken == ["library"], "shop is awake already"
        await after("o")(pilot)
        agents = app.screen
        assert isinstance(agents, AgentsScreen) and agents.selected is not None
        assert agents.selected.agent.name == "shop"


async def test_what_finds_nothing_says_so_and_a_damaged_index_says_what_helps(app: HiveApp):
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await search(pilot, "zebra")
        assert "Nothing is found for 'zebra'" in str(screen.query_one("#empty").render())
        screen.query_one(Input).value = "@nobody plum"
        await after("enter")(pilot)
        assert "No agent is called 'nobody'" in str(screen.query_one("#empty").render())
        app.hive.remembering.searching._index.path.write_bytes(b"no database" * 1000)
        screen.query_one(Input).value = "quillmere"
        await after("enter")(pilot)
        assert "search --rebuild" in drawn(screen, "list-note")
        screen.query_one(Input).value = ""
        await after("escape")(pilot)
        assert isinstance(app.screen, AgentsScreen)


@pytest.fixture
def meaning_app(tmp_path: Path, clock: FakeClock) -> Iterator[HiveApp]:
    """All that was said has vectors."""
    with embedding() as embedder:
        wanted = VectorSettings(embedder.url, "small")
        hive = new_hive(tmp_path / "home", clock, Settings(vectors=wanted))
        app = talk(new_app(hive, clock), tmp_path)
        remembering = hive.remembering
        remembering.indexing.catch_up()
        vectors, index = Vectors(hive.home / "vectors.db"), remembering._index()
        for agent in hive.database.read(agent_store.everyone):
            ids, texts = newest_texts(index, agent.id, wanted)
            if ids:
                made = remembering.embeddings().embed(list(texts.values()))
                vectors.begin("small", made.dimensions)
                vectors.place(agent.id, ids, index.identity())
                vectors.put(agent.id, zip(ids, ids.values(), made.vectors, strict=True))
        yield app
        hive.close()


async def test_what_means_the_same_is_found_and_says_so(meaning_app: HiveApp):
    async with meaning_app.run_test(size=(80, 24)) as pilot:
        screen = await search(pilot, "decimals for expenses")
        assert rows(screen)[0][0] == "shop" and rows(screen)[0][3].startswith("by meaning · Please keep the prices")
        assert "found by meaning" in drawn(screen, "passage-title")
        await search_for(pilot, "quillmere_cents expenses")
        assert not rows(screen)[0][3].startswith("by meaning"), "what has the identifier stays first"
        await search_for(pilot, '"expenses"')
        assert rows(screen) == [], "only the word"


async def test_enter_leads_to_the_list_also_where_the_search_is_overtaken(
    meaning_app: HiveApp, monkeypatch: pytest.MonkeyPatch
):
    async with meaning_app.run_test(size=(80, 24)) as pilot:
        await after("ctrl+f")(pilot)
        screen = meaning_app.screen
        assert isinstance(screen, SearchScreen)
        finding, begun, go_on = meaning_app.hive.remembering.finding, Event(), Event()
        ask = finding.find

        def slow(text: str, *, exact: bool = False) -> FindingsView:
            begun.set()
            assert go_on.wait(20)
            return ask(text, exact=exact)

        monkeypatch.setattr(type(finding), "find", lambda _, text, **how: slow(text, **how))
        box = screen.query_one(Input)
        box.value = "decimals for expenses"
        await pilot.press("enter")
        await until(pilot, begun.is_set)
        screen.find(box.value)  # as at the end of the reading that began with the screen
        go_on.set()
        await settled(pilot)
        assert rows(screen)[0][3].startswith("by meaning") and meaning_app.focused is screen.query_one(KeyedTable)
        await screen.catch_up().wait()
        await settled(pilot)
        assert meaning_app.focused is screen.query_one(KeyedTable), "the list was there all the time"


@pytest.mark.parametrize("size", ["narrow"])
def test_how_a_search_by_meaning_looks(snap_compare: Any, meaning_app: HiveApp, size: str):
    async def run(pilot: Pilot[None]) -> None:
        await search(pilot, "decimals for expenses")

    assert snap_compare(meaning_app, terminal_size=SIZES[size], run_before=run)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", ["found", "read", "nothing"])
def test_how_a_search_looks(snap_compare: Any, app: HiveApp, state: str, size: str):
    async def run(pilot: Pilot[None]) -> None:
        if state == "nothing":
            await after("ctrl+f")(pilot)
        else:
            await search(pilot, "quillmere_cents", *(("enter",) if state == "read" else ("j",)))

    assert snap_compare(app, terminal_size=SIZES[size], run_before=run)
