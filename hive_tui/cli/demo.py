"""The command `demo`: the dashboard on a stage of its own."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hive_tui.adapters.clock import SystemClock
from hive_tui.cli.context import named_options
from hive_tui.cli.dashboard import leave_behind, need_terminal
from hive_tui.demo.departure import Departure
from hive_tui.demo.script import load
from hive_tui.demo.stage import DemoStage

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp


@click.command()
@click.option("--story", type=click.Path(path_type=Path), hidden=True, help="Another story; for tests.")
def demo(story: Path | None) -> None:
    """The dashboard on a private tmux server, with four small scripted agents.

    They live through a nap, a wake, a retry, a usage limit and a damaged checkpoint within
    about a minute; then they are yours to play with. Nothing of yours is touched, and
    nothing is left when you quit.
    """
    need_terminal()
    if ignored := named_options(click.get_current_context()):
        click.echo(f"Note: the demo has a hive of its own, so that {ignored} does nothing here.", err=True)
    script = load(story)
    with Departure(SystemClock()) as departure:
        with DemoStage(script) as stage:
            from hive_tui.ui.app import HiveApp
            from hive_tui.ui.mishaps import last_words

            app = HiveApp(stage.hive, guide=stage.story)
            broken = last_words(app)
            stage.story.start()
            try:
                asyncio.run(_show(app, stage, departure))
            finally:
                departure.screen_is_down()
        click.echo("The demo is over, and nothing of it is left.", err=True)
    if error := broken():
        raise error
    code = 128 + departure.number if departure.number else 0
    leave_behind(app.is_busy or app.is_stuck, code)
    if code:
        raise SystemExit(code)


async def _show(app: "HiveApp", stage: DemoStage, departure: Departure) -> None:
    loop = asyncio.get_running_loop()

    def ask() -> None:
        stage.end_server()
        loop.call_soon_threadsafe(app.exit)

    departure.screen_is_up(ask=ask, clear_away=stage.clear_away)
    await app.run_async()
