"""What was done, as what it adds to the metrics. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hive_tui.domain import metrics as known
from hive_tui.domain.consolidation import Stage
from hive_tui.domain.errors import ErrorClass
from hive_tui.domain.metrics import Metric, bucket_of, joined, rule_of, verdict_of

US = 1e6


@dataclass(frozen=True, slots=True)
class Gain:
    """So much more of one metric; for a histogram, one observed value."""

    metric: Metric
    value: float = 1.0
    labels: tuple[str, ...] = ()


def parts(gain: Gain) -> Iterator[tuple[str, str, float]]:
    """Name, labels and value of each sum that it adds to."""
    name = gain.metric.name
    if not gain.metric.buckets:
        yield name, joined(*gain.labels), gain.value
        return
    yield f"{name}_bucket", bucket_of(gain.value, gain.metric.buckets), 1.0
    yield f"{name}_sum", "", gain.value
    yield f"{name}_count", "", 1.0


def of_started(body: Mapping[str, Any], at_us: int) -> Iterator[Gain]:
    """An attempt of a wakeup began."""
    if body.get("action") == "wake":
        due = max(int(body.get("due") or at_us), int(body.get("asked") or 0))
        yield Gain(known.QUEUE_LATENCY, max(0, at_us - due) / US)


def of_ended(body: Mapping[str, Any]) -> Iterator[Gain]:
    """An attempt of a wakeup ended."""
    if body.get("action") != "wake":
        return
    verdict = verdict_of(body.get("outcome"), body.get("verdict"))
    yield Gain(known.WAKE, labels=(str(body.get("source")), verdict))
    if verdict == "skip":
        yield Gain(known.GATED, labels=(rule_of(body.get("verdict")),))
    if verdict == "wake":
        yield Gain(known.RESUME, labels=("ok",))
    if verdict == "failed":
        yield Gain(known.RESUME, labels=("failed",))
        if body.get("next") is not None:
            yield Gain(known.RETRY, labels=("wake",))
        if body.get("class") == ErrorClass.TIMEOUT:
            yield Gain(known.TIMEOUT, labels=("wake",))


def of_consolidated(body: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[Gain]:
    """An attempt of a stage ended; `result` is what the stage told."""
    stage, status = str(body.get("stage")), str(body.get("status"))
    is_part = stage == Stage.VECTORS and status == "pending" and (result.get("made") or not result.get("failed"))
    again = "continued" if is_part else "retried"
    yield Gain(known.CONSOLIDATION_RUNS, labels=(stage, again if status == "pending" else status))
    if status == "pending" and not is_part:
        yield Gain(known.RETRY, labels=("consolidation",))
    if body.get("class") == ErrorClass.TIMEOUT:
        yield Gain(known.TIMEOUT, labels=("consolidation",))
    yield Gain(known.CPU_USED, _number(body.get("cpu")) / US)
    yield Gain(known.CPU_ALLOTTED, _number(body.get("allotted")) / US)
    if body.get("began") is not None and body.get("ended") is not None:
        yield Gain(known.CONSOLIDATION_SECONDS, max(0.0, _number(body["ended"]) - _number(body["began"])) / US)
    if stage == Stage.AUDIT and status == "done":
        yield Gain(known.CONSOLIDATION_TOKENS, _number(result.get("tokens_in")), ("in",))
        yield Gain(known.CONSOLIDATION_TOKENS, _number(result.get("tokens_out")), ("out",))
    if stage in (Stage.PROSE, Stage.VECTORS):  # whatever became of the answer: it was paid for
        yield Gain(known.MODEL_TOKENS, _number(result.get("tokens_in")), ("in",))
        yield Gain(known.MODEL_TOKENS, _number(result.get("tokens_out")), ("out",))


def of_nap(payload: Mapping[str, Any]) -> Iterator[Gain]:
    """An agent went to sleep."""
    yield Gain(known.NAP)
    yield Gain(known.MEMORY_FREED, _number(payload.get("freed_bytes")))


def of_checkpoint(took_s: float, size_bytes: int) -> Iterator[Gain]:
    """A checkpoint was taken."""
    yield Gain(known.CHECKPOINT_SECONDS, took_s)
    yield Gain(known.CHECKPOINT_BYTES, size_bytes)


def handles_of(payload: Mapping[str, Any]) -> Iterator[Gain]:
    """What a nap has found open, as values of which the latest counts; nothing where it was not looked at."""
    open_ = payload.get("open")
    if not isinstance(open_, Mapping):
        return
    for when in ("before", "after"):
        yield Gain(known.OPEN_HANDLES, _number(open_.get(f"handles_{when}")), (when,))
        yield Gain(known.OPEN_CONNECTIONS, _number(open_.get(f"connections_{when}")), (when,))
    if open_.get("host_handles_after") is not None:
        yield Gain(known.HOST_HANDLES, _number(open_.get("host_handles_after")))


@dataclass(frozen=True, slots=True)
class Seen:
    """How an agent was when it was looked at, and since when."""

    state: str
    """`asleep`, `awake`, or empty for neither: it crashed."""
    at: datetime
    since: datetime


def spans(before: Seen, now: Seen) -> Iterator[tuple[str, datetime, datetime]]:
    """What is known about the time between two looks: state, from, until. Nothing is guessed.

    Between looks that are far apart only a sleep is known that lasted all the while, or that lasts
    on since some moment. A clock that was set back gives nothing.
    """
    if now.at <= before.at:
        return
    is_close = now.at - before.at <= known.WATCHED_GAP
    is_asleep = now.state == "asleep"
    if before.state == now.state:
        if is_close or (is_asleep and now.since <= before.at):
            yield now.state, before.at, now.at
        return
    changed = min(max(now.since, before.at), now.at)
    if is_close:
        yield before.state, before.at, changed
    if is_close or is_asleep:
        yield now.state, changed, now.at


def _number(value: object) -> float:
    """A number of a record that may hold anything; what is none counts as 0."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value == value else 0.0
