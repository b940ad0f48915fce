"""The metrics as text that Prometheus reads (text exposition format 0.0.4)."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hive_tui.domain import metrics as known
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.metrics import Kind, Metric, parted
from hive_tui.store import agents as agent_store
from hive_tui.store import metrics as store
from hive_tui.store import wakeups
from hive_tui.store.values import to_us

FORGOTTEN = "(forgotten)"
"""In place of the name: of all agents that are not in the registry any more together."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of the exposition."""

    metric: Metric
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    suffix: str = ""
    """`_bucket`, `_sum` or `_count` of a histogram."""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        name = f"{self.metric.exported}{self.suffix}"
        return {"name": name, "type": str(self.metric.kind), "labels": dict(self.labels), "value": self.value}


def samples(db: sqlite3.Connection, *, now: datetime, agent_id: str | None = None) -> list[Sample]:
    """All metrics that have a value, family by family; of one agent if that is named."""
    agents = [one for one in agent_store.everyone(db) if agent_id in (None, one.id)]
    names = {one.id: one.name for one in agents}
    found = [*_counted(db, names, agent_id), *_tokens(db, names, agent_id), *_latest(db, names)]
    found += _now(db, agents, now)
    order = {metric.name: place for place, metric in enumerate(known.ALL)}
    return sorted(found, key=lambda one: order[one.metric.name])  # the sort is stable


def text_of(found: list[Sample]) -> str:
    """The exposition; each family with its HELP and TYPE, also one without a value."""
    by_name: dict[str, list[Sample]] = defaultdict(list)
    for one in found:
        by_name[one.metric.name].append(one)
    lines: list[str] = []
    for metric in known.ALL:
        lines.append(f"# HELP {metric.exported} {_escaped(metric.help, quotes=False)}")
        lines.append(f"# TYPE {metric.exported} {metric.kind}")
        lines += [_line(one) for one in by_name[metric.name]]
    return "\n".join(lines) + "\n"


def _line(one: Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in one.labels)
    return f"{one.metric.exported}{one.suffix}{f'{{{labels}}}' if labels else ''} {_number(one.value)}"


def _escaped(text: str, *, quotes: bool = True) -> str:
    # A name may hold bytes that are no UTF-8, which no monitoring reads.
    text = text.encode(errors="backslashreplace").decode().replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quotes else text


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _counted(db: sqlite3.Connection, names: Mapping[str, str], only: str | None) -> Iterator[Sample]:
    sums: dict[tuple[str, str, str], float] = defaultdict(float)
    for one in store.sums(db, "ever", agent_id=only):
        owner = names.get(one.agent_id, FORGOTTEN) if one.agent_id else ""
        sums[one.name, owner, one.labels] += one.value
    for metric in known.COUNTED:
        if metric.kind is Kind.HISTOGRAM:
            yield from _histograms(metric, sums)
            continue
        for (name, owner, labels), value in sorted(sums.items()):
            if name == metric.name:
                yield Sample(metric, value, _labels(metric, owner, parted(labels)))


def _histograms(metric: Metric, sums: Mapping[tuple[str, str, str], float]) -> Iterator[Sample]:
    """Buckets add up to the one above, as Prometheus wants them."""
    for owner in sorted({owner for name, owner, _ in sums if name == f"{metric.name}_count"}):
        mine = _labels(metric, owner, ())
        total = 0.0
        for bound in (*(f"{one:g}" for one in metric.buckets), "+Inf"):
            total += sums.get((f"{metric.name}_bucket", owner, bound), 0.0)
            yield Sample(metric, total, (*mine, ("le", bound)), "_bucket")
        for suffix in ("_sum", "_count"):
            yield Sample(metric, sums.get((f"{metric.name}{suffix}", owner, ""), 0.0), mine, suffix)


def _labels(metric: Metric, owner: str, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    given = ((owner, *values) if metric.is_per_agent else values) + ("",) * len(metric.all_labels)
    return tuple(zip(metric.all_labels, given, strict=False))


def _tokens(db: sqlite3.Connection, names: Mapping[str, str], only: str | None) -> Iterator[Sample]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for owner, *counts in store.tokens_ever(db):
        if only in (None, owner):
            for kind, count in zip(("input", "cache_write", "cache_read", "output"), counts, strict=True):
                sums[names.get(owner, FORGOTTEN), kind] += count
    for (name, kind), count in sums.items():
        yield Sample(known.TOKENS, count, (("agent", name), ("kind", kind)))


def _latest(db: sqlite3.Connection, names: Mapping[str, str]) -> Iterator[Sample]:
    metrics = {metric.name: metric for metric in known.LATEST}
    for one in store.latest(db):
        metric = metrics.get(one.name)
        if metric is not None and (not metric.is_per_agent or one.agent_id in names):
            yield Sample(metric, one.value, _labels(metric, names.get(one.agent_id, ""), parted(one.labels)))


def _now(db: sqlite3.Connection, agents: list[Agent], now: datetime) -> Iterator[Sample]:
    for agent in agents:
        is_asleep = agent.lifecycle is Lifecycle.ASLEEP
        mine = (("agent", agent.name),)
        yield Sample(known.ASLEEP, float(is_asleep), mine)
        yield Sample(known.MEMORY_ASLEEP, agent.freed_bytes if is_asleep else 0, mine)
    yield Sample(known.QUEUE_DEPTH, wakeups.depth(db))
    yield from _rates(db, {agent.id: agent.name for agent in agents}, now)
    counted = store.mark(db, "counted")
    if counted is not None:
        yield Sample(known.UPDATED, counted[0] / 1e6)


def _rates(db: sqlite3.Connection, names: Mapping[str, str], now: datetime) -> Iterator[Sample]:
    """Shares over the last hours and days; none where nothing was counted."""
    tops: tuple[tuple[Metric, str, tuple[str, ...], tuple[str, ...], timedelta], ...] = (
        (known.SLEEP_RATE, known.STATE_SECONDS.name, ("asleep",), ("asleep", "awake"), DAY),
        (known.FALSE_WAKE_RATE, known.WAKE_JUDGED.name, ("false",), ("false", "useful"), WEEK),
        (known.RESUME_RATE, known.RESUME.name, ("ok",), ("ok", "failed"), WEEK),
        (known.KEPT_RATIO, known.CONSOLIDATION_TOKENS.name, ("out",), ("in",), WEEK),
    )
    for metric, name, above, below, span in tops:
        sums: dict[tuple[str, str], float] = defaultdict(float)
        for one in store.sums(db, "hour", (name,), since=_hour(now - span)):
            sums[one.agent_id, (parted(one.labels) or ("",))[-1]] += one.value
        for agent_id in dict.fromkeys(owner for owner, _ in sums if owner in names):
            whole = sum(sums[agent_id, label] for label in below)
            if whole:
                share = sum(sums[agent_id, label] for label in above) / whole
                yield Sample(metric, share, (("agent", names[agent_id]),))
    cpu: dict[str, float] = defaultdict(float)
    for one in store.sums(db, "hour", (known.CPU_USED.name, known.CPU_ALLOTTED.name), since=_hour(now - WEEK)):
        cpu[one.name] += one.value
    if cpu[known.CPU_ALLOTTED.name]:
        yield Sample(known.OFFPEAK_SHARE, cpu[known.CPU_USED.name] / cpu[known.CPU_ALLOTTED.name])


def _hour(at: datetime) -> int:
    return to_us(at) // store.HOUR_US
