"""Builds sessions, windows and panes, with libtmux; used at launch, wake and recovery, never in a loop."""

import shlex
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, TypeVar

from hive_tui.adapters.tmux.client import TmuxClient, as_format
from hive_tui.domain.errors import TmuxDown, TmuxError, TmuxHung
from hive_tui.domain.panes import SavedPane, SavedSession, SavedWindow

if TYPE_CHECKING:
    from libtmux import Pane, Server, Session, Window

T = TypeVar("T")
_importing = threading.Lock()

BUILD_TIMEOUT_S = 60.0
REBUILT = "@hive_rebuilt"
"""Pane option: `<old server>/<old pane id>` of the pane that this one stands for."""


class LayoutBuilder:
    """Builds what is missing and never touches what is there."""

    def __init__(self, client: TmuxClient) -> None:
        self._client = client

    def open_pane(self, *, session: str, window: str, cwd: str, command: str | None, env: Mapping[str, str]) -> str:
        """A new window with one pane in that session, which is made if it is missing; its `%id`.

        The pane may be gone again by then, if its command ends at once.
        """
        where = ["-c", as_format(cwd), "-n", as_format(window), "-P", "-F", "#{pane_id}"]
        what = [*(word for name, value in env.items() for word in ("-e", f"{name}={value}"))]
        what += [command] if command is not None else []
        session_id = self._session_id(session)
        if session_id:
            # The trailing colon: the next free index of that session, and not a window of that name.
            [pane_id] = self._client.run(["new-window", "-d", "-t", f"{session_id}:", *where, *what])
        else:
            [pane_id] = self._client.run(["new-session", "-d", "-s", as_format(session), *where, *what])
        if command is None:
            self._client.run(["set-option", "-p", "-t", pane_id, REBUILT, "new"])
        return pane_id

    def _session_id(self, name: str) -> str:
        """Tmux's id of the session; a name like `$0` would be taken for one. Empty if there is no such session."""
        try:
            lines = self._client.run(["list-sessions", "-F", "#{session_id} #{session_name}"])
        except TmuxDown:
            return ""
        return next((line.split(" ", 1)[0] for line in lines if line.split(" ", 1)[1] == name), "")

    def rebuild(self, session: SavedSession, server: str) -> dict[str, str]:
        """Build what is missing of a saved session; maps the old pane ids to the new ones.

        Doing it again builds nothing twice: each pane carries the name of the one it stands for.
        """
        return _within(BUILD_TIMEOUT_S, lambda: self._rebuild(session, server))

    def _rebuild(self, saved: SavedSession, server: str) -> dict[str, str]:
        there = self._rebuilt_panes()
        mapped = {
            pane.pane_id: there[f"{server}/{pane.pane_id}"]
            for window in saved.windows
            for pane in window.panes
            if f"{server}/{pane.pane_id}" in there
        }
        for window in saved.windows:
            if not any(pane.pane_id in mapped for pane in window.panes):
                mapped |= self._build_window(saved.name, window, server)
        return mapped

    def _build_window(self, session_name: str, saved: SavedWindow, server: str) -> dict[str, str]:
        tmux = self._server()
        first, *rest = saved.panes
        session = self._session(tmux, session_name)
        if session is None:
            session = tmux.new_session(
                as_format(session_name),
                start_directory=as_format(first.cwd),
                window_name=as_format(saved.name),
                window_command=_shell(first),
                x=saved.width,
                y=saved.height,
            )
            window = session.active_window
            self._move(window, saved.index)
        else:
            window = session.new_window(
                as_format(saved.name),
                start_directory=as_format(first.cwd),
                window_shell=_shell(first),
                attach=False,
                window_index=self._free_index(session, saved.index),
            )
        panes: list[tuple[SavedPane, Pane]] = [(first, _pane_of(window))]
        for pane in rest:
            made = panes[-1][1].split(start_directory=as_format(pane.cwd), shell=_shell(pane), attach=False)
            panes.append((pane, made))
            # Splitting the same pane again and again runs out of room; even shares never do.
            window.select_layout("tiled")
        for pane, made in panes:
            made.cmd("set-option", "-p", REBUILT, f"{server}/{pane.pane_id}")
            if pane.is_active:
                made.cmd("select-pane")
        with suppress(Exception):  # a layout string that this tmux does not take leaves the panes tiled
            window.select_layout(saved.layout)
        if saved.is_active:
            window.cmd("select-window")
        return {pane.pane_id: _id_of(made) for pane, made in panes}

    def _rebuilt_panes(self) -> dict[str, str]:
        try:
            lines = self._client.run(["list-panes", "-a", "-F", f"#{{pane_id}} #{{{REBUILT}}}"])
        except TmuxDown:
            return {}
        pairs = (line.split(" ", 1) for line in lines)
        return {mark: pane_id for pane_id, mark in pairs if mark}

    def _move(self, window: "Window", index: int) -> None:
        if window.window_index != str(index):
            window.cmd("move-window", "-t", f":{index}")

    def _free_index(self, session: "Session", index: int) -> str:
        taken = {window.window_index for window in session.windows}
        return "" if str(index) in taken else str(index)

    def _session(self, server: "Server", name: str) -> "Session | None":
        return next((session for session in server.sessions if session.session_name == name), None)

    def _server(self) -> "Server":
        from libtmux import Server

        socket = self._client.socket
        if socket is None:
            return Server()
        return Server(socket_path=socket) if "/" in socket else Server(socket_name=socket)


def _shell(pane: SavedPane) -> str | None:
    """The command that a pane's shell was started with, as a shell command; None for the default shell.

    tmux shows it quoted like a word of its own commands; that of several words was no shell command.
    """
    if not pane.shell_command:
        return None
    try:
        words = shlex.split(pane.shell_command)
    except ValueError:
        return None
    return words[0] if len(words) == 1 else shlex.join(words)


def _pane_of(window: "Window") -> "Pane":
    pane = window.active_pane
    if pane is None:
        raise TmuxError("The window that tmux has just made has no pane.", hint="Look at it with tmux itself.")
    return pane


def _id_of(pane: "Pane | None") -> str:
    if pane is None or pane.pane_id is None:
        raise TmuxError("The pane that tmux has just made is gone.", hint="Does its command end at once?")
    return pane.pane_id


def _import_libtmux() -> None:
    """Import it while stdout is one that tells its encoding, for which it asks: Textual's stand-in has none."""
    with _importing:
        if "libtmux" not in sys.modules:
            with redirect_stdout(TextIOWrapper(BytesIO(), encoding="utf-8")):
                import libtmux  # noqa: F401


def _within(seconds: float, work: Callable[[], T]) -> T:
    """Run libtmux, which knows no time limits, in a thread that is left behind if it hangs."""
    _import_libtmux()
    from libtmux.exc import LibTmuxException

    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # handed to the caller below
            errors.append(error)

    thread = threading.Thread(target=run, name="tmux-layout", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TmuxHung(f"tmux did not build the panes within {seconds:g} s.", hint="Attach with tmux and look.")
    if errors:
        if isinstance(errors[0], LibTmuxException):
            raise TmuxError(
                f"tmux could not build the panes: {errors[0]}.", hint="Look at the session with tmux itself."
            ) from errors[0]
        raise errors[0]
    return results[0]
