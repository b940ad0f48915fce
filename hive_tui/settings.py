"""Every knob with its unit and its default."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hive_tui.nap_settings import IdleSettings, LimitSettings
from hive_tui.sleep_settings import ConsolidationSettings, HandoffSettings, LlmSettings


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
    idle_after_minutes: float | None = None
    """Minutes of idleness after which this agent naps; 0 for never, None as in `[idle]`."""


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
    idle: IdleSettings = field(default_factory=IdleSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
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
