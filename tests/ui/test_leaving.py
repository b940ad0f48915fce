"""Leaving stops what is in flight in good order, and leaves nothing half done."""

import pytest

from hive_tui.domain.agents import Lifecycle
from hive_tui.store import journal
from hive_tui.ui.answering import Silent
from hive_tui.ui.app import HiveApp
from hive_tui.ui.dialogs import Confirm, Form
from tests.stage import Stage
from tests.ui.held import held_at
from tests.ui.test_dashboard import dashboard, shown, shows, toasts, until


def busy(app: HiveApp) -> bool:
    return app.is_busy


async def test_quitting_during_a_nap_asks_stops_it_and_leaves_the_agent_running(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    with held_at("looking again") as held:
        async with dashboard(stage) as (app, pilot):
            await until(pilot, lambda: shown(app))
            await pilot.press("z")
            await until(pilot, held.reached.is_set)
            assert busy(app)
            for worker in app.workers:
                if worker.group == "verbs":
                    worker.cancel()
            await pilot.pause()
            assert busy(app), "the work runs on, although nobody waits for it any more"
            await pilot.press("q")
            await until(pilot, lambda: shows(app, Confirm))
            await pilot.press("y")
            await until(pilot, lambda: app._exit)
            assert not busy(app)
    assert stage.look().process == agent.process and stage.look().lifecycle is Lifecycle.AWAKE
    assert stage.hive.database.read(journal.operations) == []
    assert not list((stage.home / "checkpoints").rglob("*.tmp"))


async def test_ctrl_c_closes_a_dialog_and_then_leaves(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        for key in ("n", "m", "question_mark", "ctrl+p"):
            before = app.screen
            await pilot.press(key)
            await until(pilot, lambda before=before: app.screen is not before)
            await pilot.press("ctrl+c")
            await until(pilot, lambda before=before: app.screen is before)
        assert not app._exit
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app._exit)


async def test_a_form_keeps_what_was_filled_in_and_says_in_it_what_went_wrong(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage, size=(80, 24)) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("n")
        await until(pilot, lambda: shows(app, Form))
        form = app.screen

        def said() -> str:
            return str(form.query_one("#form-error").render())

        fields = {name: form.query_one(f"#field-{name}") for name in ("name", "folder", "command")}
        for name, value in (("name", "shop"), ("folder", "/no/such/folder"), ("command", "sleep 600")):
            fields[name].value = value  # type: ignore[attr-defined]
        fields["command"].focus()
        app.notify("something else was said meanwhile")
        await pilot.press("enter")
        await until(pilot, lambda: "taken by another agent" in said())
        fields["name"].value = "other"  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: "There is no folder /no/such/folder" in said())
        assert app.screen is form and fields["command"].value == "sleep 600"  # type: ignore[attr-defined]
        assert not toasts(app), "a dialog is not covered"
        await pilot.press("escape")
        await until(pilot, lambda: toasts(app) == ["something else was said meanwhile"])


class Reading(Silent):
    """Answers a program that reads."""

    is_busy = True


class Acting(Reading):
    """Does what a program asked for."""

    is_acting = True


@pytest.mark.parametrize(("answering", "asks"), [(Reading(), False), (Acting(), True)])
async def test_only_an_action_of_a_program_is_a_reason_to_stay(stage: Stage, answering: Silent, asks: bool):
    app = HiveApp(stage.new_hive(), answering=answering)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.view is not None and app.view.has_looked)
        await pilot.press("q")
        await until(pilot, lambda: shows(app, Confirm) if asks else app._exit)
        assert app._exit is not asks
    assert app.is_stuck, "the interpreter would wait for either"
