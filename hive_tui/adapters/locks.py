"""Locks that the kernel takes back when their holder dies, also by kill -9."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.errors import AgentBusy, StoreError
from hive_tui.domain.ports import Clock


class FileLock:
    """An flock on a file; the file's text says who holds it. It stays behind, empty of meaning."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def try_take(self, purpose: str) -> bool:
        """Take the lock if it is free; False if somebody holds it.

        Raises:
            StoreError: The file cannot be made or locked.
        """
        try:
            descriptor = self._locked_file()
        except OSError as error:
            raise StoreError(
                f"The lock file {self.path} cannot be used: {error.strerror or error}.",
                hint="Make its folder writable for you, or choose another --home.",
            ) from error
        if descriptor is None:
            return False
        self._descriptor = descriptor
        with suppress(OSError):  # on a full disk the lock holds all the same, only without a name on it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "purpose": purpose}).encode(), 0)
        return True

    def _locked_file(self) -> int | None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                return None
            raise
        return descriptor

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # a process that was forked meanwhile has the file open, too
            os.close(self._descriptor)
            self._descriptor = None

    def is_held(self) -> bool:
        """Whether anybody holds it, this process too."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            # Shared, so that two who only ask do not take each other for a holder.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    def successor(self) -> "FileLock":
        """The lock of one of those who wait for this one, which tells others that somebody does."""
        return FileLock(self.path.with_suffix(".next"))

    def holder(self) -> dict[str, object]:
        """What the holder wrote about itself: `pid` and `purpose`."""
        with suppress(OSError, ValueError):
            return dict(json.loads(self.path.read_text()))
        return {}


class AgentLocks:
    """One lock an agent, in a folder of the hive's home."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    @contextmanager
    def agent(self, agent_id: str, *, purpose: str, wait_s: float = 0.0) -> Iterator[None]:
        """Hold the agent's lock.

        Raises:
            AgentBusy: Another one holds it, and still did after `wait_s` seconds.
            StoreError: The lock's file cannot be made.
        """
        lock = self._lock(agent_id)
        # `held_agents` of another process may hold the lock for a blink, so one look is not enough.
        wait_s = max(wait_s, 0.2)
        if not wait_until(lambda: lock.try_take(purpose), timeout_s=wait_s, clock=self._clock):
            holder = lock.holder()
            raise AgentBusy(
                f"Another hive-tui works on this agent ({holder.get('purpose', 'unknown')}, "
                f"process {holder.get('pid', '?')}).",
                hint="Wait until it is done, then try again.",
            )
        try:
            yield
        finally:
            lock.release()

    def held_agents(self, agent_ids: Iterable[str]) -> set[str]:
        """Those of the agents whose lock somebody holds."""
        try:
            there = set(os.listdir(self._folder))  # noqa: PTH208 - at each look; most agents have no lock file yet
        except FileNotFoundError:
            return set()
        except OSError:
            there = None
        asked = (one for one in agent_ids if there is None or _name_of(one) in there)
        return {agent_id for agent_id in asked if self._lock(agent_id).is_held()}

    def _lock(self, agent_id: str) -> FileLock:
        return FileLock(self._folder / _name_of(agent_id))


def _name_of(agent_id: str) -> str:
    return f"agent-{agent_id}.lock"
