"""Looks at the models of model servers, unloads the ones that nobody uses, and loads those that agents need."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.durations import in_words
from hive_tui.domain.errors import HiveError, NotFound
from hive_tui.domain.events import HEARTBEAT, Actor, Event, EventKind, Severity
from hive_tui.domain.idle_sleep import IdleSleepPolicy
from hive_tui.domain.models import (
    LEFT_ALONE,
    MOST_RELOADS,
    LoadedModel,
    ModelRecord,
    ModelServer,
    ModelServerFailed,
    keep_until,
    was_reloaded,
    was_used,
)
from hive_tui.domain.ports import Clock
from hive_tui.services.hub import Hub
from hive_tui.services.service_users import ServiceUsers
from hive_tui.store import journal, settings
from hive_tui.store import models as model_store
from hive_tui.store.database import Database

TROUBLE = "models.trouble"
"""Servers that gave no answer at the last look, by provider, with what they said."""
GONE_AFTER_S = 10.0
"""An unloaded model must not be seen any more after so long."""
FORGOTTEN_AFTER = timedelta(days=7)


class ModelKeeper:
    """The one way to the model servers.

    Args:
        servers: By provider.
        users: Which agents need which model.
    """

    def __init__(
        self, database: Database, servers: Mapping[str, ModelServer], users: ServiceUsers, clock: Clock, hub: Hub
    ) -> None:
        self._database = database
        self.servers = servers
        self._users = users
        self._clock = clock
        self._hub = hub

    def check(self, policy: IdleSleepPolicy) -> None:
        """Look at all servers once, and unload what has not been used for long; a failure stops nothing."""
        for key in self.look(policy):
            with suppress(ModelServerFailed):  # it has been told
                self._unload(self._database.read(model_store.everything)[key], HEARTBEAT, is_expired=True)
        self._database.write(model_store.forget, before=self._clock.now() - FORGOTTEN_AFTER)

    def look(self, policy: IdleSleepPolicy) -> list[str]:
        """Note what is loaded; the keys of the models whose time has come."""
        trouble: dict[str, str] = {}
        due: list[str] = []
        for server in self.servers.values():
            try:
                found = list(server.loaded())
            except ModelServerFailed as error:
                trouble[server.provider] = error.what
                found = []
            due += [key for key in self._note(server, found, policy) if server.can_unload]
            if server.why_not:
                trouble[server.provider] = f"{server.why_not}."
        if self._database.read(settings.get, TROUBLE, {}) != trouble:
            self._database.write(settings.put, TROUBLE, trouble, now=self._clock.now())
        return due

    def _note(self, server: ModelServer, found: Sequence[LoadedModel], policy: IdleSleepPolicy) -> list[str]:
        known = self._database.read(model_store.everything)
        due: list[str] = []
        for model in found:
            record = self._noted(known.get(model.key), model, policy)
            self._database.write(model_store.put, record)
            if record.keep_until is not None and not record.reason:
                due.append(model.key)
        here = {model.key for model in found}
        for key, record in known.items():
            if record.provider == server.provider and record.is_loaded and key not in here:
                gone = replace(
                    record, is_loaded=False, looked_at=self._clock.now(), keep_until=None, reason="not loaded"
                )
                self._database.write(model_store.put, gone)
        return due

    def _noted(self, before: ModelRecord | None, model: LoadedModel, policy: IdleSleepPolicy) -> ModelRecord:
        now = self._clock.now()
        record = before or ModelRecord(model.provider, model.name, last_used_at=now)
        is_back = was_reloaded(record, now, policy)
        if before is None or model.in_flight or was_used(record, model):
            record = replace(record, last_used_at=now)
        if is_back:
            record = replace(record, reloads=record.reloads + 1)
            self._tell_reload(record)
        record = replace(
            record,
            is_loaded=True,
            looked_at=now,
            size_bytes=model.size_bytes,
            vram_bytes=model.vram_bytes,
            expires_at=model.expires_at,
            used=model.used,
        )
        until, reason = keep_until(record, model, self._users.awake_with(model.key, model.name), policy, now)
        return replace(record, keep_until=until, reason=reason)

    def _tell_reload(self, record: ModelRecord) -> None:
        """A client that loads a model again and again is told of, and not fought."""
        after = in_words(self._clock.now() - (record.unloaded_at or self._clock.now()))
        text = f"Model {record.name} was loaded again by a client {after} after it was unloaded"
        if record.reloads >= MOST_RELOADS:
            text += f", for the {record.reloads}th time: it is left alone for {in_words(LEFT_ALONE)}"
        payload = {"model": record.name, "provider": record.provider, "reloads": record.reloads}
        self._tell(Event(EventKind.MODEL_RELOADED, text, severity=Severity.WARNING, payload=payload))

    def unload(self, name: str, actor: Actor) -> str:
        """Unload a model because a person wants it, by its key or its plain name; its key.

        Raises:
            NotFound: No such model is loaded.
            ModelServerFailed: It is not gone.
        """
        record = self._find_loaded(name)
        self._unload(record, actor, is_expired=False)
        return record.key

    def _find_loaded(self, name: str) -> ModelRecord:
        found: list[LoadedModel] = []
        failed: ModelServerFailed | None = None
        for server in self.servers.values():
            try:
                found += [one for one in server.loaded() if name in (one.key, one.name)]
            except ModelServerFailed as error:
                failed = error
        if not found and failed is not None:
            raise failed
        if len(found) != 1:
            problem = "is loaded by several servers" if found else "is not loaded"
            raise NotFound(f"Model {name!r} {problem}.", hint="`hive-tui models` lists what is loaded.")
        [model] = found
        known = self._database.read(model_store.everything).get(model.key)
        record = known or ModelRecord(model.provider, model.name)
        return replace(record, is_loaded=True, expires_at=model.expires_at, used=model.used)

    def _unload(self, record: ModelRecord, actor: Actor, *, is_expired: bool) -> None:
        server = self.servers[record.provider]
        payload = {"model": record.name, "provider": record.provider}
        try:
            if is_expired:
                current = next((one for one in server.loaded() if one.key == record.key), None)
                if current is None or was_used(record, current) or current.in_flight:
                    return  # it went, or was used, since the look
                text = f"Model {record.name} keep-alive expired, unloading..."
                self._tell(Event(EventKind.MODEL_EXPIRED, text, payload=payload))
            server.unload(record.name)
            self._confirm_gone(server, record)
        except ModelServerFailed as error:
            now = self._clock.now()
            self._database.write(
                model_store.put, replace(record, last_used_at=now, reason=f"not unloaded: {error.what}")
            )
            said = f"Model {record.name} was not unloaded: {error.what.rstrip('.')}"
            self._tell(Event(EventKind.MODEL_FAILED, said, actor=actor, severity=Severity.FAILURE, payload=payload))
            raise
        self._note_unloaded(record)
        idle = "idle " if is_expired else ""
        text = f"Successfully unloaded {idle}model {record.name}"
        self._tell(Event(EventKind.MODEL_UNLOADED, text, actor=actor, payload=payload))

    def _confirm_gone(self, server: ModelServer, record: ModelRecord) -> None:
        def is_gone() -> bool:
            return all(one.key != record.key for one in server.loaded())

        if not wait_until(is_gone, timeout_s=GONE_AFTER_S, clock=self._clock, every_s=0.2):
            raise ModelServerFailed(
                f"{server.provider} was told to unload {record.name}; {GONE_AFTER_S:g} s later it is still loaded.",
                hint="A client may have loaded it again at once.",
            )

    def _note_unloaded(self, record: ModelRecord) -> None:
        now = self._clock.now()
        is_long_ago = record.unloaded_at is not None and now - record.unloaded_at > LEFT_ALONE
        gone = replace(
            record,
            is_loaded=False,
            looked_at=now,
            unloaded_at=now,
            keep_until=None,
            reason="unloaded by hive-tui",
            reloads=0 if is_long_ago else record.reloads,
        )
        self._database.write(model_store.put, gone)

    def preload(self, names: Iterable[str], actor: Actor = HEARTBEAT) -> None:
        """Load models, by their keys, and wait for that.

        Raises:
            ModelServerFailed: One was not loaded; the others are.
        """
        failed: ModelServerFailed | None = None
        for name in names:
            try:
                self._preload(name, actor)
            except ModelServerFailed as error:
                failed = failed or error
                said = f"Model {name} was not loaded: {error.what.rstrip('.')}"
                self._tell(Event(EventKind.MODEL_FAILED, said, severity=Severity.WARNING, payload={"model": name}))
        if failed is not None:
            raise failed

    def _preload(self, key: str, actor: Actor) -> None:
        provider, _, name = key.partition("/")
        if provider not in self.servers or not name:
            if len(self.servers) != 1:
                known = ", ".join(self.servers) or "none, see [models]"
                raise ModelServerFailed(
                    f"{key!r} names no model server.", hint=f"Write SERVER/MODEL; there is: {known}."
                )
            [provider], name = self.servers, key
        server = self.servers[provider]
        if any(one.name == name for one in server.loaded()):
            return
        before = self._database.read(model_store.everything).get(f"{provider}/{name}")
        if before is not None:  # loaded by us: no client that loads it again
            self._database.write(model_store.put, replace(before, unloaded_at=None))
        server.preload(name)
        text = f"Model {name} was loaded"
        self._tell(Event(EventKind.MODEL_LOADED, text, actor=actor, payload={"model": name, "provider": provider}))

    def _tell(self, event: Event) -> None:
        with suppress(HiveError):
            self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)
