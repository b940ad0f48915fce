"""Hears what agents report by escape sequences, which tmux itself does not keep: an ear in each of their sessions."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count

from hive_tui.adapters.tmux.connection import Lost
from hive_tui.adapters.tmux.control import OBSTACLES, ControlClient
from hive_tui.adapters.tmux.ear import Ear
from hive_tui.domain.agents import PaneRef
from hive_tui.domain.errors import TmuxError
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Clock
from hive_tui.domain.terminal import Heard

MOST_SESSIONS = 12
RETRY_S = 60.0
PATIENCE_S = 2.5
STOP_S = 4.0


class Hearing:
    """Ears come and go in a thread of its own, so that nobody waits for tmux.

    There are ears only while the standing client is connected: see `Ear` for why.

    Args:
        client: The standing client; its listener is told of changes.
        clock: Time of reports and of retries.
    """

    def __init__(self, client: ControlClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._server = ""
        self._wanted: Mapping[str, frozenset[str]] = {}
        self._ears: Mapping[str, Ear] = {}
        self._retry_at: dict[str, float] = {}
        self._asked = threading.Event()
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._numbers = count(1)
        self.changes = 0
        """Another number whenever a report says something new."""

    def follow(self, panes: Sequence[Pane]) -> None:
        """Hear these panes, all of one server, from now on, and no others."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for pane in panes:
            wanted[pane.session_id].add(pane.id)
        server = panes[0].ref.server if panes else ""
        listed = {session: frozenset(wanted[session]) for session in sorted(wanted)[:MOST_SESSIONS]}
        if not listed and self._thread is None:
            return
        self._server, self._wanted = server, listed
        if self._thread is None and not self._is_closed:
            self._thread = threading.Thread(target=self._work, name="tmux-hearing", daemon=True)
            self._thread.start()
        self._asked.set()

    def of_pane(self, pane: PaneRef) -> Heard | None:
        """What was reported in the pane; None where nobody listens."""
        if pane.server != self._server:
            return None
        found = (ear.heard(pane.pane_id) for ear in self._ears.values())
        return next((heard for heard in found if heard is not None), None)

    def close(self) -> None:
        """End all clients for good."""
        self._is_closed = True
        self._asked.set()
        if self._thread is not None:
            self._thread.join(STOP_S)

    def _work(self) -> None:
        server = ""
        while not self._is_closed:
            self._asked.wait()
            self._asked.clear()
            if server != self._server:
                self._keep({})
            server = self._server
            wanted = self._wanted if self._client.is_connected and not self._is_closed else {}
            self._keep({session: ear for session, ear in self._ears.items() if session in wanted and not ear.lost})
            for session, pane_ids in wanted.items():
                self._attend(session, pane_ids)
        self._keep({})

    def _keep(self, ears: Mapping[str, Ear]) -> None:
        """Go on with these; the others are closed."""
        left, self._ears = self._ears, ears
        for session, ear in left.items():
            if session not in ears:
                ear.close()
                self.changes = next(self._numbers)  # what it has heard is not known any more

    def _attend(self, session: str, pane_ids: frozenset[str]) -> None:
        try:
            ear = self._ears.get(session) or self._new(session, pane_ids)
            if ear is not None:
                ear.attend(pane_ids, PATIENCE_S)
        except (Lost, OSError, TmuxError, ValueError):
            self._retry_at[session] = self._clock.monotonic() + RETRY_S

    def _new(self, session: str, pane_ids: frozenset[str]) -> Ear | None:
        """An ear in the session; None while there may be none. What was reported before it came is not known."""
        if self._clock.monotonic() < self._retry_at.get(session, 0.0):
            return None
        formats = " ".join(f"#{{{name}}}" for name in OBSTACLES)
        [said] = self._client.run(["display-message", "-p", "-t", f"{session}:", formats])
        if any(value not in ("0", "off") for value in said.split()):
            self._retry_at[session] = self._clock.monotonic() + RETRY_S
            return None
        client = ["tmux", "-N", "-u", *self._client.socket_arguments, "-C", "attach-session", "-E", session]
        ear = Ear(client, pane_ids, formats, lambda: self._clock.now().timestamp(), self._note)
        try:
            ear.begin(PATIENCE_S)
        except Lost:
            ear.close()
            raise
        self._ears = {**self._ears, session: ear}
        return ear

    def _note(self) -> None:
        self.changes = next(self._numbers)
        with suppress(RuntimeError):  # whoever listens has ended
            self._client.listener()
