"""Reads the settings from one TOML file, and checks them."""

import os
from datetime import timedelta
from pathlib import Path

from msgspec import structs
from platformdirs import user_config_path, user_data_path

from hive_tui.domain.durations import parse_duration
from hive_tui.domain.errors import ConfigError, HiveError
from hive_tui.domain.schedule import parse_backfill
from hive_tui.domain.toml_tables import TomlReader, line_of
from hive_tui.settings import (
    AgentSettings,
    QueueSettings,
    RedisSettings,
    Settings,
    alerts,
    effects,
    http,
    measuring,
    naps,
    serving,
    sleep,
    vectors,
)
from hive_tui.settings.http import WebhookSettings
from hive_tui.settings.machine import ServiceSettings

SHORTEST_EVERY = timedelta(minutes=1)


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
    import tomllib  # where there is no file it is not needed

    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{file}:{line_of(error, text)}: {error}.", hint="The file is TOML: `key = value` below `[table]`."
        ) from error
    reader = _Reader(file, text)
    named = {
        "agents": reader.named(AgentSettings, value.pop("agents", {}), "agents"),
        "services": reader.named(ServiceSettings, value.pop("services", {}), "services"),
        "webhooks": reader.named(WebhookSettings, value.pop("webhooks", {}), "webhooks"),
    }
    settings = reader.table(Settings, value, ())
    result = structs.replace(settings, **named)
    reader.check_values(result)
    return result


class _Reader(TomlReader):
    """Reads the tables, and checks what is in them."""

    def check_values(self, settings: Settings) -> None:
        positive: tuple[tuple[tuple[str, str], float], ...] = (
            (("observer", "every_s"), settings.observer.every_s),
            (("observer", "every_s_without_screen"), settings.observer.every_s_without_screen),
            (("heartbeat", "sweep_s"), settings.heartbeat.sweep_s),
            *((("files", name), seconds) for name, seconds in structs.asdict(settings.files).items()),
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
        for path, what in sleep.mistakes(settings.handoff, settings.consolidation, settings.llm):
            raise self.error(path, what)
        for path, what in vectors.mistakes(settings.vectors):
            raise self.error(path, what)
        for mistaken, what in effects.mistakes(settings.effects):
            raise self.error(mistaken, what)
        for path, what in measuring.mistakes(settings.prices, settings.savings):
            raise self.error(path, what)
        self._check_naps(settings)
        for where, what in http.mistakes(settings.http, settings.webhooks):
            raise self.error(where, what)
        if settings.recover.on_start not in ("offer", "wake"):
            raise self.error(("recover", "on_start"), f"is {settings.recover.on_start!r}, but must be offer or wake")

    def _check_naps(self, settings: Settings) -> None:
        """What is said of naps that nobody asks for."""
        minutes = {name: one.idle_after_minutes or 0.0 for name, one in settings.agents.items()}
        for path, what in naps.mistakes(settings.idle, settings.limits, minutes):
            raise self.error(path, what)
        needs = {name: (*one.needs, *one.wants) for name, one in settings.agents.items()}
        default, is_named = Settings(), settings.services or any(needs.values())
        if is_named or (settings.idle_sleep, settings.models) != (default.idle_sleep, default.models):
            from hive_tui.settings import machine_checks

            for path, what in machine_checks.mistakes(settings.idle_sleep, settings.models, settings.services, needs):
                raise self.error(path, what)
        for path, what in (*serving.mistakes(settings.log), *alerts.mistakes(settings.alerts)):
            raise self.error(path, what)

    def _check_queue(self, queue: QueueSettings) -> None:
        """Nothing is negative, and no wait lasts longer than a day."""
        for name, number in structs.asdict(queue).items():
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
            for name, number in structs.asdict(getattr(settings, table)).items():
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
