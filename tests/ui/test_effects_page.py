"""Side effects on the dashboard: below the tasks of an agent, and asked about where nobody knows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from hive_tui.domain.effects import EffectKind, EffectState, Ending, NewEffect
from hive_tui.domain.processes import ProcessId
from hive_tui.hive import Hive
from hive_tui.services.effect_views import EffectsView
from hive_tui.store import effects as store
from hive_tui.ui.app import HiveApp
from hive_tui.ui.dialogs import Choice
from hive_tui.ui.effect_rows import effect_lines
from hive_tui.ui.widgets.side import TASKS
from tests.builders import NOON
from tests.services.effect_values import an_open_effect
from tests.stage import Stage
from tests.ui.invented import with_tasks
from tests.ui.test_dashboard import dashboard, page_text, shown, shows, toasts, until
from tests.ui.test_snapshots import SIZES, NextApp, after

DEAD = ProcessId(2**22 + 1, 1)


def leave(hive: Hive, agent_id: str | None, key: str, what: str, ending: Ending | None, **changes: Any) -> None:
    """An effect as it stands in the log."""
    new = NewEffect(key, EffectKind.COMMAND, "production", {"what": what}, what, agent_id)
    began = hive.clock.now() - timedelta(minutes=12)
    effect = hive.database.write(store.begin, replace(new, **changes), DEAD, now=began)
    hive.database.write(store.set_child, effect, DEAD)
    if ending is not None:
        hive.database.write(store.end, effect, ending, now=hive.clock.now())


UNKNOWN = Ending(EffectState.UNKNOWN, "it was ended by SIGKILL", -9)


def test_state_and_why_stand_with_each_effect_and_no_line_is_too_long():
    done = an_open_effect("deploy-1", state=EffectState.DONE, shown="make deploy")
    unknown = an_open_effect("deploy-2", state=EffectState.UNKNOWN, error="it was cut off", shown="make " + "x" * 90)
    lines = effect_lines(EffectsView(NOON + timedelta(minutes=3), (unknown, done)), 50)
    text = [line.plain for line in lines]
    assert text[1].startswith("? unknown make xxx")
    assert text[2:4] == ["          3m ago · key deploy-2 · somewhere", "          it was cut off"]
    assert text[4] == "✓ done    make deploy"
    assert text[-1] == "E says what has become of those with a ?."
    assert max(line.cell_len for line in lines) <= 50


async def test_E_asks_what_has_become_of_an_effect_and_writes_the_answer_down(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("E")
        await until(pilot, lambda: "There is no side effect of shop that nobody knows the end of." in toasts(app))
        leave(stage.hive, agent.id, "deploy-1", "make deploy", UNKNOWN)
        leave(stage.hive, None, "tweet-1", "post it", UNKNOWN)
        await pilot.press(*["right_square_bracket"] * 3)
        await until(pilot, lambda: "? unknown make deploy" in page_text(app, TASKS))
        await pilot.press("E")
        await until(pilot, lambda: shows(app, Choice))
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, Choice) and "post it" in app.screen._question)
        await pilot.press("l")
        await until(pilot, lambda: not isinstance(app.screen, Choice))
        await app.run_action("effects")
        await until(pilot, lambda: shows(app, Choice))
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, Choice) and "Has this happened" in app.screen._question)
        await pilot.press("n")
        await until(pilot, lambda: any("has not happened; the same key does it again" in said for said in toasts(app)))
        states = {one.key: one.state for one in stage.hive.database.read(store.everything)}
        assert sorted(states.values()) == [EffectState.FAILED, EffectState.UNKNOWN]


def filled(app: HiveApp) -> HiveApp:
    """Some of each kind."""
    hive = app.hive
    agent = next(one for one in app.observation.agents if one.name == "bakery")  # type: ignore[union-attr]
    leave(hive, agent.id, "deploy-7", "make deploy TO=production", UNKNOWN)
    leave(hive, agent.id, "deploy-6", "make deploy TO=staging", Ending(EffectState.DONE, exit_code=0))
    failed = Ending(EffectState.FAILED, "it ended with exit code 2", 2)
    leave(hive, agent.id, "release-1.0", "gh release create v1.0 --notes-file CHANGES.md", failed, target="github")
    return with_tasks(app)


@pytest.mark.parametrize("size", SIZES)
def test_the_page_of_tasks_and_effects(snap_compare: Any, demo_app: NextApp, size: str):
    keys = ["right_square_bracket"] * (4 if size == "narrow" else 3)
    assert snap_compare(filled(demo_app()), terminal_size=SIZES[size], run_before=after(*keys))


@pytest.mark.parametrize("size", ["narrow", "usual"])
def test_the_question_what_has_become_of_an_effect(snap_compare: Any, demo_app: NextApp, size: str):
    async def ask(pilot: Pilot[None]) -> None:
        await after()(pilot)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choice))
        await pilot.pause()

    assert snap_compare(filled(demo_app()), terminal_size=SIZES[size], run_before=ask)
