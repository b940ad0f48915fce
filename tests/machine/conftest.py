"""A hive whose clock can be moved while real processes and servers run."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.agents import Activity, Lifecycle
from hive_tui.domain.services import ServiceRecord
from hive_tui.hive import Hive
from hive_tui.settings import AgentSettings, Settings
from hive_tui.settings.machine import IdleSleepSettings, ModelsSettings, ServiceSettings
from hive_tui.store import agents as agent_store
from hive_tui.store import journal
from hive_tui.store import services as service_store
from tests.migrated import home_with_database
from tests.ui.invented import agent

CALM = "import time\nwhile True: time.sleep(60)"
"""A program that does nothing."""


class MovedClock(SystemClock):
    """The machine's clock, ahead by as much as a test wants."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead.total_seconds()


class Rig:
    """A hive with services and models, its monitor called by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = MovedClock()
        self.services: dict[str, ServiceSettings] = {}
        self.agents: dict[str, AgentSettings] = {}
        self.idle_sleep: dict[str, Any] = {"enabled": True}
        self.models = ModelsSettings()
        self._hive: Hive | None = None

    @property
    def hive(self) -> Hive:
        if self._hive is None:
            self._hive = self.another()
        return self._hive

    def another(self) -> Hive:
        """Another process would see this hive."""
        settings = Settings(
            services=self.services,
            agents=self.agents,
            models=self.models,
            idle_sleep=IdleSleepSettings(**self.idle_sleep),
        )
        return Hive(home_with_database(self.folder / "home"), settings, str(self.folder / "no-tmux"), clock=self.clock)

    def check(self, *, minutes: float = 0.0) -> None:
        """Look now and then while so many minutes pass, as often as the monitor needs it to trust its counters."""
        left, step = minutes, 2.4 * self.hive.machine.policy().check_minutes
        while left > 0:
            self.clock.ahead += timedelta(minutes=min(step, left))
            left -= step
            self.hive.machine.monitor.check()
        if not minutes:
            self.hive.machine.monitor.check()

    def record(self, name: str) -> ServiceRecord:
        return self.hive.database.read(service_store.get, name)

    def said(self, kind: str = "*") -> list[str]:
        return [one.event.text for one in self.hive.database.read(journal.events, kinds=(kind,))]

    def put_agent(self, name: str, lifecycle: Lifecycle) -> None:
        now = self.clock.now()
        number = sum(map(ord, name))
        made = agent(number, name, now, lifecycle=lifecycle, activity=Activity.UNKNOWN)
        if any(one.id == made.id for one in self.hive.database.read(agent_store.everyone)):
            self.hive.database.write(agent_store.put, made)
        else:
            self.hive.database.write(agent_store.add, made, now=now)

    def pid(self, name: str) -> int:
        return int((self.folder / "home" / "services" / f"{name}.pid").read_text().split()[0])

    def close(self) -> None:
        end_services(self.folder / "home")
        if self._hive is not None:
            self._hive.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def end_services(home: Path) -> None:
    """End what was started as a service of that hive and still runs."""
    for file in (home / "services").glob("*.pid"):
        with suppress(OSError, ValueError):
            os.kill(int(file.read_text().split()[0]), signal.SIGKILL)


def program(code: str) -> str:
    """A start command for a small Python program."""
    return f"exec {sys.executable} -S -E -c '{code}'"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
