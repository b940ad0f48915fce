"""Settings: every knob with its unit and its default, read from one TOML file."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from platformdirs import user_config_path, user_data_path

from hive_tui import sleep_settings
from hive_tui.domain.durations import parse_duration
from hive_tui.domain.errors import ConfigError, HiveError
from hive_tui.domain.schedule import parse_backfill
from hive_tui.sleep_settings import ConsolidationSettings, HandoffSettings, LlmSettings

T = TypeVar("T")

SHORTEST_EVERY = timedelta(minutes=1)
DEFAULT_HINT = "Correct that line, or take it out to have the default."


@dataclass(frozen=True, slots=True)
class ObserverSettings:
    """How the panes are looked at."""

    every_s: float = 1.0
    """Seconds between two looks while a dashboard is open."""
    every_s_without_screen: float = 3.0
    """Seconds between two looks of `hive-tui serve`."""


@dataclass(frozen=True, slots=True)
class RecoverSettings:
    """What happens at a start after a crash."""

    on_start: str = "offer"
    """`offer` shows what could be recovered; `wake` does it at once."""


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How failed wakeups are tried again."""

    waits_s: tuple[float, ...] = (120.0, 600.0, 1800.0, 7200.0)
    """Seconds before each retry; as many retries as there are waits."""
    jitter: float = 0.25
    """Half-width of the random factor on each wait."""


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """How sleep windows are kept."""

    backfill: str = "once"
    """What becomes of times that were missed while nothing ran: `skip`, `once` (the latest) or `all(n)`."""


@dataclass(frozen=True, slots=True)
class TmuxSettings:
    """How tmux is talked to."""

    timeout_s: float = 5.0
    """Seconds without an answer after which the server counts as hung."""
    control_mode: bool = True
    """Dashboard and `serve` look through one standing client, and not by a new one each time."""


@dataclass(frozen=True, slots=True)
class CheckpointSettings:
    """What goes into checkpoints."""

    history_limit_mb: int = 200
    """Megabytes of git history up to which a checkpoint holds all of it."""
    untracked_limit_mb: int = 100
    """Megabytes up to which an untracked file, or a file in a folder without git, is taken along."""
    folder_limit_mb: int = 2000
    """Megabytes of untracked files, or of a folder without git, beyond which the rest is left out."""
    folder_limit_files: int = 100_000
    """Files of a folder without git beyond which the rest is left out."""
    every: str = "off"
    """A checkpoint of each awake agent so often (15m, 1h), if something changed; `off` for none but those of naps."""
    keep: int = 4
    """Newest valid checkpoints of each agent that are kept."""
    keep_daily: int = 7
    """Beyond those, one a day for so many days."""
    keep_weekly: int = 4
    """Beyond those, one a week for so many weeks."""
    quota_bytes: int = 20_000_000_000
    """Bytes for all checkpoint files but safety copies; 0 for no limit."""
    safety_days: int = 7
    """Days for which the safety copy of a restore is kept in any case."""
    safety_quota_bytes: int = 2_000_000_000
    """Bytes for the safety copies that are older."""


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """Restores into a scratch folder, to prove that checkpoints are of use."""

    every_days: int = 7
    """Days between two drills of an agent; 0 for none."""
    every_checkpoints: int = 20
    """A drill also after so many new checkpoints; 0 for none."""
    timeout_s: float = 600.0
    """Seconds after which a drill is given up."""
    limit_bytes: int = 5_000_000_000
    """Checkpoints with more content than that are drilled by hand only."""


@dataclass(frozen=True, slots=True)
class OffsiteSettings:
    """Copies of checkpoints in a second place."""

    destination: str = ""
    """A folder on another disk, or s3://BUCKET/PREFIX; empty for none."""
    endpoint: str = ""
    """Address of the object storage, where it is not Amazon's."""
    region: str = ""
    """Region of the object storage."""
    recipients: tuple[str, ...] = ()
    """Whom copies are encrypted for: age or ssh public keys. Object storage needs at least one."""
    identity: str = ""
    """File with the age identity that opens them; needed only to bring one back."""
    timeout_s: float = 60.0
    """Seconds without a byte after which the second place counts as hung."""
    only_after_days: int = 0
    """Days after which a checkpoint lives in the second place only; 0 for never."""


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Redis streams that belong to agents."""

    url: str = ""
    """`redis://`, `rediss://` or `unix://`; empty for none."""
    pattern: str = "agent:{name}:queue"
    """Which streams are an agent's; a glob pattern of Redis."""
    flag: str = "agent:{name}:quiesced"
    """A key that is there while the streams are read or put back: producers should wait."""
    required: bool = False
    """Without Redis no checkpoint and no wake."""
    timeout_s: float = 5.0
    """Seconds without an answer after which the server counts as hung."""
    patience_s: float = 30.0
    """Seconds after which reading or putting back is given up altogether."""
    entries_limit: int = 100_000
    """Of a stream with more entries, the newest are kept beside the dump."""
    size_limit_mb: int = 64
    """Megabytes up to which a stream is dumped."""


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Notifications."""

    desktop: bool = True
    """Show failures on the desktop."""
    needs_you: bool = True
    """Show there too when an agent begins to wait for you, unless you look at its pane."""
    sound: bool = False
    """Let the desktop make a noise with a notification."""
    bell: bool = False
    """Ring the terminal's bell of the dashboard with each notification."""


@dataclass(frozen=True, slots=True)
class UiSettings:
    """How the dashboard looks."""

    theme: str = "dark"
    """dark, light, contrast, terminal, terminal-light, or the name of a theme of Textual."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Settings of one agent, in `[agents.NAME]`."""

    wake_prelude: str = ""
    """Shell command before the resume command, for exports that a reboot takes away."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    observer: ObserverSettings = field(default_factory=ObserverSettings)
    recover: RecoverSettings = field(default_factory=RecoverSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    tmux: TmuxSettings = field(default_factory=TmuxSettings)
    checkpoint: CheckpointSettings = field(default_factory=CheckpointSettings)
    handoff: HandoffSettings = field(default_factory=HandoffSettings)
    consolidation: ConsolidationSettings = field(default_factory=ConsolidationSettings)
    llm: LlmSettings = field(default_factory=LlmSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    drill: DrillSettings = field(default_factory=DrillSettings)
    offsite: OffsiteSettings = field(default_factory=OffsiteSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    ui: UiSettings = field(default_factory=UiSettings)
    agents: Mapping[str, AgentSettings] = field(default_factory=dict)


def default_home() -> Path:
    """Where database and checkpoints lie: `HIVE_HOME`, or the platform's folder for user data."""
    named = os.environ.get("HIVE_HOME")
    return Path(named).expanduser() if named else user_data_path("hive-tui")


def default_config_file() -> Path:
    """The settings file: `HIVE_CONFIG`, or `config.toml` in the platform's folder for settings."""
    named = os.environ.get("HIVE_CONFIG")
    return Path(named).expanduser() if named else user_config_path("hive-tui") / "config.toml"


def load(file: Path, *, must_exist: bool = False) -> Settings:
    """Settings from a file; the defaults where there is none.

    Raises:
        ConfigError: Something is wrong; the sentence names file, line and key.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if must_exist:
            raise ConfigError(f"There is no settings file {file}.", hint="Check --config and HIVE_CONFIG.") from None
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigError(
            f"The settings file {file} cannot be read: {said}.", hint="Check --config and HIVE_CONFIG."
        ) from error
    return parse(text, file)


def parse(text: str, file: Path) -> Settings:
    """Settings from TOML text.

    Raises:
        ConfigError: Something is wrong; the sentence names file, line and key.
    """
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{file}:{_line_of(error, text)}: {error}.", hint="The file is TOML: `key = value` below `[table]`."
        ) from error
    reader = _Reader(file, text)
    agents = value.pop("agents", {})
    if not isinstance(agents, dict):
        raise reader.error(("agents",), "must be tables like [agents.NAME]")
    settings = reader.table(Settings, value, ())
    named = {name: reader.table(AgentSettings, table, ("agents", name)) for name, table in agents.items()}
    result = Settings(**{**{one.name: getattr(settings, one.name) for one in fields(settings)}, "agents": named})
    reader.check_values(result)
    return result


class _Reader:
    """Turns tables into dataclasses, and knows on which line each key stands."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._lines = _lines_of_keys(text)

    def error(self, path: tuple[str, ...], what: str, hint: str = "") -> ConfigError:
        line = next((self._lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._lines), None)
        where = f"{self._file}:{line}" if line else str(self._file)
        return ConfigError(f"{where}: {'.'.join(path)} {what}.", hint=hint or DEFAULT_HINT)

    def table(self, form: type[T], value: Any, path: tuple[str, ...]) -> T:
        if not isinstance(value, dict):
            raise self.error(path, "must be a table", hint=f"Write it as [{'.'.join(path)}].")
        hints = get_type_hints(form)
        known = {name for name in hints if name != "agents"}
        read: dict[str, Any] = {}
        for key, item in value.items():
            if key not in known:
                raise self.error((*path, key), "is not a setting", hint=f"Known here: {', '.join(sorted(known))}.")
            read[key] = self._value(hints[key], item, (*path, key))
        return form(**read)

    def _value(self, kind: Any, item: Any, path: tuple[str, ...]) -> Any:
        if is_dataclass(kind):
            return self.table(kind, item, path)  # type: ignore[arg-type]
        if kind is bool and isinstance(item, bool):
            return item
        if kind is float and isinstance(item, int | float) and not isinstance(item, bool) and abs(item) < 1e300:
            return float(item)
        if kind is int and isinstance(item, int) and not isinstance(item, bool):
            return item
        if kind is str and isinstance(item, str):
            return item
        if kind == tuple[float, ...] and isinstance(item, list):
            return tuple(self._value(float, one, path) for one in item)
        if kind == tuple[str, ...] and isinstance(item, list):
            return tuple(self._value(str, one, path) for one in item)
        words = {bool: "true or false", float: "a number", int: "a whole number", str: "a text in quotes"}
        words[tuple[str, ...]] = "a list of texts"
        raise self.error(
            path,
            f"is {item!r}, but must be {words.get(kind, 'a list of numbers')}",
        )

    def check_values(self, settings: Settings) -> None:
        positive: tuple[tuple[tuple[str, str], float], ...] = (
            (("observer", "every_s"), settings.observer.every_s),
            (("observer", "every_s_without_screen"), settings.observer.every_s_without_screen),
            (("tmux", "timeout_s"), settings.tmux.timeout_s),
            (("redis", "timeout_s"), settings.redis.timeout_s),
            (("redis", "patience_s"), settings.redis.patience_s),
            (("redis", "entries_limit"), settings.redis.entries_limit),
            (("redis", "size_limit_mb"), settings.redis.size_limit_mb),
            (("drill", "timeout_s"), settings.drill.timeout_s),
            (("offsite", "timeout_s"), settings.offsite.timeout_s),
            (("consolidation", "timeout_s"), settings.consolidation.timeout_s),
            (("llm", "timeout_s"), settings.llm.timeout_s),
            *((("retry", "waits_s"), wait) for wait in settings.retry.waits_s),
        )
        for path, number in positive:
            if not 0 < number < 1e7:
                raise self.error(path, f"is {number:g}, but must be above 0 and below ten million")
        self._check_checkpoints(settings)
        self._check_redis(settings.redis)
        if not 0 <= settings.retry.jitter < 1:
            raise self.error(("retry", "jitter"), f"is {settings.retry.jitter:g}, but must be from 0 to below 1")
        try:
            parse_backfill(settings.schedule.backfill)
        except HiveError as error:
            raise self.error(("schedule", "backfill"), f"is {settings.schedule.backfill!r}", error.hint) from error
        for path, what in sleep_settings.mistakes(settings.handoff, settings.consolidation, settings.llm):
            raise self.error(path, what)
        if settings.recover.on_start not in ("offer", "wake"):
            raise self.error(("recover", "on_start"), f"is {settings.recover.on_start!r}, but must be offer or wake")

    def _check_redis(self, redis: RedisSettings) -> None:
        if redis.url and not redis.url.startswith(("redis://", "rediss://", "unix://")):
            raise self.error(("redis", "url"), "must begin with redis://, rediss:// or unix://")
        for name in ("pattern", "flag"):
            if "{name}" not in getattr(redis, name):
                raise self.error(("redis", name), "must have {name} in it, which stands for the agent's name")

    def _check_checkpoints(self, settings: Settings) -> None:
        """Counts and sizes are not negative, and the rest is what it must be."""
        for table in ("checkpoint", "drill", "offsite"):
            for name, number in asdict(getattr(settings, table)).items():
                if isinstance(number, int) and number < 0:
                    raise self.error((table, name), f"is {number}, but must be 0 or more")
        if settings.checkpoint.keep < 1:
            raise self.error(("checkpoint", "keep"), "is 0, but must be 1 or more")
        if settings.checkpoint.every != "off":
            try:
                every = parse_duration(settings.checkpoint.every)
            except HiveError as error:
                raise self.error(("checkpoint", "every"), f"is {settings.checkpoint.every!r}", error.hint) from error
            if every < SHORTEST_EVERY:
                raise self.error(("checkpoint", "every"), f"is {settings.checkpoint.every!r}, but must be 1m or more")
        if settings.offsite.destination.startswith("s3://") and not settings.offsite.recipients:
            raise self.error(
                ("offsite", "recipients"),
                "is empty, but what goes to object storage is encrypted",
                'Make a key with `age-keygen`, and write its public part here: recipients = ["age1..."].',
            )


def _line_of(error: tomllib.TOMLDecodeError, text: str) -> int:
    """The line that `tomllib` names in its message; the last one where it says "at end of document"."""
    named = re.search(r"at line (\d+)", str(error))
    return int(named[1]) if named else max(1, len(text.splitlines()))


def _lines_of_keys(text: str) -> dict[tuple[str, ...], int]:
    """Line numbers of tables and keys; `tomllib` does not tell them."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line):
            table = _parts(header[1])
            found.setdefault(table, number)
        elif key := re.match(r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=", line):
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
