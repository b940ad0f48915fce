"""The Metrics screen: what its keys do, what a plot shows and what it never shows, and how it looks."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain import metrics as known
from hive_tui.domain.figures import FIGURES, Curve, Figure, in_unit
from hive_tui.domain.usage import Spent, Tokens
from hive_tui.services.figures import FiguresReader, FiguresView, Span
from hive_tui.store import agents, ledger, metrics
from hive_tui.store.metrics import Addition
from hive_tui.ui.app import HiveApp
from hive_tui.ui.metric_plot import AXIS, GAP, LINE, MOST_ROWS, figure_rows, plot, scale
from hive_tui.ui.widgets.figure_plot import FigurePlot
from hive_tui.ui.widgets.keyed_table import KeyedTable
from tests.builders import an_ended_agent
from tests.ui.invented import settled
from tests.ui.measured import with_figures
from tests.ui.test_snapshots import SIZES, after

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
NextApp = Callable[[], HiveApp]
BY_KEY = {figure.key: figure for figure in FIGURES}


def curve_of(key: str, points: Sequence[float | None], whole: float | None = 1.0) -> tuple[FiguresView, Curve]:
    starts = tuple(NOON - timedelta(hours=len(points) - 1 - at) for at in range(len(points)))
    curve = Curve(BY_KEY[key], tuple(points), whole)
    return FiguresView(NOON, Span.DAY, None, (), starts, (curve,)), curve


def drawn(key: str, points: Sequence[float | None], width: int = 80, height: int = 12) -> list[str]:
    return plot(*curve_of(key, points), width, height).plain.splitlines()


def test_what_is_not_known_is_a_gap_and_what_is_0_is_none():
    lines = drawn("naps", [None, 0, 5, 2.5] * 6, width=AXIS + 24)
    floor = lines[-3][AXIS:]
    assert floor == (GAP + "───") * 6
    for at in range(24):
        column = "".join(line.ljust(AXIS + 24)[AXIS + at] for line in lines[1:-3])
        assert column.strip() == {0: "", 1: "", 2: "█" * 8, 3: "█" * 4}[at % 4]


def test_the_goal_is_a_line_and_stands_at_the_scale():
    lines = drawn("false", [0.0, 0.02, None, 0.08] * 6, width=AXIS + 72)
    [goal] = [line for line in lines if LINE in line]
    assert goal.startswith("≤ 5 %".rjust(AXIS - 1)) and goal.count("█") == 12, "two columns for each of six"
    assert "goal ≤ 5 %" in lines[0]


@pytest.mark.parametrize(
    ("key", "share_of", "value", "verdict"),
    [
        ("kept", 88.0, 2.6, None),  # the least ledger is larger than so short a conversation
        ("kept", 50_000.0, 0.26, False),
        ("kept", 50_000.0, 0.05, True),
        ("cpu", 0.2, 0.58, None),
        ("cpu", 60.0, 0.58, False),
        ("false", 1.0, 1.0, False),  # one wake is enough to be false
    ],
)
def test_a_goal_is_judged_only_where_there_is_enough_of_what_it_is_a_share_of(
    key: str, share_of: float, value: float, verdict: bool | None
):
    figure = BY_KEY[key]
    sums = dict.fromkeys(figure.below, 0.0) | {figure.below[0]: share_of}
    curve = Curve(figure, (value,), value, figure.is_judged(sums))
    assert curve.is_met is verdict
    mark = figure_rows(FiguresView(NOON, Span.DAY, None, (), (NOON,), (curve,)))[0].cells[2].text[0]
    assert mark == {None: " ", True: "✓", False: "✕"}[verdict]


def test_short_times_are_told_in_thousandths_of_a_second():
    latency = BY_KEY["latency"]
    assert [in_unit(value, latency.unit) for value in (0.0, 0.00382, 0.11, 4.0, 3_600.0)] == [
        "0 s", "3.8 ms", "0.11 s", "4 s", "3,600 s",
    ]  # fmt: skip


VALUES = st.one_of(st.none(), st.floats(0, 1e12), st.integers(0, 5).map(float))


@given(st.sampled_from(FIGURES), st.lists(VALUES, min_size=1, max_size=56), st.integers(20, 190), st.integers(8, 50))
def test_a_plot_fits_and_shows_everything_that_is_above_0(
    figure: Figure, points: list[float | None], width: int, height: int
):
    view, curve = curve_of(figure.key, points)
    lines = plot(view, curve, width, height).plain.splitlines()
    assert len(lines) == min(height, 4 + MOST_ROWS)
    assert all(len(line) <= max(width, AXIS + 1) for line in lines[1:-1])
    top = scale(points, figure)
    assert all(one is None or one <= top * (1 + 1e-6) for one in points)
    step = max(1, (width - AXIS) // len(points))
    shown = points[max(0, len(points) - (width - AXIS) // step) :]
    bottom = lines[-4].ljust(width)
    for at, one in enumerate(shown):
        has_block = bottom[AXIS + at * step] in "▁▂▃▄▅▆▇█"
        assert has_block == bool(one), (at, one)


async def test_keys_choose_the_figure_the_time_and_the_agent(demo_app: NextApp):
    app = with_figures(demo_app())
    async with app.run_test(size=(120, 40)) as pilot:
        await after("6")(pilot)

        def title() -> str:
            return str(app.screen.query_one(FigurePlot).render()).splitlines()[0]

        assert title().startswith("Asleep, all agents, last 24 hours")
        await after("w", "a")(pilot)
        assert title().startswith("Asleep, bakery, last 7 days")
        await after("d", "A", "A", "j", "j")(pilot)
        assert title().startswith("Read from cache, shop, last 24 hours")
        await after("a", "k")(pilot)
        assert title().startswith("Tokens sent, all agents")
        await settled(pilot)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", ["", "w", "wa", "jjjjjjjj"])
def test_how_the_metrics_look(snap_compare: Any, demo_app: NextApp, keys: str, size: str):
    assert snap_compare(with_figures(demo_app()), terminal_size=SIZES[size], run_before=after("6", *keys))


def test_how_the_metrics_look_without_colours(snap_compare: Any, demo_app: NextApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = with_figures(demo_app())
    assert snap_compare(app, terminal_size=SIZES["narrow"], run_before=after("6", "G"))


async def test_everything_is_on_a_small_screen(demo_app: NextApp):
    app = with_figures(demo_app())
    async with app.run_test(size=(80, 24)) as pilot:
        await after("6", "w")(pilot)
        strip = app.screen.query_one(FigurePlot)
        lines = str(strip.render()).splitlines()
        assert strip.region.bottom <= 23 and len(lines) == strip.content_size.height
        assert max(len(line) for line in lines) <= strip.content_size.width
        assert len(lines[-3]) == AXIS + 56, "all of the week"
        assert app.screen.query_one(KeyedTable).size.height >= 5


def test_hours_without_anybody_to_count_are_not_known_and_an_agent_shows_only_its_own(demo_app: NextApp):
    hive = demo_app().hive
    now = hive.clock.now()
    [ada, bob] = [f"00000000-0000-4000-8000-{number:012d}" for number in (1, 2)]
    added = [
        Addition(known.WATCHED_SECONDS.name, 100, now - timedelta(hours=2)),
        Addition(known.NAP.name, 3, now - timedelta(hours=2), ada),
        Addition(known.NAP.name, 4, now - timedelta(hours=1), bob),
        Addition(known.NAP.name, 50, now + timedelta(hours=3), bob),
        Addition(known.WAKE_JUDGED.name, 1, now, ada, "file,useful"),
    ]
    hive.database.write(metrics.add, added)
    view = FiguresReader(hive.database, hive.clock).view(Span.DAY)
    naps, false = (next(one for one in view.curves if one.figure.key == key) for key in ("naps", "false"))
    assert list(naps.points[-4:]) == [None, 3, 4, None] and naps.whole == 7
    assert list(false.points[-3:]) == [None, None, 0.0] and false.whole == 0.0
    duplicates, sent = (next(one for one in view.curves if one.figure.key == key) for key in ("duplicates", "sent"))
    assert duplicates.whole is None and sent.points[-3] == 0, "nobody looked; one that tells its tokens spent none"
    mute = an_ended_agent("mute", kind="aider", session_id="m")
    hive.database.write(agents.add, mute, now=now)
    its = {one.figure.key: one.whole for one in FiguresReader(hive.database, hive.clock).view(Span.DAY, mute.id).curves}
    assert (its["sent"], its["retries"]) == (None, 0), "its records tell no tokens"
    own = FiguresReader(hive.database, hive.clock).view(Span.WEEK, ada)
    assert next(one for one in own.curves if one.figure.key == "naps").whole == 3
    assert len(own.starts) == 56 and own.starts[-1] + timedelta(hours=3) > now


def test_tokens_come_from_the_ledger(demo_app: NextApp):
    hive = demo_app().hive
    at = hive.clock.now() - timedelta(hours=5)
    agent_id = "00000000-0000-4000-8000-000000000006"
    hive.database.write(ledger.add, agent_id, [Spent("k", at, Tokens(1, 20, 300, 4), "s", "m", 9)], now=at)
    view = FiguresReader(hive.database, hive.clock).view(Span.DAY, agent_id)
    found = {one.figure.key: one.points[-6] for one in view.curves}
    assert (found["sent"], found["output"]) == (321, 4) and found["cached"] == pytest.approx(300 / 321)
