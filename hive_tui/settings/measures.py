"""The unit of every setting, which of them belong together, and which are taken up at once."""

from collections.abc import Mapping
from typing import Any

SUFFIXES = (
    ("_s", "seconds"),
    ("_minutes", "minutes"),
    ("_hours", "hours"),
    ("_days", "days"),
    ("_mb", "MB"),
    ("_kb", "kB"),
    ("_bytes", "bytes"),
    ("_tokens", "tokens"),
    ("_env", "name of a variable"),
    ("_zone", "time zone"),
)
"""How names end that say their unit."""

PER_MILLION = "money per million tokens"
UNITS: Mapping[tuple[str, str], str] = {
    ("observer", "every_s_without_screen"): "seconds",
    ("retry", "jitter"): "share",
    ("queue", "breaker_failures"): "attempts",
    ("schedule", "backfill"): "skip, once or all(n)",
    ("recover", "on_start"): "offer or wake",
    ("checkpoint", "folder_limit_files"): "files",
    ("checkpoint", "every"): "duration, or off",
    ("checkpoint", "keep"): "checkpoints",
    ("checkpoint", "keep_daily"): "days",
    ("checkpoint", "keep_weekly"): "weeks",
    ("drill", "every_checkpoints"): "checkpoints",
    ("offsite", "verify_bytes_a_day"): "bytes a day",
    ("offsite", "destination"): "folder or address",
    ("offsite", "endpoint"): "address",
    ("offsite", "recipients"): "public keys",
    ("offsite", "identity"): "file",
    ("redis", "url"): "address",
    ("redis", "entries_limit"): "entries",
    ("idle", "available_below"): "share",
    ("idle", "stalled_above"): "share",
    ("limits", "most_unattended_wakes"): "agents",
    ("handoff", "default"): "resume, handoff or auto",
    ("consolidation", "when"): "nap, window or off",
    ("consolidation", "jobs"): "agents",
    ("consolidation", "cores"): "cores",
    ("consolidation", "nice"): "steps of priority",
    ("llm", "provider"): "anthropic or openai",
    ("llm", "url"): "address",
    ("llm", "per_hour"): "questions an hour",
    ("vectors", "url"): "address",
    ("vectors", "what"): "talk or all",
    ("vectors", "most_pieces"): "pieces of each agent",
    ("vectors", "batch"): "pieces in a request",
    ("vectors", "per_minute"): "requests a minute",
    ("prices", "input"): PER_MILLION,
    ("prices", "cache_write"): PER_MILLION,
    ("prices", "cache_read"): PER_MILLION,
    ("prices", "output"): PER_MILLION,
    ("prices", "currency"): "currency",
    ("alerts", "ntfy"): "address",
    ("alerts", "webhook"): "address",
    ("alerts", "quiet_from"): "time of day",
    ("alerts", "quiet_until"): "time of day",
    ("alerts", "escalate_to"): "desktop, ntfy or webhook",
    ("log", "level"): "info, warning or failure",
    ("log", "file"): "file",
    ("log", "keep"): "files",
    ("ui", "theme"): "theme",
    ("idle_sleep", "preset"): "name of a preset",
    ("idle_sleep", "cpu_below"): "share of a core",
    ("idle_sleep", "network_below"): "bytes a second",
    ("idle_sleep", "docker"): "address",
    ("models", "ollama"): "address",
    ("models", "llama_cpp"): "address",
    ("models", "llama_swap"): "address",
    ("http", "address"): "address",
    ("http", "hosts"): "names of hosts",
    ("http", "requests_per_s"): "requests a second",
    ("services", "kind"): "docker, systemd or command",
    ("services", "ports"): "TCP ports",
    ("services", "start"): "shell command",
    ("services", "stop"): "shell command",
    ("services", "check"): "shell command",
    ("services", "busy"): "shell command",
    ("services", "health"): "address or command",
    ("webhooks", "secret_file"): "file",
    ("webhooks", "signature"): "hive or github",
    ("agents", "wake_prelude"): "shell command",
    ("agents", "watch"): "files and folders",
}
"""Those whose names do not say it, or say something else."""

AT_ONCE = frozenset({("ui", "theme"), ("notify", "bell"), ("alerts", "osc9")})
"""What a dashboard takes up at once: how it looks and sounds. All else is put together once, at a start."""

TOGETHER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("alerts", ("quiet_from", "quiet_until", "quiet_zone")),
    ("alerts", ("escalate_minutes", "escalate_to")),
    ("llm", ("provider", "url", "model")),
    ("vectors", ("url", "model", "allow_remote")),
    ("offsite", ("destination", "recipients")),
    ("services", ("kind", "start")),
    ("webhooks", ("secret_file", "agents")),
)
"""Keys of a table that are right only together, so that they are asked for and written together."""


def unit_of(table: str, key: str, kind: Any) -> str:
    """The unit of a setting, or of each part of a list; for a text what it must be."""
    named = UNITS.get((table, key))
    if named is not None:
        return named
    if kind in (bool, bool | None):
        return "true or false"
    by_name = next((unit for suffix, unit in SUFFIXES if key.endswith(suffix)), None)
    if by_name is not None:
        return by_name
    return {str: "text", tuple[str, ...]: "list of words"}.get(kind, "")


def asked_with(table: str, key: str) -> tuple[str, ...]:
    """The keys that are asked for together with this one, and itself."""
    return next((keys for name, keys in TOGETHER if name == table and key in keys), (key,))
