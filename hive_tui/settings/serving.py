"""The part of the settings that is about `hive-tui serve` under a service manager: its log."""

from collections.abc import Iterator

from msgspec import Struct

LEVELS = ("info", "warning", "failure")
SMALLEST_BYTES = 10_000


class LogSettings(Struct, frozen=True):
    """What `hive-tui serve` writes down of what happens."""

    level: str = "info"
    """Events below it are left out: info, warning or failure."""
    file: str = ""
    """A file of JSON lines; empty for the journal under systemd, and for standard error elsewhere."""
    max_bytes: int = 5_000_000
    """Bytes after which a new file is begun."""
    keep: int = 5
    """Older files that are kept beside it."""


def mistakes(log: LogSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong: the setting, and the end of a sentence that begins with its name."""
    if log.level not in LEVELS:
        yield ("log", "level"), f"is {log.level!r}, but must be {', '.join(LEVELS[:-1])} or {LEVELS[-1]}"
    if log.file and not log.file.startswith(("/", "~/")):
        yield ("log", "file"), f"is {log.file!r}, but must be an absolute path, or begin with ~/"
    if log.max_bytes < SMALLEST_BYTES:
        yield ("log", "max_bytes"), f"is {log.max_bytes}, but must be {SMALLEST_BYTES} or more"
    if not 0 <= log.keep <= 1000:
        yield ("log", "keep"), f"is {log.keep}, but must be from 0 to 1000"
