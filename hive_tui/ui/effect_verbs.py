"""Asks a person what has become of side effects that were cut off."""

from typing import TYPE_CHECKING

from hive_tui.domain.agents import Agent
from hive_tui.domain.effects import Effect
from hive_tui.domain.errors import HiveError
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.services import effect_views
from hive_tui.ui.dialogs import Choice
from hive_tui.ui.doing import Done
from hive_tui.ui.effect_rows import question
from hive_tui.ui.verbs import YOU

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

KEYS = "123456789"
ANSWERS = (
    ("l", "leave", "Leave it open for now"),
    ("d", "done", "It has happened: it is never done again"),
    ("n", "not-done", "It has not happened: the same key does it again"),
)
"""The first one has the focus: Enter by accident changes nothing."""


def ask_effects(app: "HiveApp", agent: Agent | None = None) -> None:
    """Ask about one that nobody knows the end of: of an agent or of nobody, or with no agent given of all."""

    async def ask() -> None:
        try:
            found = await app.in_thread(lambda: effect_views.unknown(app.hive.database))
        except HiveError as error:
            app.toast_error(error)
            return
        if agent is not None:
            found = [one for one in found if one.agent_id in (agent.id, None)]
        if not found:
            whose = f" of {agent.name}" if agent else ""
            app.notify(f"There is no side effect{whose} that nobody knows the end of.")
            return
        one = await _chosen(app, found)
        if one is not None:
            answer = await app.push_screen_wait(Choice("\n".join(question(one)), ANSWERS))
            if answer in ("done", "not-done"):
                app.verbs.doing.press()
                _resolve(app, one, happened=answer == "done")

    app.run_worker(ask(), group="verbs")


async def _chosen(app: "HiveApp", found: list[Effect]) -> Effect | None:
    if len(found) == 1:
        return found[0]
    options = [(key, one.key, f"{one.shown}  ({one.key})") for key, one in zip(KEYS, found, strict=False)]
    chosen = await app.push_screen_wait(Choice("Of which one do you know what has become of it?", options))
    return next((one for one in found if one.key == chosen), None)


def _resolve(app: "HiveApp", one: Effect, *, happened: bool) -> None:
    def work(_: MeasuredProgress) -> Done:
        app.hive.effecting.log.resolve(one.key, happened=happened, actor=YOU)
        said = "has happened" if happened else "has not happened; the same key does it again"
        return Done(f"{one.key} {said}", refusal="what you have said of a side effect stays said.")

    app.verbs.doing.begin("", work, what=f"what has become of {one.key}")
