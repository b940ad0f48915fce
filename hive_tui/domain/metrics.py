"""Metrics: their names, units and what exactly each of them counts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

PREFIX = "hive_"
USEFUL_WITHIN = timedelta(minutes=30)
"""A wake after which the agent has got no answer of its model within that time was for nothing."""
GRACE = timedelta(minutes=2)
"""So long after a time is up, what was done before may still be read from transcripts."""
COMMITS_WITHIN = timedelta(hours=24)
"""Commits count as made after a wake until the next nap, and for so long at most."""
WATCHED_GAP = timedelta(minutes=15)
"""Two looks further apart than that say nothing about what was between them."""
LATENCY_BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
CHECKPOINT_BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Kind(StrEnum):
    """As in the exposition format of Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. Counters begin with the database and never fall; what they were made of may be purged."""

    name: str
    """In base units, without the prefix; of a counter without `_total`, too."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    """Beside `agent`."""
    is_per_agent: bool = True
    buckets: tuple[float, ...] = ()
    """Upper bounds, of a histogram."""

    @property
    def exported(self) -> str:
        """The name that monitoring sees."""
        return f"{PREFIX}{self.name}{'_total' if self.kind is Kind.COUNTER else ''}"

    @property
    def all_labels(self) -> tuple[str, ...]:
        """With `agent`, where it is about one."""
        return ("agent", *self.labels) if self.is_per_agent else self.labels


def _counter(name: str, text: str, *labels: str, per_agent: bool = True) -> Metric:
    return Metric(name, Kind.COUNTER, text, labels, per_agent)


def _gauge(name: str, text: str, *labels: str, per_agent: bool = True) -> Metric:
    return Metric(name, Kind.GAUGE, text, labels, per_agent)


STATE_SECONDS = _counter("state_seconds", "Seconds that the agent was seen asleep or awake.", "state")
WATCHED_SECONDS = _counter("watched_seconds", "Seconds that a heartbeat was watching.", per_agent=False)
NAP = _counter("nap", "Naps that ended with the agent asleep.")
NAP_REFUSED = _counter("nap_refused", "Naps that were refused or rolled back; the agent ran on.")
MEMORY_FREED = _counter("memory_freed_bytes", "Anonymous memory that naps gave back.")
WAKE = _counter(
    "wake", "Attempts to wake by who asked and what became of them: wake, skip, defer, failed.", "source", "verdict"
)
GATED = _counter("gated_wake", "Wakes that the gate skipped, by its rule.", "rule")
ALREADY_AWAKE = "already awake"
"""The rule of a wake that found its agent awake: it was for nothing, and cost nothing."""
WAKE_JUDGED = _counter(
    "wake_judged",
    "Wakes by use: useful (an answer of the model within 30 min), false (none, or asleep again without one),"
    " unknown (the agent's records tell no tokens).",
    "source",
    "use",
)
RESUME = _counter("resume", "Attempts that tried to bring a conversation back: ok or failed.", "result")
COMMIT = _counter("commit", "Commits that were made after wakes, as far as they were looked at.")
DUPLICATE_COMMIT = _counter(
    "duplicate_commit", "Commits after a wake whose change (patch-id) an earlier commit of that history holds already."
)
RETRY = _counter("retry", "Failed attempts that are tried again: wake or consolidation.", "operation")
TIMEOUT = _counter("timeout", "Attempts that failed since something did not answer in time.", "operation")
CHECKPOINT_BYTES = _counter("checkpoint_bytes", "Size of the checkpoint files that were written.")
CHECKPOINT_SECONDS = Metric(
    "checkpoint_seconds",
    Kind.HISTOGRAM,
    "Seconds that a checkpoint took, with reading it back.",
    buckets=CHECKPOINT_BUCKETS_S,
)
QUEUE_LATENCY = Metric(
    "queue_latency_seconds",
    Kind.HISTOGRAM,
    "Seconds from the moment at which a wakeup was due, or asked for if that was later, to its attempt.",
    buckets=LATENCY_BUCKETS_S,
)
TOKENS = _counter("tokens", "Tokens in the agents' records: input, cache_write, cache_read, output.", "kind")
CONSOLIDATION_RUNS = _counter("consolidation_runs", "Attempts of stages by how they ended.", "stage", "status")
CONSOLIDATION_TOKENS = _counter(
    "consolidation_tokens", "Tokens of conversations that went in, and of ledgers that came out.", "direction"
)
MODEL_TOKENS = _counter("consolidation_model_tokens", "Tokens that consolidation itself spent on a model.", "direction")
CONSOLIDATION_SECONDS = _counter("consolidation_seconds", "Seconds from begin to end of all stages.")
CPU_USED = _counter("offpeak_cpu_used_seconds", "CPU that consolidation used.")
CPU_ALLOTTED = _counter("offpeak_cpu_allotted_seconds", "CPU that it could have used while it ran.")

COUNTED = (
    STATE_SECONDS, WATCHED_SECONDS, NAP, NAP_REFUSED, MEMORY_FREED, WAKE, GATED, WAKE_JUDGED, RESUME, COMMIT,
    DUPLICATE_COMMIT, RETRY, TIMEOUT, CHECKPOINT_BYTES, CHECKPOINT_SECONDS, QUEUE_LATENCY, CONSOLIDATION_RUNS,
    CONSOLIDATION_TOKENS, MODEL_TOKENS, CONSOLIDATION_SECONDS, CPU_USED, CPU_ALLOTTED,
)  # fmt: skip
"""Those that are stored as sums."""

OPEN_HANDLES = _gauge("open_handles", "Open files of the agent's processes before its last nap, and after it.", "when")
OPEN_CONNECTIONS = _gauge("open_connections", "Their connected sockets before the last nap, and after it.", "when")
HOST_HANDLES = _gauge("host_open_handles", "Open files of the whole machine after the last nap.", per_agent=False)
LATEST = (OPEN_HANDLES, OPEN_CONNECTIONS, HOST_HANDLES)
"""Those of which the latest value is stored."""

ASLEEP = _gauge("agent_asleep", "1 while the agent sleeps, else 0.")
MEMORY_ASLEEP = _gauge("asleep_memory_bytes", "Memory that is free since the agent sleeps; 0 while it does not.")
QUEUE_DEPTH = _gauge("queue_depth", "Wakeups that are not finished.", per_agent=False)
SLEEP_RATE = _gauge("sleep_rate", "Share of the watched time of the last 24 h in which the agent slept.")
FALSE_WAKE_RATE = _gauge("false_wake_rate", "False wakes of the last 7 days among those that could be judged.")
RESUME_RATE = _gauge("resume_success_rate", "Attempts of the last 7 days that brought the conversation back.")
KEPT_RATIO = _gauge("consolidation_kept_ratio", "Ledger tokens for each token of conversation, last 7 days.")
OFFPEAK_SHARE = _gauge("offpeak_cpu_share", "CPU used of the allotted, last 7 days.", per_agent=False)
UPDATED = _gauge("metrics_updated_timestamp_seconds", "When a heartbeat counted last.", per_agent=False)
NOW = (
    ASLEEP, MEMORY_ASLEEP, QUEUE_DEPTH, SLEEP_RATE, FALSE_WAKE_RATE, RESUME_RATE, KEPT_RATIO, OFFPEAK_SHARE, UPDATED,
)  # fmt: skip
"""Those that are worked out when they are asked for."""

ALL: tuple[Metric, ...] = (*COUNTED, TOKENS, *LATEST, *NOW)


def joined(*values: str) -> str:
    """Values of labels as they are stored."""
    return ",".join(value.replace(",", " ") for value in values)


def parted(labels: str) -> tuple[str, ...]:
    """What `joined` was given, but for commas."""
    return tuple(labels.split(",")) if labels else ()


def bucket_of(value: float, bounds: Sequence[float]) -> str:
    """The upper bound of the bucket that a value falls into, as a label: `0.25`, or `+Inf`."""
    return next((f"{bound:g}" for bound in bounds if value <= bound), "+Inf")


def rule_of(verdict: str | None) -> str:
    """The rule in a verdict of the gate, which is written `skip: RULE: reason`."""
    return (verdict or "").partition(": ")[2].partition(": ")[0] or "unknown"


def verdict_of(outcome: str | None, verdict: str | None) -> str:
    """What became of an attempt in one word: wake, skip, defer or failed."""
    if outcome in ("skipped", "deferred"):
        return {"skipped": "skip", "deferred": "defer"}[outcome]
    if outcome == "failed" and (verdict or "").startswith("ask"):
        return "defer"  # nothing was tried: a person is asked first
    return "wake" if outcome == "succeeded" else "failed"
