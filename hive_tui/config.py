"""Settings: every knob with its unit and its default, read from one TOML file."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import timedelta
from pathlib import Path

from platformdirs import user_config_path, user_data_path

from hive_tui import sleep_settings
from hive_tui.domain.durations import parse_duration
from hive_tui.domain.errors import ConfigError, HiveError
from hive_tui.domain.schedule import parse_backfill
from hive_tui.domain.toml_tables import TomlReader, line_of
from hive_tui.sleep_settings import ConsolidationSettings, HandoffSettings, LlmSettings

SHORTEST_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ObserverSettings:
    """How the panes are looked at."""

    every_s: float = 1.0
    """Seconds between two looks while a dashboard is open."""
    every_s_without_screen: float = 3.0
    """Seconds between two looks of `hive-tui serve`."""
    stale_after_s: float = 600.0
    """Seconds without a sign of life after which an agent that should work is told to be stale; 0 for never."""


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """How the heartbeat beats."""

    sweep_s: float = 60.0
    """The longest time in seconds between two rounds, whatever is due; nothing is overlooked for longer."""


@dataclass(frozen=True, slots=True)
class EventSettings:
    """The event log."""

    keep_days: int = 90
    """Days after which events are forgotten; 0 for never."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """Wakes for files that change; which ones is in `[agents.NAME] watch`."""

    quiet_s: float = 2.0
    """Seconds without a change after which changes have settled."""
    longest_s: float = 30.0
    """Seconds after the first change after which they are not waited for any longer."""
    poll_s: float = 10.0
    """Seconds between two looks, where the system does not tell of changes."""


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
class QueueSettings:
    """When a due wakeup starts its agent, and how long the queue remembers. 0 switches a wait off."""

    debounce_s: float = 2.0
    """Seconds without another request after which a burst of events from outside counts as over."""
    debounce_most_s: float = 30.0
    """Seconds after which a burst that does not end is taken as it is."""
    cooldown_s: float = 30.0
    """Seconds after a wake in which nothing but a person or a recovery wakes the agent again."""
    duplicate_s: float = 60.0
    """Seconds after a wake in which an event from outside that says the same is taken for the same."""
    stagger_s: float = 10.0
    """Seconds over which wakes of several agents at the same time are spread; no person waits for it."""
    breaker_failures: int = 5
    """Failed attempts in a row after which an agent is left alone for a while; 0 for never."""
    breaker_s: float = 900.0
    """Seconds for which it is left alone the first time; each further failure doubles them, up to eight times."""
    keep_days: int = 30
    """Days for which wakeups that have ended are kept; 0 for ever."""


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
    verify_every_days: int = 30
    """Days after which each copy there is read again; 0 for never."""
    verify_bytes_a_day: int = 1_000_000_000
    """Bytes a day that are read for that; a single larger copy is read nevertheless."""


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
    wake_key: str = "hive:agent:{name}:wake_signal"
    """A key that wakes the agent when it is set; empty for none."""
    wake_stream: str = "hive:wakeups"
    """A stream whose entries wake agents; empty for none."""
    wake_group: str = "hive-tui"
    """The group that reads it."""
    publish: str = "hive:events"
    """A channel that is told of every event; empty for none."""


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
    watch: tuple[str, ...] = ()
    """Files and folders, below the agent's or absolute, that wake it when they change while it sleeps."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    observer: ObserverSettings = field(default_factory=ObserverSettings)
    heartbeat: HeartbeatSettings = field(default_factory=HeartbeatSettings)
    events: EventSettings = field(default_factory=EventSettings)
    files: FileSettings = field(default_factory=FileSettings)
    recover: RecoverSettings = field(default_factory=RecoverSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
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


def kinds_folder(file: Path) -> Path:
    """The folder beside the settings file that holds the person's own manifests of kinds."""
    return file.parent / "kinds"


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
            f"{file}:{line_of(error, text)}: {error}.", hint="The file is TOML: `key = value` below `[table]`."
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


class _Reader(TomlReader):
    """Reads the tables, and checks what is in them."""

    def check_values(self, settings: Settings) -> None:
        positive: tuple[tuple[tuple[str, str], float], ...] = (
            (("observer", "every_s"), settings.observer.every_s),
            (("observer", "every_s_without_screen"), settings.observer.every_s_without_screen),
            (("heartbeat", "sweep_s"), settings.heartbeat.sweep_s),
            *((("files", name), seconds) for name, seconds in asdict(settings.files).items()),
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
        self._check_queue(settings.queue)
        if settings.observer.stale_after_s < 0:
            raise self.error(("observer", "stale_after_s"), "must be 0 or more")
        if settings.events.keep_days < 0:
            raise self.error(("events", "keep_days"), "must be 0 or more")
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

    def _check_queue(self, queue: QueueSettings) -> None:
        """Nothing is negative, and no wait lasts longer than a day."""
        for name, number in asdict(queue).items():
            if not 0 <= number <= 86_400:
                raise self.error(("queue", name), f"is {number:g}, but must be from 0 to 86400")
        if queue.breaker_s == 0:
            raise self.error(("queue", "breaker_s"), "is 0, but must be above 0", "breaker_failures = 0 is for never.")

    def _check_redis(self, redis: RedisSettings) -> None:
        if redis.url and not redis.url.startswith(("redis://", "rediss://", "unix://")):
            raise self.error(("redis", "url"), "must begin with redis://, rediss:// or unix://")
        for name in ("pattern", "flag", "wake_key"):
            if "{name}" not in getattr(redis, name) and (redis.wake_key or name != "wake_key"):
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
