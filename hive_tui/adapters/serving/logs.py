"""Places for the log of a service: the journal, a file that is rotated, standard error. Each never fails, nor waits."""

import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TextIO

from hive_tui.domain.log_records import LogRecord

JOURNAL = "/run/systemd/journal/socket"
LONGEST_BYTES = 48_000
"""A datagram holds some 200 KiB; no event needs more than this."""


class Log(Protocol):
    """Where records go."""

    def write(self, record: LogRecord) -> None:
        """Keep it, if that is possible now. From any thread."""
        ...


class StandardError:
    """Lines for a person; under a service manager with the priority before them, as in sd-daemon(3)."""

    def __init__(self, stream: TextIO, *, with_priority: bool) -> None:
        self._stream = stream
        self._with_priority = with_priority
        self._lock = threading.Lock()

    def write(self, record: LogRecord) -> None:
        """One line, however many the text has."""
        text = " ".join(record.event.text.splitlines())
        mark = f"<{record.priority}>" if self._with_priority else "✕ " if record.priority <= 3 else ""
        with suppress(OSError, ValueError), self._lock:
            self._stream.write(f"{mark}{text}\n")
            self._stream.flush()


class Journal:
    """The journal's own protocol, so that `journalctl HIVE_EVENT=...` finds records by their fields.

    Source of the format: systemd's "Native Journal Protocol". A record that the journal does not take goes to
    `otherwise`.
    """

    def __init__(self, otherwise: Log, address: str = JOURNAL) -> None:
        self._otherwise = otherwise
        self._address = address

    def write(self, record: LogRecord) -> None:
        """Send it, without waiting for the journal."""
        named = record.fields()
        fields = {f"HIVE_{name.upper()}": value for name, value in named.items() if name not in ("at", "level", "text")}
        fields = {
            "MESSAGE": named["text"],
            "PRIORITY": str(record.priority),
            "SYSLOG_IDENTIFIER": "hive-tui",
            **fields,
        }
        datagram = b"".join(_field(name, value) for name, value in fields.items() if value)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(datagram, self._address)
        except OSError:
            self._otherwise.write(record)


def _field(name: str, value: str) -> bytes:
    """A line, or the length before it where it has several."""
    content = value.encode(errors="replace")[:LONGEST_BYTES]
    if b"\n" not in content:
        return name.encode() + b"=" + content + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(content)) + content + b"\n"


class RotatingFile:
    """JSON lines for this user alone. `hive.log` is the newest, `hive.log.1` the one before it."""

    def __init__(self, path: Path, *, max_bytes: int, keep: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._lock = threading.Lock()

    def write(self, record: LogRecord) -> None:
        """Append a line. On a full disk it is lost; the event stands in the database."""
        fields = {name: value for name, value in record.fields().items() if value}
        line = json.dumps(fields, ensure_ascii=False).encode(errors="replace") + b"\n"
        with suppress(OSError), self._lock:
            self._make_room(len(line))
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)

    def _make_room(self, needed_bytes: int) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._path.exists() or self._path.stat().st_size + needed_bytes <= self._max_bytes:
            return
        names = [self._path, *(self._path.with_name(f"{self._path.name}.{age}") for age in range(1, self._keep + 1))]
        names[-1].unlink(missing_ok=True)
        for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
            if newer.exists():
                newer.rename(older)


def log_for(environ: Mapping[str, str], file: str, *, max_bytes: int, keep: int) -> Log:
    """The file, if one is named; else the journal, if standard error leads there; else standard error."""
    if file:
        return RotatingFile(Path(file).expanduser(), max_bytes=max_bytes, keep=keep)
    if _leads_to_journal(environ.get("JOURNAL_STREAM", "")):
        return Journal(StandardError(sys.stderr, with_priority=True))
    return StandardError(sys.stderr, with_priority=False)


def _leads_to_journal(named: str) -> bool:
    """Whether standard error is the stream of which systemd.exec(5) says in JOURNAL_STREAM that it is the journal."""
    try:
        found = os.fstat(2)
    except OSError:
        return False
    return named == f"{found.st_dev}:{found.st_ino}"
