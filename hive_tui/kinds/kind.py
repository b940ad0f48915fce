"""A kind of agent: what its manifest says, and what needs code. Subclasses know more."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Processes
from hive_tui.domain.processes import Process
from hive_tui.domain.sightings import Claim, Session
from hive_tui.kinds import commands
from hive_tui.kinds.manifest import Manifest
from hive_tui.kinds.screen import Screen

COMMON_ENV = re.compile(
    r"LANG|LC_[A-Z]+|TZ|TERM|COLORTERM|PATH|SHELL|EDITOR|VISUAL|VIRTUAL_ENV|CONDA_PREFIX|CONDA_DEFAULT_ENV|NVM_BIN"
    r"|XDG_CONFIG_HOME|XDG_DATA_HOME|XDG_STATE_HOME|NODE_OPTIONS|NO_COLOR"
)
"""Variables that may stand in a checkpoint for every kind. An allow-list: what is not here could be a secret."""


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

    def is_shared(self, argv: Sequence[str]) -> bool:
        """Whether a process below the agent serves other panes too."""
        line = " ".join(argv)
        return any(re.search(pattern, line) for pattern in self.manifest.process.shared)

    def config_dir(self, look: Look) -> Path:
        """Where this agent keeps its files."""
        named = look.environ.get(self.manifest.config.variable, "")
        return Path(named).expanduser() if named else look.home / self.manifest.config.folder

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
        return Session(None, "nothing is known about the conversations of this kind")

    def resumed_session(self, look: Look) -> Session | None:
        """The conversation that the command line asks for: all there is until the agent speaks for itself."""
        session_id = commands.value_of(look.argv, self.manifest.resume.arguments)
        if session_id is None:
            return None
        folder = self.config_dir(look)
        transcript = self.find_transcript(folder, session_id)
        return Session(session_id, "its command line", str(transcript), str(folder)) if transcript else None

    def find_transcript(self, config_dir: Path, session_id: str) -> Path | None:
        """The transcript of a conversation; None if it is not there."""
        return None

    def claims(self, look: Look) -> tuple[Claim, ...]:
        """What each source says that the agent does, the strongest first; never empty."""
        return (*self.screen_claims(look), Claim(Activity.UNKNOWN, "fallback", "nothing shows what it does"))

    def screen_claims(self, look: Look) -> tuple[Claim, ...]:
        """What the manifest's rules see on the screen."""
        found = look.screen.first_match(self.manifest.screen.rules, self.manifest.screen.prompt)
        if found is None:
            dialog = self.dialog(look.screen)
            return (Claim(Activity.PERMISSION, "screen", f"a dialog is open: {dialog[:80]}"),) if dialog else ()
        rule, line = found
        return (Claim(rule.activity, "screen", f"{rule.why}: {line[:80]}"),)

    def background(self, look: Look) -> tuple[str, ...]:
        """Work that goes on behind the conversation, in words."""
        return ()

    def draft(self, look: Look) -> str:
        """Text in the input box that was not sent."""
        prompt = self.manifest.screen.prompt
        return look.screen.draft(prompt) if prompt else ""

    def start_state(self, look: Look, session_id: str) -> StartState:
        """Whether an agent that was just started waits for its first prompt."""
        blocked = self.dialog(look.screen)
        if blocked:
            return StartState(False, blocked)
        ready = self.manifest.start.ready
        has_prompt = bool(ready) and any(re.search(ready, line) for line in look.screen.bottom(12))
        return StartState(has_prompt)

    def dialog(self, screen: Screen) -> str:
        """The question on the screen that a person has to answer before the agent can start."""
        for line in screen.bottom(20):
            if any(re.search(pattern, line) for pattern in self.manifest.start.dialogs):
                return line.strip()
        return ""

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
        if not path.is_file():
            return []
        folder = Path(agent.config_dir)
        member = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
        return [SessionFile(path, str(member))]

    def left_cleanly(self, agent: Agent, screen: Screen | None) -> bool:
        """Whether an agent whose process is gone has left by itself, and not crashed.

        Here: it printed its farewell on the screen of its pane (None where the pane is gone).
        """
        said = self.session_said(screen) if screen is not None else None
        return said is not None and said == agent.session_id

    def session_said(self, screen: Screen) -> str | None:
        """The session id that the agent printed when it left."""
        pattern = self.manifest.quit.session_said
        if not pattern:
            return None
        found = re.findall(pattern, "".join(line.strip() for line in screen.lines))
        return str(found[-1]) if found else None
