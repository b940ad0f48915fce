"""A kind of agent: what its manifest says, and what needs code. Subclasses know more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.hooks import HookReport
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import HookReports, Processes
from hive_tui.domain.processes import Process
from hive_tui.domain.sightings import FALLBACK, Claim, Session
from hive_tui.kinds import commands, conversations, farewell, starting, status_file
from hive_tui.kinds.manifest import Answer, Manifest
from hive_tui.kinds.no_reports import NO_REPORTS
from hive_tui.kinds.screen import Screen

if TYPE_CHECKING:
    from hive_tui.domain.terminal import Heard

COMMON_ENV = re.compile(
    r"LANG|LC_[A-Z]+|TZ|TERM|COLORTERM|PATH|SHELL|EDITOR|VISUAL|VIRTUAL_ENV|CONDA_PREFIX|CONDA_DEFAULT_ENV|NVM_BIN"
    r"|XDG_CONFIG_HOME|XDG_DATA_HOME|XDG_STATE_HOME|NODE_OPTIONS|NO_COLOR"
)
"""Variables that may stand in a checkpoint for every kind. An allow-list: what is not here could be a secret."""
BLOCKED = frozenset({Activity.PERMISSION, Activity.QUESTION, Activity.LIMITED})
"""What a dialog on the screen shows beyond doubt, whatever a title or a hook said before it came up."""
ENDS = frozenset({Activity.LIMITED, Activity.ERROR})
"""How a turn ends badly; many a status file calls that a rest like any other."""
START_TICK_S = 0.5
"""The start of a process is known no better than that: the kernel tells it relative to the boot."""
LONGEST_SAID = 400
"""Characters of what stands on a screen that are kept as the reason of a state."""
HOOK_TRUSTED_S = 5.0
"""So long a hook that says `working` counts more than a screen at rest: an interrupted turn ends without a hook."""


@lru_cache(maxsize=512)
def _joined(folder: str, below: str) -> Path:
    """A path of which the same is asked for several times at each look: to make one takes longer than to use it."""
    return Path(folder) / below


@dataclass(frozen=True)
class Look:
    """One look at a live agent: what its kind judges by."""

    root: Process
    tree: tuple[Process, ...]
    argv: tuple[str, ...]
    cwd: str
    environ: Mapping[str, str]
    pane: Pane
    screen: Screen
    processes: Processes
    known_session: str | None = None
    """The conversation that this very process was seen with before."""
    known_activity: Activity = Activity.UNKNOWN
    """What it did at the look before."""
    hooks: HookReports = NO_REPORTS
    now_s: float = 0.0
    """Seconds since the epoch."""
    heard: Heard | None = None
    """What programs in its pane have reported by escape sequences; None for nothing, or where nobody listens."""

    def status(self, folder: Path) -> Mapping[str, Any] | None:
        """The status file of the process, read once a look: several questions are answered from one reading."""
        if folder not in self._status_files:
            self._status_files[folder] = status_file.read(folder, self.root)
        return self._status_files[folder]

    @cached_property
    def _status_files(self) -> dict[Path, Mapping[str, Any] | None]:
        return {}

    @cached_property
    def home(self) -> Path:
        """The HOME of the agent's process."""
        return Path(self.environ.get("HOME") or Path.home())


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A file that belongs to a conversation."""

    path: Path
    member: str
    """Its place below `session/` in a checkpoint: relative to the kind's own folder."""
    is_database: bool = False
    """An SQLite database, copied by SQLite's means. It may hold other conversations too, so one that is there is
    never replaced, not even by a restore."""
    empty_tables: tuple[str, ...] = ()
    """Tables of the database that are empty in the copy."""


@dataclass(frozen=True, slots=True)
class StartState:
    """How far a starting agent has come."""

    is_ready: bool
    blocked_by: str = ""
    """The dialog or error that stands in the way; empty for none."""


class Kind:
    """What is known about one kind of agent."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._transcripts: dict[tuple[Path, str], Path] = {}
        """Where they were found: to look through the folders of all projects at each look takes long."""

    @property
    def name(self) -> str:
        """The kind's name."""
        return self.manifest.name

    def matches(self, argv: Sequence[str]) -> bool:
        """Whether a process with this command line is an interactive agent of this kind."""
        command = commands.parted(argv)
        rules = self.manifest.resume
        return command is not None and commands.matches(
            command, self.manifest.process, (*rules.with_value, *rules.drop_with_value)
        )

    @property
    def listens(self) -> bool:
        """Whether escape sequences in its pane are to be heard."""
        return self.manifest.terminal.listen

    def is_shared(self, argv: Sequence[str]) -> bool:
        """Whether a process below the agent serves other panes too."""
        line = " ".join(argv)
        return any(re.search(pattern, line) for pattern in self.manifest.process.shared)

    def config_dir(self, look: Look) -> Path:
        """Where this agent keeps its files."""
        rules = self.manifest.config
        named = look.environ.get(rules.variable, "")
        if named:
            return _joined(named, rules.below) if named[0] != "~" else Path(named).expanduser() / rules.below
        return _joined(look.environ.get("HOME") or str(look.home), rules.folder)

    def kept_env(self, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The part of the environment that belongs into a checkpoint, without credentials in addresses."""
        return tuple(
            (name, value)
            for name, value in sorted(environ.items())
            if (COMMON_ENV.fullmatch(name) or name in self.manifest.config.keep_env)
            and not re.search(r"://[^/]*@", value)
        )

    def session(self, look: Look) -> Session:
        """The conversation that the agent holds now. Read anew each time: `/clear` and forks change it."""
        rules = self.manifest.session
        if not rules.status_file and not rules.transcripts:
            return Session(None, "nothing is known about the conversations of this kind")
        folder = self.config_dir(look)
        said = self._status(look)
        session_id = str(said.get(rules.status_id) or "") if said else ""
        source = "its status file"
        if not session_id and (report := look.hooks.of_process(self.name, look.root.id)) is not None:
            session_id, source = report.session_id, "its hook"
        if re.fullmatch(rules.id, session_id):
            transcript = self.find_transcript(folder, session_id)
            return Session(session_id, source, str(transcript) if transcript else None, str(folder))
        if rules.is_shown:
            return conversations.chosen(look, self.manifest, list(self.candidates(look)), folder)
        return self.resumed_session(look) or Session(
            None, "it does not say which conversation it holds", None, str(folder)
        )

    def candidates(self, look: Look) -> Iterator[conversations.Conversation]:
        """The conversations that could be the one that the agent holds."""
        asked = commands.value_of(look.argv, self.manifest.resume.arguments, self.manifest.session.id) or ""
        folder = self.config_dir(look)
        pattern = self.manifest.session.transcripts
        for path in conversations.since_its_start(look, folder.glob(pattern.format(session_id="*")), asked):
            found = re.search(self.manifest.session.id, str(path.relative_to(folder)))
            if found is not None:
                yield conversations.plain_conversation(path, found[0])

    def resumed_session(self, look: Look) -> Session | None:
        """The conversation that the command line asks for: all there is until the agent speaks for itself."""
        session_id = commands.value_of(look.argv, self.manifest.resume.arguments, self.manifest.session.id)
        if session_id is None:
            return None
        folder = self.config_dir(look)
        transcript = self.find_transcript(folder, session_id)
        return Session(session_id, "its command line", str(transcript), str(folder)) if transcript else None

    def find_transcript(self, config_dir: Path, session_id: str) -> Path | None:
        """The transcript of a conversation; None if it is not there."""
        pattern = self.manifest.session.transcripts
        if not pattern or not re.fullmatch(self.manifest.session.id, session_id):
            return None
        known = self._transcripts.get((config_dir, session_id))
        if known is not None and known.is_file():
            return known
        for path in config_dir.glob(pattern.format(session_id=session_id)):
            if path.is_file():
                self._transcripts[config_dir, session_id] = path
                return path
        return None

    def claims(self, look: Look) -> tuple[Claim, ...]:
        """What each source says that the agent does, the strongest first; never empty.

        Its own status file; a dialog on the screen, in the title or reported by itself; its other reports; a title or
        a progress bar that says that it works; its hooks; the rest of title, bar and screen; what it wrote to disk;
        and where nothing speaks, a fallback that says so.
        """
        screen = self.screen_claims(look)
        status, titles = self.terminal_claims(look)
        titles += self.title_claims(look)
        blocked = [claim for claim in (*screen, *titles, *status) if claim.activity in BLOCKED]
        status = tuple(claim for claim in status if claim not in blocked)
        works = [claim for claim in titles if claim.activity is Activity.WORKING]
        rest = [claim for claim in (*titles, *screen) if claim not in (*blocked, *works)]
        hooks = self.hook_claims(look)
        ordered = (*rest, *hooks) if self._is_overtaken(look, rest) else (*hooks, *rest)
        nothing = Claim(Activity.UNKNOWN, FALLBACK, "nothing shows what it does")
        return (*self.own_claims(look), *blocked, *status, *works, *ordered, *self.stored_claims(look), nothing)

    def terminal_claims(self, look: Look) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
        """What it reports to its terminal: its status, and its progress."""
        if look.heard is None:
            return (), ()
        app, started_at = self.manifest.terminal.app or self.name, look.processes.started_at(look.root.id)
        found = look.heard.claims(app, started_at.timestamp() - START_TICK_S, look.now_s)
        bars = tuple(claim for claim in found if claim.source == "progress")
        return tuple(claim for claim in found if claim not in bars), bars

    def own_claims(self, look: Look) -> tuple[Claim, ...]:
        """The status file; at rest the screen may know of a limit or an error for which the file has no word."""
        rules = self.manifest.session
        said = self._status(look)
        word = str(said.get(rules.status_activity) or "") if said else ""
        if not word or not rules.activities:
            return ()
        claim = Claim(rules.activities.get(word, Activity.UNKNOWN), "status file", f"its status file says {word}")
        unsaid = ENDS.difference(rules.activities.values()) if claim.activity is Activity.IDLE else ()
        return (*(found for found in self.screen_claims(look) if found.activity in unsaid), claim)

    def stored_claims(self, look: Look) -> tuple[Claim, ...]:
        """What the conversation on disk says."""
        return ()

    def title_claims(self, look: Look) -> tuple[Claim, ...]:
        """What the manifest's rules see in the title."""
        title = look.pane.title.strip()
        for rule in self.manifest.titles.rules:
            if rule.pattern.search(title):
                return (Claim(rule.activity, "title", f"{rule.why}: {title[:60]}"),)
        return ()

    def screen_claims(self, look: Look) -> tuple[Claim, ...]:
        """What the manifest's rules see on the screen."""
        found = look.screen.first_match(self.manifest.screen.rules, self.manifest.screen.prompt)
        if found is None:
            dialog = self.dialog(look.screen)
            return (Claim(Activity.PERMISSION, "screen", f"a dialog is open: {dialog[:80]}"),) if dialog else ()
        rule, line = found
        if rule.activity is None:
            return (Claim(look.known_activity, "screen", f"{rule.why}, so what it did before is kept: {line[:60]}"),)
        # The end of a limit stands at the end of what is said, which may be some lines further on.
        said = look.screen.paragraph(line) if rule.activity is Activity.LIMITED else line
        return (Claim(rule.activity, "screen", f"{rule.why}: {said[:LONGEST_SAID]}"),)

    def hook_claims(self, look: Look) -> tuple[Claim, ...]:
        """What its last hook said, unless that is too long ago."""
        report = self._report(look)
        claim = report.claim(datetime.fromtimestamp(look.now_s, UTC)) if report is not None else None
        return (claim,) if claim is not None else ()

    def background(self, look: Look) -> tuple[str, ...]:
        """Work that goes on behind the conversation, in words."""
        return ()

    def last_said(self, agent: Agent) -> str:
        """The agent's last message on disk; empty for none."""
        from hive_tui.kinds import last_said

        return last_said.in_lines(Path(agent.transcript)) if agent.transcript else ""

    def draft(self, look: Look) -> str:
        """Text in the input box that was not sent."""
        return self.typed(look.screen)

    def typed(self, screen: Screen) -> str:
        """The text in the input box of a screen; empty where it shows none, or a hint of the agent's own."""
        rules = self.manifest.screen
        text = screen.draft(rules.prompt) if rules.prompt else ""
        return "" if rules.hint and re.match(rules.hint, text) else text

    def start_state(self, look: Look, session_id: str) -> StartState:
        """Whether an agent that was just started waits for its first prompt."""
        blocked = self.dialog(look.screen)
        if blocked:
            return StartState(False, blocked)
        rules = self.manifest.start
        return StartState(starting.has_prompt(look, rules.ready) and not starting.is_loading(look, rules.loading))

    def dialog(self, screen: Screen) -> str:
        """The question on the screen that a person has to answer before the agent can start."""
        for line in screen.bottom(20):
            if any(re.search(pattern, line) for pattern in self.manifest.start.dialogs):
                return line.strip()
        return ""

    def answer(self, dialog: str) -> Answer | None:
        """How a dialog of the start may be answered without a person; None if it may not."""
        return next((one for one in self.manifest.start.answers if re.search(one.pattern, dialog)), None)

    def start_failure(self, screen: Screen) -> str:
        """The line on the screen that says that the start failed."""
        for line in screen.bottom(30):
            if any(re.search(pattern, line) for pattern in self.manifest.start.failures):
                return line.strip()
        return ""

    def resume_command(self, argv: Sequence[str], session_id: str) -> tuple[str, ...]:
        """The command line that goes on with the conversation."""
        return commands.resumed(argv, self.manifest.resume, session_id)

    @property
    def can_begin_anew(self) -> bool:
        """Whether it is known how to start an agent of this kind with a new conversation."""
        return bool(self.manifest.resume.arguments and self.manifest.start.ready)

    def start_command(self, argv: Sequence[str]) -> tuple[str, ...]:
        """The command line that begins a new conversation, with the options of the old one."""
        return commands.resumed(argv, replace(self.manifest.resume, arguments=()), "")

    def session_files(self, agent: Agent) -> list[SessionFile]:
        """The files of the agent's conversation. Never keys or credentials."""
        if agent.transcript is None or agent.config_dir is None:
            return []
        path = Path(agent.transcript)
        if not path.is_file() or self.is_secret(path):
            return []
        folder = Path(agent.config_dir)
        member = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
        return [SessionFile(path, str(member))]

    def is_secret(self, path: Path) -> bool:
        """Whether the manifest forbids to copy the file."""
        return any(fnmatchcase(path.name, pattern) for pattern in self.manifest.config.never_copy)

    @property
    def tells_its_end(self) -> bool:
        """Whether its agents leave something by which a crash is told from an exit that was meant."""
        return bool(self.manifest.session.status_file or self.manifest.quit.session_said)

    def left_cleanly(self, agent: Agent, screen: Screen | None) -> bool | None:
        """Whether an agent whose process is gone has left by itself, and not crashed; None while it cannot be told.

        Here: it has removed its status file, or printed its farewell on the screen of its pane. Of a kind with neither,
        only that it was killed can be told: by the screen that it did not give back, and by the shell.
        """
        rules = self.manifest.session
        if not self.tells_its_end:
            return False if screen is None or farewell.was_killed(screen, agent.argv) else None
        if rules.status_file and status_file.is_gone(agent, rules.status_file, rules.status_id):
            return True
        farewell_with = self.manifest.quit.session_said
        return screen is not None and farewell.is_its_last_word(screen, farewell_with, agent.session_id or "")

    def session_said(self, screen: Screen) -> str | None:
        """The session id that the agent printed when it left."""
        return farewell.session_of(screen, self.manifest.quit.session_said)

    def _status(self, look: Look) -> Mapping[str, object] | None:
        rules = self.manifest.session
        if not rules.status_file:
            return None
        return status_file.of_tree(self.config_dir(look), rules.status_file, look.tree, rules.status_start)

    def _report(self, look: Look) -> HookReport | None:
        """The last report of its hooks, if that still counts."""
        report = look.hooks.of_process(self.name, look.root.id)
        if report is None and look.known_session is not None:
            report = look.hooks.of_session(self.name, look.known_session)
        return report if report is not None and report.expires_at.timestamp() > look.now_s else None

    def _is_overtaken(self, look: Look, others: Sequence[Claim]) -> bool:
        """Whether a hook said that a turn began, and title or screen now show that it is over."""
        report = self._report(look)
        if report is None or report.activity is not Activity.WORKING:
            return False
        is_old = look.now_s - report.at.timestamp() >= HOOK_TRUSTED_S
        return is_old and any(other.activity is Activity.IDLE for other in others)
