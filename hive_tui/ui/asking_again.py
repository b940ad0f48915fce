"""A wake that a person has asked for and that needs one more yes: the person is asked, and not sent to a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from hive_tui.domain.events import Event, EventKind

if TYPE_CHECKING:
    from hive_tui.domain.agents import Agent
    from hive_tui.ui.app import HiveApp


class AskingAgain:
    """Knows whose wakes were asked for here; the heartbeat, which may be another process, says what is against one."""

    def __init__(self, app: HiveApp) -> None:
        self._app = app
        self._asked: set[str] = set()
        self._waiting: list[Event] = []

    def note(self, agent_id: str) -> None:
        """Whoever sits here is about to ask for a wake of it. From any thread."""
        self._asked.add(agent_id)

    def take(self, events: list[Event]) -> list[Event]:
        """Those that are questions to whoever sits here; each wake is asked about once."""
        found = [one for one in events if one.payload.get("asks") and one.agent_id in self._asked]
        over = [one for one in events if one.kind is EventKind.WAKEUP_COMPLETED]
        self._asked -= {str(one.agent_id) for one in (*found, *over)}
        return found

    def ask(self, events: list[Event]) -> None:
        """One question, however many agents they and those before them are about.

        Not while another dialog is open: what is typed there must not be an answer.
        """
        self._waiting += events
        if self._waiting and not isinstance(self._app.screen, ModalScreen):
            events, self._waiting = self._waiting, []
            self._app.run_worker(self._ask(events), group="asking again")

    async def _ask(self, events: list[Event]) -> None:
        from hive_tui.domain.budget import price_in_words
        from hive_tui.store import agents as agent_store
        from hive_tui.ui.dialogs import Confirm

        hive = self._app.hive

        def read() -> tuple[list[Agent], list[str]]:
            agents = [hive.database.read(agent_store.get, str(one.agent_id)) for one in events]
            prices = [hive.spending.budgets.wake_price(agent) for agent in agents]
            lines = [
                f"{one.payload['asks']}" + (f" {price_in_words(price)}" if price else "")
                for one, price in zip(events, prices, strict=True)
            ]
            return agents, lines

        agents, lines = await self._app.in_thread(read)
        if isinstance(self._app.screen, ModalScreen):
            self._waiting += events
            return

        def answered(yes: bool | None) -> None:
            for agent, event in zip(agents, events, strict=True) if yes else ():
                self._app.verbs.wake_all_the_same(agent, str(event.payload["wakeup_id"]))

        question = f"Wake {'it' if len(agents) == 1 else 'them'} all the same?"
        self._app.push_screen(Confirm(question, lines, "Wake"), answered)
