"""Hears what the panes of one session write, through a client of its own in control mode."""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hive_tui.adapters.tmux.client import Command
from hive_tui.adapters.tmux.connection import Connection
from hive_tui.adapters.tmux.replies import Notification
from hive_tui.domain.escapes import OscParser
from hive_tui.domain.terminal import Heard

FLAGS = "ignore-size,pause-after=2"
"""Of what is not read within two seconds tmux keeps no more for us: a flood, or a stop of ours, costs it nothing."""
REST_S = 0.05
"""Between two reads, so that many small writes are taken at once."""
OCTAL = re.compile(rb"\\([0-3][0-7]{2})")


@dataclass(slots=True)
class _Pane:
    parser: OscParser = field(default_factory=OscParser)
    heard: Heard = field(default_factory=Heard)


class Ear:
    """One client; of use until `lost` says why not.

    It never stops a pane from being read by tmux. Only a client that switches a pane off, or that reads too slowly
    where there is no other client, does that; the standing client without output that is there too prevents it.

    Args:
        arguments: The command line of the client; its last word is the session.
        pane_ids: What is heard from the first byte on.
        obstacles: Format of the options under which an attached client is no mere onlooker; none may be on.
        now_s: Seconds since the epoch.
        changed: Called in a thread of ours when a report says something else than the last one; must be quick.

    Raises:
        OSError: The client cannot be started.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        pane_ids: frozenset[str],
        obstacles: str,
        now_s: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self._obstacles = obstacles
        self._now_s = now_s
        self._changed = changed
        self._lock = threading.Lock()
        self._panes: Mapping[str, _Pane] = {pane_id: _Pane() for pane_id in pane_ids}
        self._strangers: set[str] = set()
        self._paused: set[str] = set()
        self._connection = Connection([*arguments[:-1], "-f", FLAGS, "-t", arguments[-1]], self._take, rest_s=REST_S)

    @property
    def lost(self) -> str:
        """Why it hears nothing any more; empty as long as it does."""
        return self._connection.lost

    def begin(self, timeout_s: float) -> None:
        """Wait until it is attached.

        Raises:
            Lost: It is not in time.
        """
        self._connection.await_session(timeout_s)
        self._connection.ask([["refresh-client", "-B", f"hive-ear::{self._obstacles}"]], timeout_s)

    def attend(self, pane_ids: frozenset[str], timeout_s: float) -> None:
        """Hear these panes; what others write is not sent any more.

        Raises:
            Lost: It is of no use any more.
        """
        self._panes = {pane_id: self._panes.get(pane_id) or _Pane() for pane_id in pane_ids}
        with self._lock:
            to_pause, to_go_on = self._strangers - pane_ids - self._paused, self._paused & pane_ids
            self._strangers.clear()
            # tmux tells only of the pauses that it makes by itself.
            self._paused = (self._paused | to_pause) - to_go_on
        wanted = {**dict.fromkeys(to_pause, "pause"), **dict.fromkeys(to_go_on, "continue")}
        commands: list[Command] = [["refresh-client", "-A", f"{pane}:{what}"] for pane, what in sorted(wanted.items())]
        if commands:
            self._connection.ask(commands, timeout_s)

    def heard(self, pane_id: str) -> Heard | None:
        """What was reported in a pane; None if that pane is not heard."""
        pane = None if self.lost else self._panes.get(pane_id)
        return pane.heard if pane is not None else None

    def close(self) -> None:
        """End the client."""
        self._connection.close()

    def _take(self, notification: Notification) -> None:
        """In the connection's thread."""
        pane_id, _, rest = notification.rest.partition(" ")
        if notification.name == "%extended-output":
            self._written(pane_id, rest.partition(" : ")[2])
        elif notification.name == "%output":
            self._written(pane_id, rest)
        elif notification.name == "%pause":
            with self._lock:
                self._paused.add(pane_id)
            self._miss(pane_id)
        elif notification.name == "%subscription-changed" and notification.rest.startswith("hive-ear "):
            values = notification.rest.partition(" : ")[2].split()
            if any(value not in ("0", "off") for value in values):
                self._connection.close("an option of tmux is on that makes it more than an onlooker")

    def _written(self, pane_id: str, text: str) -> None:
        pane = self._panes.get(pane_id)
        if pane is None:
            with self._lock:
                self._strangers.add(pane_id)
            return
        if not pane.parser.is_within and "\\033" not in text:
            return
        before = pane.heard
        for content in pane.parser.feed(unescaped(text)):
            pane.heard = pane.heard.after(content, self._now_s())
        if _meaning(pane.heard) != _meaning(before):
            self._changed()

    def _miss(self, pane_id: str) -> None:
        """Something was not sent, and it may have been a report."""
        pane = self._panes.get(pane_id)
        if pane is not None:
            pane.parser, pane.heard = OscParser(), Heard()
            self._changed()


def unescaped(text: str) -> bytes:
    """What a pane has written, of which tmux shows control characters and backslashes as octal numbers."""
    return OCTAL.sub(lambda found: bytes([int(found[1], 8)]), text.encode())


def _meaning(heard: Heard) -> tuple[object, ...]:
    return tuple(told and (told.activity, told.app) for told in (heard.status, heard.bar))
