"""`hive-tui hook KIND`, which an agent runs at each of its steps: it waits for this, so this must be fast.

It always exits 0 and prints nothing on stdout, where agents look for an answer. Imports of Python's own only, and few.
"""

from __future__ import annotations

import json
import os
import select
import signal

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.hooks import spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

READ_S = 1.0
"""So long the agent may take to write its event."""
LONGEST_S = 2.0
"""After that the command ends, whatever it waits for."""
READ_BYTES = 256 * 1024
"""So much of an event is looked at; tools' input and output, which may be long, come last in it."""
DRAIN_BYTES = 64 * 1024 * 1024
"""So much is taken off the agent's hands, so that it never writes into a closed pipe."""

SHORT, LONG = 300, 4000
"""Characters that are kept of a text, and of a path."""
KEPT = {
    name: LONG if name in ("transcript_path", "cwd") else SHORT
    for name in (
        "hook_event_name session_id transcript_path cwd source reason error notification_type message trigger status"
        " last_assistant_message agent_id agent_type parent_id tool_name model type thread-id last-assistant-message"
    ).split()
}
"""What is kept of an event. An allow-list: what people and tools say in it can be a secret, and does not matter."""
SPACE = " \t\r\n"
ANCESTORS = 4
"""So many processes above the hook are written down."""
SHELLS = (b"sh", b"bash", b"dash", b"zsh", b"fish", b"ksh", b"busybox")


def main(arguments: Sequence[str]) -> int:
    """Keep one event; the exit code, which is always 0.

    Args:
        arguments: The kind; then the event itself, for agents that hand it over so; `--home DIR` anywhere.
    """
    try:
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
        said = _keep(arguments)
    except BaseException as error:  # whatever it is, the agent must not feel it
        said = f"{type(error).__name__}: {error}"
    if said:
        try:
            os.write(2, f"hive-tui hook: {said}\n".encode(errors="backslashreplace"))
        except OSError:
            pass
    return 0


def _keep(arguments: Sequence[str]) -> str:
    """What is wrong, in words; empty for nothing."""
    home, words = _parted(arguments)
    if not words:
        return "Which kind of agent? Usage: hive-tui hook KIND, with the event as JSON on stdin."
    text = words[1] if len(words) > 1 else _stdin().decode(errors="replace")
    event = first_fields(text)
    if not event:
        return "There is no event on stdin."
    at_us = int(SystemClock().now().timestamp() * 1_000_000)
    tmux = os.environ.get("TMUX", "").split(",")
    record = {
        "kind": words[0],
        "at_us": at_us,
        "pane": os.environ.get("TMUX_PANE", ""),
        "tmux_pid": tmux[1] if len(tmux) > 1 else "",
        "ancestors": ancestors(),
        "event": event,
    }
    name = f"{at_us:020d}-{os.getpid()}-{os.urandom(4).hex()}.json"
    spool.keep(home or default_home(), name, json.dumps(record).encode())
    return ""


def _parted(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The home, if it is named, and the words that are no options."""
    home, words, waiting = "", [], list(arguments)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.partition("=")
        if name in ("--home", "--config", "--tmux-socket"):
            value = value if equals else (waiting.pop(0) if waiting else "")
            home = value if name == "--home" else home
        else:
            words.append(word)
    return os.path.abspath(os.path.expanduser(home)) if home else "", words


def ancestors() -> list[str]:
    """`pid:start time` of the agent's processes above this one, the nearest first.

    A shell may stand between the agent and its hook. One above the agent is that of a pane, or
    of another agent which runs this one as a tool.
    """
    found: list[str] = []
    pid = os.getppid()
    while pid > 1 and len(found) < ANCESTORS:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                head, _, tail = file.read().rpartition(b")")
            fields = tail.split()
            if head.partition(b"(")[2] not in SHELLS:
                found.append(f"{pid}:{int(fields[19])}")
            elif found:
                break
            pid = int(fields[1])
        except (OSError, ValueError, IndexError):
            break  # it has just ended, or this is no Linux
    return found


def default_home() -> str:
    """As for every command; the library that knows the platform's folder is asked only if it must be."""
    named = os.environ.get("HIVE_HOME")
    if named:
        return os.path.abspath(os.path.expanduser(named))
    from platformdirs import user_data_dir

    return user_data_dir("hive-tui")


def _stdin() -> bytes:
    """The beginning of what the agent writes; the rest is read and forgotten."""
    if os.isatty(0):
        return b""
    clock = SystemClock()
    deadline = clock.monotonic() + READ_S
    kept, drained = b"", 0
    while drained < DRAIN_BYTES:
        left_s = deadline - clock.monotonic()
        if left_s <= 0 or not select.select([0], [], [], left_s)[0]:
            break
        piece = os.read(0, 65536)
        if not piece:
            break
        drained += len(piece)
        if len(kept) < READ_BYTES:
            kept += piece
    return kept[:READ_BYTES]


def first_fields(text: str) -> dict[str, Any]:
    """What is to be kept of a JSON object, as far as it goes: a long one may be cut off behind those fields."""
    decode = json.JSONDecoder().raw_decode
    found: dict[str, Any] = {}
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        return {}
    try:
        while text[at] in "{,":
            name, at = decode(text, _skip(text, at + 1))
            at = _skip(text, at)
            value, at = decode(text, _skip(text, at + 1))
            if name in KEPT and isinstance(value, str | int | float | bool):
                found[name] = value[: KEPT[name]] if isinstance(value, str) else value
            at = _skip(text, at)
    except (ValueError, IndexError, RecursionError):
        pass  # cut off, or no JSON from here on
    return found


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in SPACE:
        at += 1
    return at
