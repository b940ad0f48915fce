"""Restores: show what would change, ask, do it, and know the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.checkpoints import Checkpoint, previous
from hive_tui.domain.errors import Cancelled, HiveError, NotFound
from hive_tui.domain.events import Actor
from hive_tui.domain.ports import Progress
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.hive import Hive
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints as store
from hive_tui.ui.doing import Doing, Done

if TYPE_CHECKING:
    from hive_tui.services.restore_views import Part
    from hive_tui.ui.app import HiveApp
    from hive_tui.ui.undo import Deed


class Restoring:
    """Nothing is changed before the person has seen what would be, and has said yes."""

    def __init__(self, app: HiveApp, doing: Doing, hive: Hive, actor: Actor) -> None:
        self._app = app
        self._doing = doing
        self._hive = hive
        self._actor = actor

    def previous(self, agent: Agent) -> None:
        """To the generation before the one that the agent stands at."""

        def find() -> Checkpoint:
            now = self._hive.database.read(agent_store.get, agent.id)
            found = previous(self._hive.database.read(store.of_agent, agent.id), now.checkpoint_id)
            if found is None:
                hint = "c takes one now; 3 lists all, with their safety copies."
                raise NotFound(f"{agent.name} has no checkpoint that is older than where it stands.", hint=hint)
            return found

        self._ask(agent.id, find)

    def to(self, checkpoint: Checkpoint, only: Part | None = None) -> None:
        """To one checkpoint, or to a part of it alone."""
        self._ask(checkpoint.agent_id, lambda: checkpoint, only)

    def part_of(self, checkpoint: Checkpoint, name: str) -> None:
        """Ask for a part, and restore that alone."""
        from hive_tui.services.restore_views import Part
        from hive_tui.ui.dialogs import Choice

        options = [
            ("w", Part.WORKSPACE, "the workspace: files, branch and index"),
            ("c", Part.CONVERSATION, "the conversation"),
            ("s", Part.STREAMS, "the Redis streams"),
        ]

        def chosen(part: str | None) -> None:
            if part is not None:
                self._doing.press()
                self.to(checkpoint, Part(part))

        question = f"Restore which part of {name} to generation {checkpoint.generation}?"
        self._app.push_screen(Choice(question, options), chosen)

    def preview_lines(self, wanted: Checkpoint, progress: Progress, only: Part | None = None) -> list[str]:
        """What a restore would change. Blocks."""
        agent = self._hive.database.read(agent_store.get, wanted.agent_id)
        return self._hive.returning.restorer.preview(agent, wanted, progress, _parts(only)).lines()

    def _ask(self, agent_id: str, find: Callable[[], Checkpoint], only: Part | None = None) -> None:
        doing = self._doing
        undoes = doing.undoing

        async def run() -> None:
            from hive_tui.ui.dialogs import Confirm

            try:
                agent = await doing.in_background(lambda: self._hive.database.read(agent_store.get, agent_id))
                wanted = await doing.in_background(find)
                restorer = self._hive.returning.restorer
                await doing.in_background(lambda: restorer.refuse_early(agent, wanted, self._actor))
                compare = f"compare {agent.name}"
                lines = await doing.watched(
                    compare, agent_id, lambda progress: self.preview_lines(wanted, progress, only)
                )
            except Cancelled:
                doing.keep(undoes)
                self._app.notify("Stopped: nothing was changed")
            except HiveError as error:
                doing.keep(undoes)
                self._app.toast_error(error)
            else:
                what = f"only the {only} of {agent.name}" if only else agent.name
                question = f"Restore {what} to generation {wanted.generation}?"
                if await self._app.push_screen_wait(Confirm(question, [*lines, "", *course(agent)], "Restore")):
                    self._restore(agent, wanted, only, undoes)
                else:
                    doing.keep(undoes)

        self._app.run_worker(run(), group="verbs")

    def _restore(self, agent: Agent, wanted: Checkpoint, only: Part | None, undoes: Deed | None) -> None:
        def work(progress: MeasuredProgress) -> Done:
            try:
                result = self._hive.returning.restorer.restore(agent, wanted, self._actor, progress, _parts(only))
            except HiveError as error:
                raise self._with_what_became_of_it(agent, error) from error
            return Done(f"{result.sentence()} u goes back.", undo=lambda: self.to(result.safety, only))

        title, what = f"restore {agent.name}", f"the restore of {agent.name}"
        self._doing.begin(title, work, agent_id=agent.id, what=what, undoes=undoes)

    def _with_what_became_of_it(self, agent: Agent, error: HiveError) -> HiveError:
        """It may have been put to sleep for a restore that then came to nothing."""
        now = self._hive.database.read(agent_store.get, agent.id)
        if agent.lifecycle is Lifecycle.AWAKE and now.lifecycle is Lifecycle.ASLEEP:
            return HiveError(f"{error.what} {agent.name} was put to sleep for it.", hint=f"w wakes it. {error.hint}")
        return error


def _parts(only: Part | None) -> frozenset[Part]:
    from hive_tui.services.restore_views import EVERYTHING

    return EVERYTHING if only is None else frozenset({only})


def course(agent: Agent) -> list[str]:
    """What a restore does besides, and how it is taken back."""
    name = agent.name
    first = f"{name} is put to sleep for it and woken again afterwards." if agent.lifecycle is Lifecycle.AWAKE else ""
    safety = "A safety checkpoint of what is there now is taken first; u goes back to it."
    return [*([first] if first else []), safety]
