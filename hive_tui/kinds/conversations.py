"""Which conversation an agent's pane shows, where the agent itself does not say.

Never "the newest one": two agents of one kind may work in one folder.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_tui.domain.sightings import Session
from hive_tui.kinds.commands import value_of
from hive_tui.kinds.screen import Screen

if TYPE_CHECKING:
    from hive_tui.kinds.kind import Look
    from hive_tui.kinds.manifest import Manifest

WORDS = 48
"""So many letters and digits of a message, without spaces and marks, must stand on the screen."""
FEWEST_LETTERS = 3
TAIL_BYTES = 256 * 1024
START_SLACK_S = 2.0
"""A file may be written so long before the start time of its process, by the clock's coarseness."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation on disk, by its first and its last lines."""

    session_id: str
    path: Path
    cwd: str
    """Where it was held; empty if it does not say."""
    last_said: tuple[str, ...]
    """The last message of the user and the last of the agent."""
    is_open_turn: bool | None = None
    """Whether a turn was begun and not ended; None if it does not tell."""


def chosen(
    look: "Look", manifest: "Manifest", candidates: Sequence[Conversation], folder: Path, *, own: Sequence[str] = ()
) -> Session:
    """The conversation that the look shows, out of those that could be it.

    Args:
        look: The agent.
        manifest: Of its kind.
        candidates: Conversations of its folder since it began, and the one that it was asked to resume.
        folder: Where its kind keeps its files.
        own: Ids of conversations that the process itself gives away, by what it holds open.
    """
    by_id = {one.session_id: one for one in candidates}

    def found(session_id: str, source: str) -> Session:
        return Session(session_id, source, str(by_id[session_id].path), str(folder))

    if len(set(own)) == 1 and own[0] in by_id:
        return found(own[0], "the file that it holds open")
    shown = {one.session_id for one in by_id.values() if is_shown(one, look.screen)}
    if len(shown) == 1:
        return found(next(iter(shown)), "its last words, which stand on its screen")
    asked = value_of(look.argv, manifest.resume.arguments, manifest.session.id) or ""
    if asked in by_id and (len(by_id) == 1 or asked in shown):
        return found(asked, "its command line")
    if look.known_session in by_id:
        return found(look.known_session, "seen before in this process")
    why = "several conversations fit its screen" if shown else "no conversation on disk fits what it shows"
    return Session(None, why, config_dir=str(folder))


def is_shown(conversation: Conversation, screen: Screen) -> bool:
    """Whether the last words of the conversation stand on the screen, however it wraps and decorates them."""
    shown = letters("".join(screen.lines))
    said = [letters(text) for text in conversation.last_said]
    return any(len(text) >= FEWEST_LETTERS and (text[:WORDS] in shown or text[-WORDS:] in shown) for text in said)


def letters(text: str) -> str:
    """Letters and digits alone."""
    return "".join(letter for letter in text if letter.isalnum())


def tail(path: Path) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """The first record of a file of JSON lines, and those of its last part; all empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            first = record(file.readline())
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            return first, [record(line) for line in file.read().splitlines()]
    except OSError:
        return {}, []


def record(line: bytes) -> Mapping[str, Any]:
    """A JSON object from a line; empty for anything else."""
    with suppress(ValueError):
        value = json.loads(line)
        if isinstance(value, dict):
            return value
    return {}


def since_its_start(look: "Look", paths: Iterator[Path], asked: str) -> list[Path]:
    """Those of the files that were written since the agent began, or that have the id that it was asked for.

    The newest last: of several files of one conversation it is the one that counts.
    """
    began_at = look.processes.started_at(look.root.id).timestamp() - START_SLACK_S
    found: list[tuple[int, Path]] = []
    for path in paths:
        with suppress(OSError):
            stat = path.stat()
            if stat.st_mtime >= began_at or (asked and asked in path.name):
                found.append((stat.st_mtime_ns, path))
    return [path for _, path in sorted(found)]


def texts_of(value: object) -> Iterator[str]:
    """The texts of a message, whatever the kind wraps them in: text, content, parts, message."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from texts_of(one)
    elif isinstance(value, dict):
        for key in ("text", "content", "parts", "message"):
            yield from texts_of(value.get(key))


def plain_conversation(path: Path, session_id: str) -> Conversation:
    """A transcript in JSON lines of a kind of which only that is known: its last two texts are its last words."""
    _, records = tail(path)
    said = [text for one in records for text in texts_of(one) if len(letters(text)) >= FEWEST_LETTERS]
    return Conversation(session_id, path, "", tuple(said[-2:]))
