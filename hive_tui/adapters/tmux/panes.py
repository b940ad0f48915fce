"""The panes of one tmux server, by their ids."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from msgspec import structs

from hive_tui.adapters.tmux.client import LOOK_AT_PATH, Command, TmuxClient, as_format, refuse_too_old
from hive_tui.domain.agents import PaneRef
from hive_tui.domain.errors import PaneGone, TmuxError
from hive_tui.domain.panes import Exit, Glimpse, Pane, PaneList, Swap
from hive_tui.domain.ports import Processes

SEPARATOR = "\x1f"

# Free text stands last: a separator in it, should tmux ever let one through, then does no harm.
FIELDS = (
    "pid start_time session_id window_id window_index pane_id pane_index pane_pid pane_tty pane_width pane_height"
    " window_width window_height pane_active window_active pane_in_mode pane_synchronized pane_dead alternate_on"
    " cursor_x cursor_y window_zoomed_flag window_activity history_size window_layout @hive_agent @hive_wakeup"
    " @hive_rebuilt version session_name window_name pane_start_command pane_title"
).split()
PANE_FORMAT = SEPARATOR.join(["P", *(f"#{{{field}}}" for field in FIELDS)])
OF_CLIENT = f"C{SEPARATOR}"
CLIENT_FORMAT = SEPARATOR.join(["C", "#{client_control_mode}", "#{session_id}"])

OF_SHAPE = f"S{SEPARATOR}"
SHAPE_FORMAT = f"{OF_SHAPE}#{{session_id}}#{{W:#{{window_id}}.#{{window_activity}}#{{P:#{{pane_id}}#{{pane_dead}}}} }}"
"""A session with all its windows, and when each of them had its last output."""
OUTPUT_SINCE = "#{>=:#{window_activity},%d}"
"""Compares texts, which is as good: all times of this century have as many digits."""
WINDOW = re.compile(r"(@\d+)\.(\d+)")
TIME = re.compile(r"\.\d+")

MARK = "\x1fhive\x1f"
"""Stands between captures; no program can draw it, since tmux keeps no control characters in its cells."""

# Leave what full-screen programs switch on: keyboard protocols, mouse, focus events, application keys,
# insert mode, scroll region (without moving the cursor), hidden cursor, colours, alternate character set.
RESET_MODES = (
    "\x1b[<u\x1b[>4;0m\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1004l\x1b[?2026l"
    "\x1b[?1l\x1b>\x1b[4l\x1b[?7h\x1b7\x1b[r\x1b8\x1b[?25h\x1b[0m\x0f"
)
LEAVE_ALTERNATE = "\x1b[?1049l"


class TmuxPanes:
    """Panes by their `%id`, never by session name: a name means whatever pane is active there."""

    def __init__(self, client: TmuxClient, processes: Processes) -> None:
        self.client = client
        self._processes = processes
        self._read: Mapping[str, Pane] = {}
        """Panes of the last look, by what tmux said of them."""

    def list(self) -> PaneList:
        """All panes, with whether a person's client shows them as active."""
        shape, _, read = self._taken_apart(self.client.run(*_listing()))
        self._read = read
        panes = _each_once(read.values())
        return PaneList(panes[-1].ref.server if panes else "", panes, _without_times(shape))

    def glimpse(self, since_s: int, screens_of: Sequence[str] = ()) -> Glimpse | None:
        """What has changed since that second; None where a window with output is missing in what tmux tells of it."""
        listing = _listing("-f", OUTPUT_SINCE % since_s)
        try:
            lines = self.client.run(*listing, *_captures(screens_of))
        except PaneGone:  # of those whose screens are wanted
            lines, screens_of = self.client.run(*listing), ()
        at = lines.index(MARK) if MARK in lines else len(lines)
        shape, watching, read = self._taken_apart(lines[:at])
        panes = _each_once(read.values())
        since = str(since_s)  # texts, as in `OUTPUT_SINCE`
        moved = {window for line in shape for window, second in WINDOW.findall(line) if second >= since}
        if not moved <= {pane.window_id for pane in panes}:
            return None
        screens = _captured(screens_of, lines[at:])
        return Glimpse(_without_times(shape), panes, frozenset(watching), screens)

    def _taken_apart(self, lines: Sequence[str]) -> tuple[Sequence[str], set[str], dict[str, Pane]]:
        """Sessions with their windows, those of them that people look at, and panes by what was said of them."""
        shape = [line for line in lines if line.startswith(OF_SHAPE)]
        clients = [line.split(SEPARATOR) for line in lines if line.startswith(OF_CLIENT)]
        watching = {row[2] for row in clients if row[1] != "1"}
        of_panes = (line for line in lines if not line.startswith((OF_CLIENT, OF_SHAPE)))
        return shape, watching, {line: self._same_or_new(line, watching) for line in of_panes}

    def _same_or_new(self, line: str, watching: set[str]) -> Pane:
        """The pane of a line; the line of the look before is not taken apart again."""
        known = self._read.get(line)
        if known is None:
            return self._pane(_fields(line, self.client), watching)
        is_watched, cwd = known.is_active and known.session_id in watching, self._processes.cwd(known.pid)
        if (is_watched, cwd) == (known.is_watched, known.cwd):
            return known
        return structs.replace(known, is_watched=is_watched, cwd=cwd)

    def capture(self, pane_id: str, *, history_lines: int = 0, colour: bool = True) -> str:
        """Text of the pane with up to so many lines of scrollback above the screen."""
        command = ["capture-pane", "-p", "-t", pane_id]
        if colour:
            command.append("-e")
        if history_lines:
            command += ["-S", f"-{history_lines}"]
        return "\n".join(self.client.run(command)) + "\n"

    def capture_many(self, pane_ids: Sequence[str]) -> dict[str, str]:
        """The screens of several panes, in one step; panes that are gone are left out."""
        if not pane_ids:
            return {}
        try:
            return _captured(pane_ids, self.client.run(*_captures(pane_ids)))
        except PaneGone:
            return self._capture_those_left(pane_ids)

    def _capture_those_left(self, pane_ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for pane_id in pane_ids:
            with suppress(PaneGone):
                found[pane_id] = self.capture(pane_id)
        return found

    def option(self, pane_id: str, name: str) -> str:
        """The value that the pane itself has for an option; empty if it has none."""
        return "\n".join(
            self.client.run(_must_be_there(pane_id), ["show-options", "-p", "-q", "-v", "-t", pane_id, name])
        )

    def set_options(self, pane_id: str, options: Mapping[str, str | None]) -> None:
        """Set pane options; None removes one."""
        self.client.run(*_options(pane_id, options))

    def type_line(self, pane_id: str, line: str, options: Mapping[str, str | None]) -> None:
        """Set the options and type a line with Enter, in one step for tmux."""
        self.client.run(
            *_options(pane_id, options),
            ["send-keys", "-t", pane_id, "-l", "--", line],
            ["send-keys", "-t", pane_id, "Enter"],
        )

    def send_keys(self, pane_id: str, keys: Sequence[str]) -> None:
        """Press keys, in tmux's names."""
        self.client.run(["send-keys", "-t", pane_id, *keys])

    def swap_option(self, pane_id: str, swap: Swap) -> str:
        """Change the value of a pane's option if it is the one expected, in one step for tmux; the value afterwards."""
        self.client.run(_must_be_there(pane_id), _if_swapped(pane_id, swap))
        return self.option(pane_id, swap.option)

    def paste(self, pane_id: str, text: str, swap: Swap | None = None) -> bool:
        """Bracketed paste of text without control characters; no Enter.

        With a swap, text is pasted and option changed in one step for tmux, or neither where its value is another
        one by then; returns whether it was done.
        """
        clean = "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())
        name = f"hive-{uuid4().hex[:8]}"
        pasting = ["paste-buffer", "-p", "-d", "-b", name, "-t", pane_id]
        try:
            # At first all of it: were we killed while tmux reads it, it would take the part that it has for the whole.
            self.client.run(_must_be_there(pane_id), ["load-buffer", "-b", name, "-"], stdin=clean)
            self.client.run(_must_be_there(pane_id), _if_swapped(pane_id, swap, pasting) if swap else pasting)
        except PaneGone:
            self._forget_buffer(name)
            raise
        is_done = swap is None or self.option(pane_id, swap.option) == swap.after
        if not is_done:
            self._forget_buffer(name)
        return is_done

    def _forget_buffer(self, name: str) -> None:
        with suppress(TmuxError):  # it is not there
            self.client.run(["delete-buffer", "-b", name])

    def respawn(
        self, pane_id: str, command: str, *, cwd: str, env: Mapping[str, str], options: Mapping[str, str | None]
    ) -> None:
        """Replace the pane's process by a shell command and set the options, in one step for tmux."""
        variables = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
        self.client.run(
            *_options(pane_id, options),
            ["respawn-pane", "-k", "-t", pane_id, "-c", as_format(cwd), *variables, command],
        )

    def exit_of(self, pane_id: str) -> Exit | None:
        """How the command of a dead pane ended; None while tmux does not know, and it is made to look again.

        With libutempter, tmux can lose the signal of a child whose terminal closes first. The child then
        stays a zombie, and the pane's text is not drawn, until another child of tmux ends.
        """
        how_it_ended = ["display-message", "-p", "-t", pane_id, "#{pane_dead_status} #{pane_dead_signal}"]
        said = "".join(self.client.run(_must_be_there(pane_id), how_it_ended)).rstrip("\n")
        status, _, number = said.partition(" ")
        if number.isdecimal():  # tmux 3.2 knows none
            return Exit(signal=int(number))
        if status.isdecimal():
            return Exit(int(status))
        self.client.run(["run-shell", "-b", "true"])
        return None

    def set_title(self, pane_id: str, title: str) -> None:
        """Set the pane's title."""
        self.client.run(["select-pane", "-t", pane_id, "-T", as_format(title)])

    def reset_terminal(self, pane_id: str, tty: str) -> None:
        """Leave the modes that a killed program left on.

        Written to the pane's terminal as output, so that nothing is typed into the
        shell: `send-keys -R` would also wipe the screen, and `reset` is a command.
        """
        pane = next((pane for pane in self.list().panes if pane.id == pane_id), None)
        if pane is None:
            raise PaneGone(f"The pane {pane_id} is gone.", hint="`hive-tui agents` shows what is there.")
        text = (LEAVE_ALTERNATE if pane.alternate_on else "") + RESET_MODES
        try:
            descriptor = os.open(tty, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise TmuxError(
                f"The terminal {tty} of pane {pane_id} cannot be written to: {error.strerror}.",
                hint="Is the pane another user's? Look at it with tmux.",
            ) from error
        try:
            with suppress(BlockingIOError):
                os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def _pane(self, field: dict[str, str], watching: set[str]) -> Pane:
        is_active = field["pane_active"] == "1" and field["window_active"] == "1"
        pid = int(field["pane_pid"] or 0)
        return Pane(
            ref=PaneRef(f"{field['pid']}:{field['start_time']}", field["pane_id"]),
            session_id=field["session_id"],
            session_name=field["session_name"],
            window_id=field["window_id"],
            window_index=int(field["window_index"]),
            window_name=field["window_name"],
            pane_index=int(field["pane_index"]),
            pid=pid,
            tty=field["pane_tty"],
            width=int(field["pane_width"]),
            height=int(field["pane_height"]),
            window_size=(int(field["window_width"]), int(field["window_height"])),
            is_active=is_active,
            is_watched=is_active and field["session_id"] in watching,
            in_mode=field["pane_in_mode"] not in ("", "0"),
            is_synchronized=field["pane_synchronized"] == "1",
            is_dead=field["pane_dead"] == "1",
            alternate_on=field["alternate_on"] == "1",
            cursor_x=int(field["cursor_x"] or 0),
            cursor_y=int(field["cursor_y"] or 0),
            is_zoomed=field["window_zoomed_flag"] == "1",
            output_at=int(field["window_activity"] or 0),
            history_size=int(field["history_size"] or 0),
            layout=field["window_layout"],
            agent_id=field["@hive_agent"],
            wakeup_id=field["@hive_wakeup"],
            is_rebuilt=bool(field["@hive_rebuilt"]),
            title=field["pane_title"],
            start_command=field["pane_start_command"],
            cwd=self._processes.cwd(pid),
        )


def _fields(line: str, client: TmuxClient) -> dict[str, str]:
    """What tmux said of a pane, by name. Raises TmuxError, TmuxMissing: It said it otherwise than it should."""
    row = line.split(SEPARATOR)
    if row[0] != "P" or len(row) < len(FIELDS) + 1:
        # Never read as "there are no panes".
        client.check_version()
        raise TmuxError("tmux lists its panes in words that hive-tui does not know.", hint=LOOK_AT_PATH)
    field = dict(zip(FIELDS, row[1:], strict=False))
    refuse_too_old(field["version"])
    return field


def _each_once(panes: Iterable[Pane]) -> tuple[Pane, ...]:
    """A window that is linked into several sessions is listed with each of them."""
    found: dict[str, Pane] = {}
    for pane in panes:
        known = found.get(pane.id)
        if known is None or (pane.is_watched and not known.is_watched):
            found[pane.id] = pane
    return tuple(found.values())


def _listing(*only: str) -> Sequence[Command]:
    return (
        ["list-sessions", "-F", SHAPE_FORMAT],
        ["list-panes", "-a", *only, "-F", PANE_FORMAT],
        ["list-clients", "-F", CLIENT_FORMAT],
    )


def _captures(pane_ids: Iterable[str]) -> Sequence[Command]:
    commands: list[Command] = []
    for pane_id in pane_ids:
        commands += [["display-message", "-p", "-t", pane_id, MARK], ["capture-pane", "-p", "-e", "-t", pane_id]]
    return commands


def _captured(pane_ids: Sequence[str], lines: Sequence[str]) -> dict[str, str]:
    """The screens by pane id, of what tmux printed for `_captures`."""
    return dict(zip(pane_ids, ("\n".join(lines) + "\n").split(MARK + "\n")[1:], strict=False))


def _without_times(shape: Iterable[str]) -> str:
    return TIME.sub("", "\n".join(shape))


def _must_be_there(pane_id: str) -> Command:
    """A command that prints nothing and fails if the pane is gone, which some commands pass over."""
    return ["list-panes", "-t", pane_id, "-f", "0"]


def _options(pane_id: str, options: Mapping[str, str | None]) -> Sequence[Command]:
    return [
        ["set-option", "-p", "-t", pane_id, "-u", name]
        if value is None
        else ["set-option", "-p", "-t", pane_id, name, value]
        for name, value in options.items()
    ]


def _if_swapped(pane_id: str, swap: Swap, *before: Command) -> Command:
    """The commands, and then the change of the option; tmux does nothing else between the question and the last."""
    done = " ; ".join(" ".join(one) for one in (*before, ["set-option", "-p", "-t", pane_id, swap.option, swap.after]))
    return ["if-shell", "-F", "-t", pane_id, f"#{{==:#{{{swap.option}}},{swap.before}}}", done]


def socket_path(client: TmuxClient) -> Path | None:
    """Where the server's socket lies; None if no server answers."""
    with suppress(TmuxError):
        lines = client.run(["display-message", "-p", "#{socket_path}"])
        return Path(lines[0]) if lines else None
    return None
