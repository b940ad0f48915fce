"""Manifests: what is known about a kind of agent, as data. `manifest_reader` reads and checks them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hive_tui.domain.agents import Activity
from hive_tui.kinds.screen import ScreenRule, TitleRule

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@dataclass(frozen=True, slots=True)
class ProcessRules:
    """How a process of this kind is known."""

    programs: tuple[str, ...] = ()
    """Names of the program, or of the script that an interpreter runs, without folder and ending."""
    not_endings: tuple[str, ...] = ()
    """Endings of scripts that share its name and are something else, like `.py` for a program in another language."""
    not_run_by: tuple[str, ...] = ()
    """Interpreters whose scripts of that name are something else: what a package installs has no ending. Of
    `python3.12`, the beginning is enough."""
    scripts: tuple[str, ...] = ()
    """Ends of paths of scripts whose names alone say nothing."""
    modules: tuple[str, ...] = ()
    """Modules, as in `python -m MODULE`."""
    not_commands: tuple[str, ...] = ()
    """Subcommands that are no conversation in a terminal."""
    not_options: tuple[str, ...] = ()
    """Options that make it run without a terminal."""
    shared: tuple[str, ...] = ()
    """Patterns of command lines of processes below it that other panes use too; never ended."""


@dataclass(frozen=True, slots=True)
class ConfigRules:
    """Where the kind keeps its files."""

    variable: str = ""
    """The environment variable that names the folder."""
    folder: str = ""
    """The folder below HOME without it."""
    below: str = ""
    """The folder below the one that `variable` names; empty where that is the one."""
    keep_env: tuple[str, ...] = ()
    """Environment variables, beside the common ones, that belong into a checkpoint. Never secrets."""
    never_copy: tuple[str, ...] = ()
    """Files, as glob patterns of their names, that no checkpoint takes; beside those that look like keys anyway."""
    empty_tables: tuple[str, ...] = ()
    """Tables of its databases that are empty in every copy: keys and accounts."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How the conversation of a running agent is known, in the order of these keys. Paths are below its folder."""

    id: str = UUID
    """Pattern of a session id."""
    status_file: str = ""
    """A JSON file that the agent writes about itself; `{pid}` stands for its process id."""
    status_id: str = "sessionId"
    """Key of the session id in it."""
    status_start: str = "procStart"
    """Key of the start time of its process (Linux: field 22 of its stat), which tells it from an older process."""
    status_activity: str = "status"
    """Key of what it does."""
    activities: Mapping[str, Activity] = field(default_factory=dict)
    """What its words for that mean."""
    transcripts: str = ""
    """Glob pattern of its transcripts; `{session_id}` stands for the id."""
    is_shown: bool = False
    """Whether a transcript of this folder whose last words stand on the screen is its own. JSON lines only."""


@dataclass(frozen=True, slots=True)
class ResumeRules:
    """How a conversation is resumed, and which of the first command's arguments are kept."""

    arguments: tuple[str, ...] = ()
    """`{session_id}` stands for the id."""
    drop: tuple[str, ...] = ()
    drop_with_value: tuple[str, ...] = ()
    with_value: tuple[str, ...] = ()
    """Options whose next argument is their value."""
    with_values: tuple[str, ...] = ()
    """Options that take all arguments up to the next option."""


@dataclass(frozen=True, slots=True)
class QuitRules:
    """How the agent is asked to exit."""

    method: str = "signal"
    """`signal` (SIGTERM to its topmost process) or `keys`."""
    keys: tuple[str, ...] = ()
    """For `keys`: each is typed literally or, if in angle brackets, pressed: `<Enter>`."""
    patience_s: float = 15.0
    """How long a graceful exit may take."""
    session_said: str = ""
    """Pattern whose group 1 is the session id that the agent prints when it exits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A dialog of the start that may be answered for the person, since nothing is allowed or changed by that."""

    pattern: str
    keys: tuple[str, ...]
    """Keys in tmux's names."""
    why: str


@dataclass(frozen=True, slots=True)
class StartRules:
    """What stands between a start and the first prompt."""

    patience_s: float = 60.0
    ready: str = ""
    """Pattern of a line that shows the prompt."""
    loading: tuple[str, ...] = ()
    """Patterns of lines beside the prompt that say that it cannot be used yet."""
    dialogs: tuple[str, ...] = ()
    """Patterns of questions that a person has to answer."""
    failures: tuple[str, ...] = ()
    """Patterns of lines that say that the start failed."""
    answers: tuple[Answer, ...] = ()
    """The dialogs that need no person."""


@dataclass(frozen=True, slots=True)
class ScreenRules:
    """What the screen shows."""

    prompt: str = ""
    """Glyph at the beginning of the input line."""
    hint: str = ""
    """Pattern of text that the agent itself puts into an empty input line."""
    rules: tuple[ScreenRule, ...] = ()


@dataclass(frozen=True, slots=True)
class TitleRules:
    """What the title of the pane says."""

    rules: tuple[TitleRule, ...] = ()


@dataclass(frozen=True, slots=True)
class TerminalRules:
    """What it reports to its terminal by escape sequences (OSC 7501 and 9;4)."""

    listen: bool = False
    """Whether that is heard at all, by a client of tmux in the session of its pane."""
    app: str = ""
    """What it calls itself there; empty for the name of the kind, `*` for whatever it is."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that is known about a kind as data."""

    name: str
    title: str
    process: ProcessRules
    config: ConfigRules
    session: SessionRules
    resume: ResumeRules
    quit: QuitRules
    start: StartRules
    screen: ScreenRules
    titles: TitleRules
    terminal: TerminalRules
