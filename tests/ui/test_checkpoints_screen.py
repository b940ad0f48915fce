"""The Checkpoints screen and the page of generations, with real checkpoints."""

from hive_tui.ui.widgets.steady import Steady
from tests.stage import Stage
from tests.ui.test_dashboard import dashboard, shown, until


async def test_d_compares_a_checkpoint_with_the_one_before(stage: Stage):
    folder = stage.repository("shop")
    pane_id = stage.agent_in_shell("shop", folder=folder)
    stage.json("checkpoint", "shop")
    stage.say(pane_id, "more")
    (folder / "new.txt").write_text("n" * 500)
    stage.json("checkpoint", "shop")
    async with dashboard(stage) as (app, pilot):
        await pilot.press("3")
        await until(pilot, lambda: len(shown(app)) == 2)
        await pilot.press("d")
        details = app.screen.query_one("#attempts", Steady)
        await until(pilot, lambda: "+ new.txt  500 B" in str(details.render()))
        assert "conversation: 2 -> 4 messages (+2)" in str(details.render())
        await pilot.press("down", "d")
        await until(pilot, lambda: "The agent has no generation 2." in str(details.render()))


async def test_the_page_of_generations_says_what_a_restore_would_change(stage: Stage):
    folder = stage.repository("shop")
    stage.agent_in_shell("shop", folder=folder)
    stage.json("checkpoint", "shop")
    (folder / "new.txt").write_text("n" * 500)
    stage.json("checkpoint", "shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 1)
        await pilot.press("right_square_bracket", "right_square_bracket")
        page = app.screen.query_one("#page Steady", Steady)
        await until(pilot, lambda: "- new.txt  500 B" in str(page.render()))
        assert "A restore of generation 1 changes, counted from generation 0" in str(page.render())
