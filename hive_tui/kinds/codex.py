"""Codex: the title says what it does; which conversation a pane shows has to be found out.

With its background server (the default) the server holds the conversations of
all panes, and nothing on the machine maps a pane to one of them. So the id is
taken from the command line, or from the rollout whose last words stand on the
screen; never "the newest one", which may be another pane's.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.sightings import Claim, Session
from hive_tui.kinds.commands import value_of
from hive_tui.kinds.kind import Kind, Look, SessionFile
from hive_tui.kinds.manifest import Manifest
from hive_tui.kinds.screen import Screen

ROLLOUT = re.compile(r"rollout-.*-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.jsonl$")
MENU_HELP = re.compile(r" +([Pp]ress )?enter (to )?(select|confirm|submit)")
TAIL_BYTES = 256 * 1024
WORDS = 48
"""So many letters and digits of a message, without spaces and marks, must stand on the screen."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """A conversation on disk, by its first and its last lines."""

    session_id: str
    path: Path
    cwd: str
    last_said: tuple[str, ...]
    """The last message of the user and the last of the agent."""
    is_open_turn: bool
    """Whether a turn was begun and not ended."""


class Codex(Kind):
    """Codex, with and without its background server."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._sessions: dict[ProcessId, tuple[tuple[int, str], Session]] = {}
        self._rollouts: dict[Path, tuple[tuple[int, int], Rollout | None]] = {}

    def session(self, look: Look) -> Session:
        """By an open rollout of its own, by what the screen shows, or by its command line.

        Found anew whenever the screen has changed: no other conversation comes up without that.
        """
        seen = (look.pane.output_at, look.screen.ansi)
        known = self._sessions.get(look.root.id)
        if known is not None and known[0] == seen and known[1].id is not None:
            return known[1]
        session = self._find_session(look)
        self._sessions[look.root.id] = (seen, session)
        return session

    def _find_session(self, look: Look) -> Session:
        folder = self.config_dir(look)
        candidates = {rollout.session_id: rollout for rollout in self._candidates(look, folder)}
        own = [match[1] for path in self._open_rollouts(look) if (match := ROLLOUT.search(path))]
        if len(set(own)) == 1 and own[0] in candidates:
            return self._found(candidates[own[0]], folder, "the rollout file that it holds open")
        shown = [rollout for rollout in candidates.values() if is_shown(rollout, look.screen)]
        if len(shown) == 1:
            return self._found(shown[0], folder, "the rollout whose last words are on its screen")
        asked = value_of(look.argv, self.manifest.resume.arguments) or ""
        if asked in candidates and (len(candidates) == 1 or asked in {rollout.session_id for rollout in shown}):
            return self._found(candidates[asked], folder, "its command line")
        if look.known_session in candidates:
            return self._found(candidates[look.known_session], folder, "seen before in this process")
        why = "several conversations fit its screen" if shown else "no conversation on disk fits what it shows"
        return Session(None, why, config_dir=str(folder))

    def find_transcript(self, config_dir: Path, session_id: str) -> Path | None:
        """Searched by id; it lies in a folder for the day on which it began."""
        return next(iter((config_dir / "sessions").glob(f"*/*/*/rollout-*-{session_id}.jsonl")), None)

    def claims(self, look: Look) -> tuple[Claim, ...]:
        """Title, screen, then the rollout; idle only where the rollout says that the turn ended."""
        screen = self.screen_claims(look)
        title = look.pane.title.strip()
        claims: list[Claim] = []
        if "Action Required" in title:
            claims.append(Claim(Activity.PERMISSION, "title", f"the title says: {title[:60]}"))
        elif title and 0x2800 <= ord(title[0]) <= 0x28FF:
            claims.append(Claim(Activity.WORKING, "title", f"the title spins: {title[:60]}"))
        claims += screen
        claims += self._rollout_claims(look)
        return (
            *claims,
            Claim(Activity.UNKNOWN, "fallback", "neither title nor screen nor a rollout shows what it does"),
        )

    def background(self, look: Look) -> tuple[str, ...]:
        """Its footer counts background terminals."""
        found = re.search(r"(\d+ background terminals? running)", "\n".join(look.screen.bottom(6)))
        return (found[1],) if found else ()

    def draft(self, look: Look) -> str:
        """Menus put their cursor where the input line is; they are no drafts. A list somebody types is one."""
        draft = super().draft(look)
        is_menu = any(MENU_HELP.match(line) for line in look.screen.bottom(2))
        return "" if is_menu and re.match(r"\d+\. ", draft) else draft

    def session_files(self, agent: Agent) -> list[SessionFile]:
        """The rollout; its server may have packed it meanwhile."""
        files = super().session_files(agent)
        if not files and agent.transcript is not None and agent.config_dir is not None:
            packed = Path(agent.transcript + ".zst")
            if packed.is_file():
                files = [SessionFile(packed, str(packed.relative_to(agent.config_dir)))]
        return files

    def _rollout_claims(self, look: Look) -> Iterator[Claim]:
        session = self.session(look)
        if session.transcript is None:
            if session.id is None and any(line.startswith("›") for line in look.screen.bottom(6)):
                yield Claim(Activity.IDLE, "screen", "an empty prompt, and no conversation yet")
            return
        rollout = self._read(Path(session.transcript))
        if rollout is None:
            return
        if rollout.is_open_turn:
            yield Claim(Activity.WORKING, "rollout", "its last turn has not ended")
        else:
            yield Claim(Activity.IDLE, "rollout", "its last turn has ended")

    def _open_rollouts(self, look: Look) -> Iterator[str]:
        for process in look.tree:
            yield from look.processes.open_files(process.pid)

    def _candidates(self, look: Look, folder: Path) -> Iterator[Rollout]:
        """Rollouts of this folder that were written since the process began, and the one it was asked to resume."""
        began_at = look.processes.started_at(look.root.id).timestamp() - 2
        asked = value_of(look.argv, self.manifest.resume.arguments) or ""
        for path in (folder / "sessions").glob("*/*/*/rollout-*.jsonl"):
            with suppress(OSError):
                if path.stat().st_mtime >= began_at or (asked and asked in path.name):
                    rollout = self._read(path)
                    if rollout is not None and (rollout.cwd == look.cwd or rollout.session_id == asked):
                        yield rollout

    def _read(self, path: Path) -> Rollout | None:
        """`read_rollout`, once for each state of the file."""
        try:
            stat = path.stat()
        except OSError:
            return None
        state = (stat.st_mtime_ns, stat.st_size)
        known = self._rollouts.get(path)
        if known is None or known[0] != state:
            known = self._rollouts[path] = (state, read_rollout(path))
        return known[1]

    def _found(self, rollout: Rollout, folder: Path, source: str) -> Session:
        return Session(rollout.session_id, source, str(rollout.path), str(folder))


def is_shown(rollout: Rollout, screen: Screen) -> bool:
    """Whether the last words of the conversation stand on the screen, however it wraps and decorates them."""
    shown = _letters("".join(screen.lines))
    said = [_letters(text) for text in rollout.last_said]
    return any(len(text) >= 3 and (text[:WORDS] in shown or text[-WORDS:] in shown) for text in said)


def read_rollout(path: Path) -> Rollout | None:
    """First and last lines of a rollout; None for one that is no conversation of a person."""
    try:
        with path.open("rb") as file:
            meta = _record(file.readline())
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            tail = file.read().splitlines()
    except OSError:
        return None
    about = meta.get("payload", {}) if meta.get("type") == "session_meta" else {}
    if not isinstance(about, dict) or not about.get("id") or isinstance(about.get("source"), dict):
        return None
    user = agent = ""
    is_open = False
    for line in tail:
        record = _record(line)
        payload = record.get("payload")
        if not isinstance(payload, dict):
            continue
        kind = payload.get("type")
        if kind in ("task_started", "turn_started"):
            is_open = True
        elif kind in ("task_complete", "turn_complete", "turn_aborted"):
            is_open = False
        elif record.get("type") == "response_item" and kind == "message":
            text = _text(payload)
            if payload.get("role") == "user" and not text.startswith("<"):
                user = text
            elif payload.get("role") == "assistant":
                agent = text
    return Rollout(str(about["id"]), path, str(about.get("cwd", "")), (user, agent), is_open)


def _record(line: bytes) -> Mapping[str, Any]:
    with suppress(ValueError):
        value = json.loads(line)
        if isinstance(value, dict):
            return value
    return {}


def _text(payload: Mapping[str, Any]) -> str:
    parts = payload.get("content")
    if not isinstance(parts, list):
        return ""
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())
