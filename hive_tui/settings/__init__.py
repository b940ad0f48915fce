"""Every knob with its unit and its default."""

from collections.abc import Mapping

from msgspec import Struct, field

from hive_tui.settings.alerts import AlertSettings
from hive_tui.settings.effects import EffectSettings
from hive_tui.settings.http import HttpSettings, WebhookSettings
from hive_tui.settings.machine import IdleSleepSettings, ModelsSettings, ServiceSettings
from hive_tui.settings.measuring import PriceSettings, SavingsSettings
from hive_tui.settings.naps import IdleSettings, LimitSettings
from hive_tui.settings.serving import LogSettings
from hive_tui.settings.sleep import ConsolidationSettings, HandoffSettings, LlmSettings
from hive_tui.settings.vectors import VectorSettings


class ObserverSettings(Struct, frozen=True):
    """How the panes are looked at."""

    every_s: float = 1.0
    """Seconds between two looks while a dashboard is open."""
    every_s_without_screen: float = 3.0
    """Seconds between two looks of `hive-tui serve`."""
    stale_after_s: float = 600.0
    """Seconds without a sign of life after which an agent that should work is told to be stale; 0 for never."""


class HeartbeatSettings(Struct, frozen=True):
    """How the heartbeat beats."""

    sweep_s: float = 60.0
    """The longest time in seconds between two rounds, whatever is due; nothing is overlooked for longer."""


class EventSettings(Struct, frozen=True):
    """The event log."""

    keep_days: int = 90
    """Days after which events are forgotten; 0 for never."""


class FileSettings(Struct, frozen=True):
    """Wakes for files that change; which ones is in `[agents.NAME] watch`."""

    quiet_s: float = 2.0
    """Seconds without a change after which changes have settled."""
    longest_s: float = 30.0
    """Seconds after the first change after which they are not waited for any longer."""
    poll_s: float = 10.0
    """Seconds between two looks, where the system does not tell of changes."""


class RecoverSettings(Struct, frozen=True):
    """What happens at a start after a crash."""

    on_start: str = "offer"
    """`offer` shows what could be recovered; `wake` does it at once."""


class RetrySettings(Struct, frozen=True):
    """How failed wakeups are tried again."""

    waits_s: tuple[float, ...] = (120.0, 600.0, 1800.0, 7200.0)
    """Seconds before each retry; as many retries as there are waits."""
    jitter: float = 0.25
    """Half-width of the random factor on each wait."""


class QueueSettings(Struct, frozen=True):
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


class ScheduleSettings(Struct, frozen=True):
    """How sleep windows are kept."""

    backfill: str = "once"
    """What becomes of times that were missed while nothing ran: `skip`, `once` (the latest) or `all(n)`."""


class TmuxSettings(Struct, frozen=True):
    """How tmux is talked to."""

    timeout_s: float = 5.0
    """Seconds without an answer after which the server counts as hung."""
    control_mode: bool = True
    """Dashboard and `serve` look through one standing client, and not by a new one each time."""
    terminal_status: bool = True
    """They hear what agents report by escape sequences (OSC 7501, 9;4), by one more client in each of their sessions.
    Needs `control_mode`."""


class CheckpointSettings(Struct, frozen=True):
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


class DrillSettings(Struct, frozen=True):
    """Restores into a scratch folder, to prove that checkpoints are of use."""

    every_days: int = 7
    """Days between two drills of an agent; 0 for none."""
    every_checkpoints: int = 20
    """A drill also after so many new checkpoints; 0 for none."""
    timeout_s: float = 600.0
    """Seconds after which a drill is given up."""
    limit_bytes: int = 5_000_000_000
    """Checkpoints with more content than that are drilled by hand only."""


class OffsiteSettings(Struct, frozen=True):
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


class RedisSettings(Struct, frozen=True):
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


class NotifySettings(Struct, frozen=True):
    """Notifications."""

    desktop: bool = True
    """Show failures on the desktop."""
    needs_you: bool = True
    """Show there too when an agent begins to wait for you, unless you look at its pane."""
    done: bool = True
    """And when it has finished a turn, unless you look at its pane."""
    last_words: bool = True
    """With the agent's last sentence. It goes to the desktop of this machine alone."""
    sound: bool = False
    """Let the desktop make a noise with a notification."""
    bell: bool = False
    """Ring the terminal's bell of the dashboard with each notification."""


class UiSettings(Struct, frozen=True):
    """How the dashboard looks."""

    theme: str = "dark"
    """dark, light, contrast, terminal, terminal-light, or the name of a theme of Textual."""


class AgentSettings(Struct, frozen=True):
    """Settings of one agent, in `[agents.NAME]`."""

    wake_prelude: str = ""
    """Shell command before the resume command, for exports that a reboot takes away."""
    watch: tuple[str, ...] = ()
    """Files and folders, below the agent's or absolute, that wake it when they change while it sleeps."""
    idle_after_minutes: float | None = None
    """Minutes of idleness after which this agent naps; 0 for never, None as in `[idle]`."""
    needs: tuple[str, ...] = ()
    """Services that must be ready before it is woken, and are not stopped while it is awake."""
    wants: tuple[str, ...] = ()
    """The same, but it is woken also where one of them does not get ready."""
    models: tuple[str, ...] = ()
    """Models that are loaded when it is woken, and kept while it is awake: `ollama/llama3:8b`."""


class Settings(Struct, frozen=True):
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
    vectors: VectorSettings = field(default_factory=VectorSettings)
    effects: EffectSettings = field(default_factory=EffectSettings)
    prices: PriceSettings = field(default_factory=PriceSettings)
    savings: SavingsSettings = field(default_factory=SavingsSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    drill: DrillSettings = field(default_factory=DrillSettings)
    offsite: OffsiteSettings = field(default_factory=OffsiteSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    log: LogSettings = field(default_factory=LogSettings)
    ui: UiSettings = field(default_factory=UiSettings)
    idle_sleep: IdleSleepSettings = field(default_factory=IdleSleepSettings)
    models: ModelsSettings = field(default_factory=ModelsSettings)
    services: Mapping[str, ServiceSettings] = field(default_factory=dict)
    http: HttpSettings = field(default_factory=HttpSettings)
    agents: Mapping[str, AgentSettings] = field(default_factory=dict)
    webhooks: Mapping[str, WebhookSettings] = field(default_factory=dict)
