"""Builds the pane of an agent again after it was closed, or after its tmux server died."""

import sqlite3

from msgspec import structs

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.agents import Agent, Hosting, PaneRef
from hive_tui.domain.errors import TmuxDown, WakeFailed
from hive_tui.domain.panes import Pane, PaneList, SavedSession
from hive_tui.domain.ports import Clock, Layouts, Panes, Processes
from hive_tui.services.ending import AGENT_OPTION, WAKEUP_OPTION, make_card, sleeping_card
from hive_tui.services.shell_pane import ShellPane
from hive_tui.store import agents as agent_store
from hive_tui.store import settings
from hive_tui.store.database import Database

FALLBACK_SESSION = "hive"
CARD_S = 3.0


class PaneBuilder:
    """Builds what is missing from the saved layouts; touches no pane that is there."""

    def __init__(self, database: Database, panes: Panes, layouts: Layouts, processes: Processes, clock: Clock) -> None:
        self._database = database
        self._layouts = layouts
        self._panes = panes
        self._processes = processes
        self._clock = clock

    def listed(self) -> PaneList:
        """All panes; none where no server runs."""
        try:
            return self._panes.list()
        except TmuxDown:
            return PaneList("", ())

    def build(self, agent: Agent) -> Agent:
        """A pane for the agent: where it stood, if a layout with it was kept, else in a window of its own."""
        pane_id = self._rebuild_window(agent)
        if pane_id is None:
            session = next((pane.session_name for pane in self.listed().panes), FALLBACK_SESSION)
            pane_id = self._layouts.open_pane(session=session, window=agent.name, cwd=agent.cwd, command=None, env={})
        return self.hand_over(agent, pane_id)

    def rebuild_session(self, session: SavedSession, server: str) -> dict[str, str]:
        """Build what is missing of a saved session; maps the old pane ids to the new ones."""
        return self._layouts.rebuild(session, server)

    def hand_over(self, agent: Agent, pane_id: str) -> Agent:
        """Give a pane that was just built to the agent.

        One whose own command was the agent shows a card until it is respawned. In
        the others a shell waits, and since nobody can have typed anything yet, this
        is the moment to learn how its empty prompt looks.
        """
        self._panes.set_options(pane_id, {AGENT_OPTION: agent.id, WAKEUP_OPTION: None})
        prompt = None
        if agent.hosting is Hosting.COMMAND:
            make_card(self._panes, pane_id, sleeping_card(agent), self._clock)
            wait_until(lambda: self._pane(pane_id).is_dead, timeout_s=CARD_S, clock=self._clock)
        else:
            prompt = ShellPane(pane_id, self._panes, self._processes, self._clock).settled_prompt()
        pane = self._pane(pane_id)
        return self._database.write(_give, agent, pane.ref, prompt.to_text() if prompt else None)

    def _rebuild_window(self, agent: Agent) -> str | None:
        if agent.pane is None:
            return None
        for saved in self._database.read(settings.topologies):
            for session in saved.sessions if saved.server == agent.pane.server else ():
                for window in session.windows:
                    if any(pane.pane_id == agent.pane.pane_id for pane in window.panes):
                        built = self._layouts.rebuild(SavedSession(session.name, (window,)), saved.server)
                        pane_id = built.get(agent.pane.pane_id)
                        is_there = any(pane.id == pane_id for pane in self.listed().panes)
                        return pane_id if is_there else None
        return None

    def _pane(self, pane_id: str) -> Pane:
        pane = next((pane for pane in self._panes.list().panes if pane.id == pane_id), None)
        if pane is None:
            raise WakeFailed(f"The pane {pane_id} that was just built is gone again.", hint="Does its shell start?")
        return pane


def _give(db: sqlite3.Connection, agent: Agent, ref: PaneRef, prompt: str | None) -> Agent:
    given = structs.replace(agent_store.get(db, agent.id), pane=ref, prompt=prompt)
    agent_store.put(db, given)
    return given
