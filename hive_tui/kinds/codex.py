"""Codex: the title says what it does; which conversation a pane shows has to be found out.

With its background server (the default) the server holds the conversations of
all panes, and nothing on the machine maps a pane to one of them. So the id is
taken from the command line, or from the rollout whose last words stand on the
screen; never "the newest one", which may be another pane's.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.sightings import Claim, Session
from hive_tui.kinds import conversations
from hive_tui.kinds.commands import value_of
from hive_tui.kinds.conversations import Conversation
from hive_tui.kinds.kind import Kind, Look, SessionFile
from hive_tui.kinds.manifest import Manifest
from hive_tui.kinds.screen import Screen

ROLLOUT = re.compile(r"rollout-.*-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.jsonl$")
MENU_HELP = re.compile(r" +([Pp]ress )?enter (to )?(select|confirm|submit)")


class Codex(Kind):
    """Codex, with and without its background server."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._sessions: dict[ProcessId, tuple[tuple[int, str], Session]] = {}
        self._rollouts: dict[Path, tuple[tuple[int, int], Conversation | None]] = {}

    def session(self, look: Look) -> Session:
        """By an open rollout of its own, by what the screen shows, or by its command line.

        Found anew whenever the screen has changed: no other conversation comes up without that.
        """
        seen = (look.pane.output_at, look.screen.ansi)
        known = self._sessions.get(look.root.id)
        if known is not None and known[0] == seen and known[1].id is not None:
            return known[1]
        own = [match[1] for path in self._open_rollouts(look) if (match := ROLLOUT.search(path))]
        session = conversations.chosen(look, self.manifest, list(self.candidates(look)), self.config_dir(look), own=own)
        self._sessions[look.root.id] = (seen, session)
        return session

    def candidates(self, look: Look) -> Iterator[Conversation]:
        """Rollouts of this folder that were written since the process began, and the one it was asked to resume."""
        asked = value_of(look.argv, self.manifest.resume.arguments) or ""
        paths = (self.config_dir(look) / "sessions").glob("*/*/*/rollout-*.jsonl")
        for path in conversations.since_its_start(look, paths, asked):
            rollout = self._read(path)
            if rollout is not None and (rollout.cwd == look.cwd or rollout.session_id == asked):
                yield rollout

    def stored_claims(self, look: Look) -> tuple[Claim, ...]:
        """The rollout tells whether its turn has ended."""
        session = self.session(look)
        if session.transcript is None:
            is_new = session.id is None and any(line.startswith("›") for line in look.screen.bottom(6))
            return (Claim(Activity.IDLE, "screen", "an empty prompt, and no conversation yet"),) if is_new else ()
        rollout = self._read(Path(session.transcript))
        if rollout is None:
            return ()
        if rollout.is_open_turn:
            return (Claim(Activity.WORKING, "rollout", "its last turn has not ended"),)
        return (Claim(Activity.IDLE, "rollout", "its last turn has ended"),)

    def background(self, look: Look) -> tuple[str, ...]:
        """Its footer counts background terminals."""
        found = re.search(r"(\d+ background terminals? running)", "\n".join(look.screen.bottom(6)))
        return (found[1],) if found else ()

    def typed(self, screen: Screen) -> str:
        """Menus put their cursor where the input line is; they are no drafts. A list somebody types is one."""
        draft = super().typed(screen)
        is_menu = any(MENU_HELP.match(line) for line in screen.bottom(2))
        return "" if is_menu and re.match(r"\d+\. ", draft) else draft

    def session_files(self, agent: Agent) -> list[SessionFile]:
        """The rollout; its server may have packed it meanwhile."""
        files = super().session_files(agent)
        if not files and agent.transcript is not None and agent.config_dir is not None:
            packed = Path(agent.transcript + ".zst")
            if packed.is_file():
                files = [SessionFile(packed, str(packed.relative_to(agent.config_dir)))]
        return files

    def _open_rollouts(self, look: Look) -> Iterator[str]:
        for process in look.tree:
            yield from look.processes.open_files(process.pid)

    def _read(self, path: Path) -> Conversation | None:
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


def read_rollout(path: Path) -> Conversation | None:
    """First and last lines of a rollout; None for one that is no conversation of a person."""
    meta, records = conversations.tail(path)
    about = meta.get("payload", {}) if meta.get("type") == "session_meta" else {}
    if not isinstance(about, dict) or not about.get("id") or isinstance(about.get("source"), dict):
        return None
    user = agent = ""
    is_open = False
    for record in records:
        payload = record.get("payload")
        if not isinstance(payload, dict):
            continue
        kind = payload.get("type")
        if kind in ("task_started", "turn_started"):
            is_open = True
        elif kind in ("task_complete", "turn_complete", "turn_aborted"):
            is_open = False
        elif record.get("type") == "response_item" and kind == "message":
            text = " ".join(conversations.texts_of(payload))
            if payload.get("role") == "user" and not text.startswith("<"):
                user = text
            elif payload.get("role") == "assistant":
                agent = text
    return Conversation(str(about["id"]), path, str(about.get("cwd", "")), (user, agent), is_open)
