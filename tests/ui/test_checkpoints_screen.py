"""The Checkpoints screen and the page of generations, with real checkpoints."""

from textual.widgets import Input, Static

from hive_tui.domain.agents import Lifecycle
from hive_tui.ui.dialogs import Confirm, Form
from hive_tui.ui.widgets.job_bar import JobBar
from hive_tui.ui.widgets.steady import Steady
from tests.stage import Stage
from tests.ui.held import held_at
from tests.ui.test_dashboard import dashboard, is_done, shown, shows, toasts, until


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
        details = app.screen.query_one("#found Steady", Steady)
        await until(pilot, lambda: "+ new.txt  500 B" in str(details.render()))
        assert "conversation: 2 -> 4 messages (+2)" in str(details.render())
        for key, step in (("d", "comparing"), ("enter", "comparing the workspace")):
            with held_at(step) as held:
                await pilot.press(key)
                await until(pilot, held.reached.is_set)
                assert "compare shop (x cancels): " in str(app.screen.query_one(JobBar).render())
                await pilot.press("x")
                await until(pilot, lambda: "Stopped: nothing was compared." in str(details.render()))
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


async def test_the_catalog_can_be_marked_compared_proven_exported_deleted_imported_and_pruned(stage: Stage):
    folder = stage.repository("shop")
    stage.agent_in_shell("shop", folder=folder)
    for text in ("one", "two", "three"):
        (folder / "kept.txt").write_text(text)
        stage.json("checkpoint", "shop")
    target = stage.folder / "out.tar.zst"
    async with dashboard(stage) as (app, pilot):
        await pilot.press("3")
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["0", "1", "2"])
        found = app.screen.query_one("#found Steady", Steady)
        await pilot.press("space", "d")
        await until(pilot, lambda: any("Mark two checkpoints of one agent" in said for said in toasts(app)))
        await pilot.press("down", "space", "d")
        await until(pilot, lambda: "From generation 2 to 0" in str(found.render()))
        assert "kept.txt" in str(found.render())

        await pilot.press("escape", "g", "D")
        await until(pilot, lambda: any("proven generation 0 of shop" in said for said in toasts(app)))
        await until(pilot, lambda: shown(app)[0][3].startswith("✓ proven"))

        await pilot.press("end", "E")
        await until(pilot, lambda: shows(app, Form))
        app.screen.query_one(Input).value = str(target)
        await pilot.press("enter")
        await until(pilot, lambda: any("was written" in said for said in toasts(app)) and target.exists())
        await until(pilot, lambda: not isinstance(app.screen, Form))

        await pilot.press("X", "y")
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["0", "1"])
        await until(pilot, lambda: is_done(app))
        await pilot.press("u")
        await until(pilot, lambda: any("Cannot undo the deletion" in said for said in toasts(app)))
        await pilot.press("I")
        await until(pilot, lambda: shows(app, Form))
        app.screen.query_one(Input).value = str(target)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: any("It is generation 2 of shop now" in said for said in toasts(app)))
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["0", "1", "2"])

        await pilot.press("end", "X", "y")
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["0", "1"])
        await pilot.press("I")
        await until(pilot, lambda: shows(app, Form))
        app.screen.query_one(Input).value = str(target)
        app.screen.query_one("#field-agent", Input).value = "copied"
        await pilot.press("enter", "enter")
        await until(pilot, lambda: shows(app, Confirm))
        assert "A wake of copied will run" in str(app.screen.query_one("#dialog-text", Static).content)
        await pilot.press("y")
        await until(pilot, lambda: any("It is generation 0 of copied now" in said for said in toasts(app)))
        await until(pilot, lambda: len(shown(app)) == 3)

        await pilot.press("C")
        await until(pilot, lambda: any("Nothing to prune: all 3 checkpoints" in said for said in toasts(app)))
        await pilot.press("S")
        await until(pilot, lambda: any("No second place is set." in said for said in toasts(app)))


async def test_o_restores_the_workspace_alone_and_says_before_what_will_become_of_the_agent(stage: Stage):
    folder = stage.repository("shop")
    pane_id = stage.agent_in_shell("shop", folder=folder)
    (folder / "kept.txt").write_text("as it was\n")
    stage.json("checkpoint", "shop")
    stage.say(pane_id, "something new")
    (folder / "kept.txt").write_text("spoilt\n")
    async with dashboard(stage, size=(80, 24)) as (app, pilot):
        await pilot.press("3")
        await until(pilot, lambda: len(shown(app)) == 1 and "git main" in shown(app)[0][-1])
        await pilot.press("o", "w")
        await until(pilot, lambda: shows(app, Confirm))
        said = str(app.screen.query_one("#dialog-text", Static).content)
        assert "shop is put to sleep for it and woken again afterwards." in said
        assert "A safety checkpoint of what is there now is taken first; u goes back to it." in said
        assert "conversation:" not in said
        await pilot.press("y")
        await until(pilot, lambda: (folder / "kept.txt").read_text() == "as it was\n")
        await until(pilot, lambda: any("(workspace only)" in one for one in toasts(app)))
        await until(pilot, lambda: stage.look("shop").lifecycle is Lifecycle.AWAKE)
        await until(pilot, lambda: not (app.verbs.doing.is_busy or app.verbs.jobs.running))
        agent_id = stage.look("shop").id
        await until(pilot, lambda: not stage.hive.locks.held_agents([agent_id]))
        with stage.hive.locks.agent(agent_id, purpose="test"):
            await pilot.press("u")
            await until(pilot, lambda: any("works on this agent" in one for one in toasts(app)))
        for answer in ("n", "y"):  # neither a refusal nor a no takes the way back
            await pilot.press("u")
            await until(pilot, lambda: shows(app, Confirm))
            asked = str(app.screen.query_one("#question", Static).content)
            assert asked == "Restore only the workspace of shop to generation 0?", "what was left alone stays so"
            await pilot.press(answer)
            await until(pilot, lambda: not shows(app, Confirm))
        await until(pilot, lambda: (folder / "kept.txt").read_text() == "spoilt\n")
    assert "something new" in stage.history(pane_id)
