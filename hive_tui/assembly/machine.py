"""Puts together the parts that care for services and models; nothing of it is made while none are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.adapters.locks import FileLock
    from hive_tui.domain.agents import Agent
    from hive_tui.domain.events import Actor
    from hive_tui.domain.idle_sleep import IdleSleepPolicy
    from hive_tui.domain.models import ModelServer
    from hive_tui.domain.services import Look, Service, ServiceControl
    from hive_tui.hive import Hive
    from hive_tui.services.chores import Chore
    from hive_tui.services.idle_monitor import IdleMonitor
    from hive_tui.services.machine_view import MachineView
    from hive_tui.services.model_keeper import ModelKeeper
    from hive_tui.services.readiness import Readiness
    from hive_tui.services.service_keeper import ServiceKeeper
    from hive_tui.services.service_users import ServiceUsers

KEEP_EVERY_S = 5.0
REFRESH_EVERY_S = 10.0


class Machine:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive
        self._refreshed_s = float("-inf")
        self._refreshing = Lock()
        self._live: Mapping[str, tuple[Look, datetime]] = {}

    @property
    def is_on(self) -> bool:
        """Whether any service or model server is named in the settings."""
        models = self._hive.settings.models
        return bool(self._hive.settings.services or models.ollama or models.llama_cpp or models.llama_swap)

    @part
    def services(self) -> Mapping[str, Service]:
        from hive_tui.domain.services import Service

        found: dict[str, Service] = {}
        for name, one in sorted(self._hive.settings.services.items()):
            target = one.target or name
            is_redis = "redis" in f"{name} {target}".lower() if one.never_sleep is None else one.never_sleep
            idle = timedelta(minutes=one.idle_minutes) if one.idle_minutes else None
            commands = (one.start, one.stop, one.check, one.busy, one.health)
            patience = (one.start_timeout_s, one.stop_timeout_s)
            found[name] = Service(
                name, one.kind, target, one.ports, one.depends_on, idle, is_redis, *commands, *patience
            )
        return found

    @part
    def controls(self) -> Mapping[str, ServiceControl]:
        from hive_tui.adapters.services.command import CommandServices
        from hive_tui.adapters.services.docker import DockerServices
        from hive_tui.adapters.services.systemd import SystemdServices

        hive = self._hive
        wanted = hive.settings.idle_sleep
        return {
            "docker": DockerServices(wanted.docker, timeout_s=wanted.timeout_s),
            "systemd": SystemdServices(timeout_s=wanted.timeout_s),
            "command": CommandServices(self._folder, hive.processes, hive.clock, timeout_s=wanted.timeout_s),
        }

    @property
    def _folder(self) -> Path:
        return self._hive.home / "services"

    @part
    def servers(self) -> Mapping[str, ModelServer]:
        from hive_tui.adapters.model_servers.llama_cpp import LlamaCpp
        from hive_tui.adapters.model_servers.llama_swap import LlamaSwap
        from hive_tui.adapters.model_servers.ollama import Ollama

        wanted = self._hive.settings.models
        found: list[ModelServer] = []
        if wanted.ollama:
            keep_s = self.policy().keep_alive.total_seconds()
            found.append(
                Ollama(
                    wanted.ollama,
                    timeout_s=wanted.timeout_s,
                    load_timeout_s=wanted.load_timeout_s,
                    keep_alive_s=keep_s,
                )
            )
        for kind, address in ((LlamaCpp, wanted.llama_cpp), (LlamaSwap, wanted.llama_swap)):
            if address:
                found.append(kind(address, timeout_s=wanted.timeout_s, load_timeout_s=wanted.load_timeout_s))
        return {one.provider: one for one in found}

    @part
    def users(self) -> ServiceUsers:
        from hive_tui.services.service_users import Needs, ServiceUsers

        agents = self._hive.settings.agents
        needs = {name: Needs(one.needs, one.wants, one.models) for name, one in agents.items()}
        return ServiceUsers(self._hive.database, self.services, needs)

    @part
    def keeper(self) -> ServiceKeeper:
        from hive_tui.adapters.services.health import is_healthy
        from hive_tui.services.service_keeper import ServiceKeeper

        hive = self._hive
        return ServiceKeeper(
            hive.database, self.services, self.controls, is_healthy, self._lock_of, self.users, hive.clock, hive.hub
        )

    def _lock_of(self, name: str) -> FileLock:
        from hive_tui.adapters.locks import FileLock

        return FileLock(self._hive.home / "locks" / f"service-{name}.lock")

    @part
    def models(self) -> ModelKeeper:
        from hive_tui.services.model_keeper import ModelKeeper

        return ModelKeeper(self._hive.database, self.servers, self.users, self._hive.clock, self._hive.hub)

    @part
    def monitor(self) -> IdleMonitor:
        from hive_tui.services.idle_monitor import IdleMonitor

        hive = self._hive
        return IdleMonitor(hive.database, self.keeper, self.models, self.policy, hive.clock, hive.hub)

    @part
    def readiness(self) -> Readiness:
        from hive_tui.services.readiness import Readiness

        hive = self._hive
        return Readiness(hive.database, self.keeper, self.models, self.users, hive.clock, hive.hub)

    def ready_for(self, agent: Agent) -> None:
        """See to what a waking agent needs; see `Readiness`."""
        wanted = self._hive.settings.agents.get(agent.name)
        if wanted is not None and (wanted.needs or wanted.wants or wanted.models):
            self.readiness.ready_for(agent)

    def chores(self) -> tuple[Chore, ...]:
        """What the heartbeat does for it now and then; nothing, unless the settings name something."""
        from hive_tui.services.chores import Chore

        return (Chore("watch services and models", self._keep, KEEP_EVERY_S),) if self.is_on else ()

    def _keep(self) -> None:
        if self.policy().enabled or "monitor" in self.__dict__:
            self.monitor.keep()

    def policy(self) -> IdleSleepPolicy:
        """The figures that hold now: of the settings file, overruled by what a person has changed since."""
        from hive_tui.domain.idle_sleep import with_changes
        from hive_tui.services.idle_settings import CHANGES
        from hive_tui.settings.machine_checks import policy_of
        from hive_tui.store import settings

        changes = self._hive.database.read(settings.get, CHANGES, {})
        return with_changes(policy_of(self._hive.settings.idle_sleep), changes)

    def change_settings(self, actor: Actor | None = None, **changes: object) -> IdleSleepPolicy:
        """Change figures, from now on and in every process; what holds then.

        Args:
            actor: Who wants it.
            changes: `idleSleepEnabled`, `idleTimeout` (minutes), `modelKeepAlive` (hours), `idleCheckInterval`
                (minutes); None leaves one as it is.

        Raises:
            HiveError: A name is not known, or a value is out of its bounds.
        """
        from hive_tui.domain.idle_sleep import checked_changes
        from hive_tui.services.idle_settings import store_changes

        store_changes(self._hive.database, self._hive.hub, self._hive.clock, checked_changes(changes), actor)
        self._hive.doorbell.ring()
        return self.policy()

    def use_preset(self, name: str, actor: Actor) -> IdleSleepPolicy:
        """Take all figures of a preset, with its switch; what holds then. Raises HiveError for one not known."""
        from hive_tui.domain.errors import HiveError
        from hive_tui.domain.idle_sleep import PRESETS
        from hive_tui.services.idle_settings import store_changes

        if name not in PRESETS:
            raise HiveError(f"There is no preset {name!r}.", hint=f"There are {', '.join(PRESETS)}.")
        store_changes(self._hive.database, self._hive.hub, self._hive.clock, PRESETS[name], actor)
        self._hive.doorbell.ring()
        return self.policy()

    def sleep_service(self, name: str, actor: Actor, *, force: bool = False) -> bool:
        """Stop a service now, if nobody uses it; False if it did not run. Raises as `ServiceKeeper.stop`."""
        return self.keeper.stop(name, actor, force=force)

    def comes_back(self, name: str) -> str:
        """Why a service that was stopped by hand will be started again unasked, as a sentence; empty if it will not."""
        from hive_tui.domain.services import Desired, needed_by
        from hive_tui.store import services as service_store

        record = self._hive.database.read(service_store.get, name)
        awake = self.users.awake(name)
        if not self.policy().enabled or record.desired is Desired.OFF or not (awake or record.desired is Desired.ON):
            return ""
        why = "it is to be on" if record.desired is Desired.ON else needed_by(awake)
        return f"{why}, so the next look starts it again; `hive-tui services set {name} off` prevents that."

    def start_service(self, name: str, actor: Actor) -> None:
        """Start a service, and what it depends on, and wait until it is ready. Raises as `ensure_ready`."""
        self.keeper.find(name)
        self.keeper.ensure_ready([name], actor, asked=True)

    def unload_model(self, name: str, actor: Actor) -> str:
        """Unload a model, by `SERVER/MODEL` or its name alone; its key. Raises as `ModelKeeper.unload`."""
        return self.models.unload(name, actor)

    def refresh(self) -> None:
        """Look at all services and model servers now, for the eye: nothing is decided."""
        self._look_at(list(self.services.values()))
        self._refreshed_s = self._hive.clock.monotonic()
        if self.servers:
            self.models.look(self.policy())

    def _look_at(self, services: Sequence[Service]) -> None:
        from hive_tui.services.background import all_at_once

        live = dict(self._live)

        def look(service: Service) -> None:
            live[service.name] = (self.keeper.look(service), self._hive.clock.now())

        all_at_once("look at services", look, services)
        self._live = live

    def looked_at(self) -> MachineView:
        """All of them as they are now."""
        self.refresh()
        return self.view()

    def needs_of(self, agent: Agent) -> tuple[str, ...]:
        """What a waking agent needs, each with the state that it is in now, for a person."""
        from hive_tui.services.machine_view import needs_in_words

        wanted = self._hive.settings.agents.get(agent.name)
        if wanted is None or not (wanted.needs or wanted.wants or wanted.models):
            return ()
        needs = self.users.of(agent.name)
        self._look_at([self.services[name] for name in (*needs.services, *needs.wanted) if name in self.services])
        return needs_in_words(needs, self.view())

    def view(self) -> MachineView:
        """Services and models as they were last seen."""
        from hive_tui.domain.idle_sleep import preset_of
        from hive_tui.domain.services import ServiceRecord
        from hive_tui.services.machine_view import MachineView, ServiceView, seen
        from hive_tui.services.model_keeper import TROUBLE
        from hive_tui.store import models as model_store
        from hive_tui.store import services as service_store
        from hive_tui.store import settings

        database, policy = self._hive.database, self.policy()
        known = database.read(service_store.everything)
        records = {name: known.get(name) or ServiceRecord(name) for name in self.services}
        models = database.read(model_store.everything)
        return MachineView(
            self._hive.clock.now(),
            policy,
            preset_of(policy),
            tuple(
                ServiceView(one, seen(records[name], self._live.get(name)), self.users.awake(name))
                for name, one in self.services.items()
            ),
            tuple(one for one in models.values() if one.is_loaded and one.provider in self.servers),
            database.read(settings.get, TROUBLE, {}) if self.servers else {},
            tuple(self.servers),
            self._is_watched(policy),
        )

    def _is_watched(self, policy: IdleSleepPolicy) -> bool:
        from hive_tui.services.idle_monitor import SIGN
        from hive_tui.store import settings

        seen_at = self._hive.database.read(settings.updated_at, SIGN)
        if not (policy.enabled and self.is_on and seen_at):
            return False
        is_recent = self._hive.clock.now() - seen_at < 2 * policy.check + timedelta(minutes=1)
        return is_recent and self._hive.heartbeat_lock.is_held()

    def idle_status(self) -> dict[str, object]:
        """What `GET /admin/idle-status` answers."""
        from hive_tui.services.machine_view import idle_status

        if not self.policy().enabled:  # nobody looks by itself then
            with self._refreshing:  # and of many who ask at once one looks for all
                if self._hive.clock.monotonic() - self._refreshed_s >= REFRESH_EVERY_S:
                    self.refresh()
        return idle_status(self.view())
