"""Runs a piece of work in a process of its own: at low priority, with a time limit, ended with all that it started."""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from tempfile import TemporaryFile
from threading import Event, Lock, Timer
from typing import IO, Any

from hive_tui.domain.errors import HiveError

MOST_SAID = 4_000_000
"""A worker that says more than that is taken for broken."""
GRACE_S = 2.0
KEPT_BYTES = 100_000_000
"""A worker that had more memory than that is not kept for the next piece of work."""
_IDLE_DISK = ("ionice", "-c", "3", "-t") if shutil.which("ionice") else ()
"""Where there is such a thing: the disk is for others first, too."""
_running: set["subprocess.Popen[bytes]"] = set()
"""Workers end with the program: it does not wait for the threads that wait for them."""


class WorkerFailed(HiveError):
    """The work was not done; nothing but its own output may be there."""


def run_worker(module: str, given: Mapping[str, Any], *, timeout_s: float, nice: int) -> dict[str, Any]:
    """Run a Python module that reads one JSON document a line and answers each with one, and wait for it.

    Args:
        module: Run as `python -m MODULE`.
        given: What it reads.
        timeout_s: Seconds after which it is killed with its process group.
        nice: Added to our own priority.

    Raises:
        WorkerFailed: It did not start, took too long, died, or said something else than a JSON object.
    """
    worker = _Worker(module, nice)
    try:
        return worker.ask(given, timeout_s)
    finally:
        worker.end()


class WorkerPool:
    """Like `run_worker`, but what it costs to start a process is paid once. For several threads."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._changing = Lock()

    def run(self, module: str, given: Mapping[str, Any], *, timeout_s: float, nice: int) -> dict[str, Any]:
        """As `run_worker`; a process that has failed in any way is not used again."""
        worker = self._hired(module, nice)
        try:
            result = worker.ask(given, timeout_s)
        except BaseException:
            worker.end()
            raise
        if worker.is_alive and result.get("memory_bytes", 0) <= KEPT_BYTES:
            with self._changing:
                self._idle.append(worker)
        else:
            worker.end()
        return result

    def dismiss(self) -> None:
        """End the processes that have nothing to do; the next piece of work starts another one."""
        with self._changing:
            gone, self._idle = self._idle, []
        for worker in gone:
            worker.end()

    def _hired(self, module: str, nice: int) -> "_Worker":
        with self._changing:
            for worker in self._idle:
                if worker.does == (module, nice):
                    self._idle.remove(worker)
                    if worker.is_alive:
                        return worker
                    worker.end()
                    break
        return _Worker(module, nice)


class _Worker:
    """One process, with a group of its own."""

    def __init__(self, module: str, nice: int) -> None:
        self.does = (module, nice)
        self._complaints: IO[bytes] = TemporaryFile()  # noqa: SIM115 - as long as the process; a pipe could get full
        command = [*_IDLE_DISK, "nice", "-n", str(nice), sys.executable, "-m", module]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=self._complaints, start_new_session=True
            )
        except OSError as error:
            self._complaints.close()
            raise WorkerFailed(f"A worker process did not start: {error.strerror}.") from error
        _running.add(self._process)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, given: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        late = Event()
        timer = Timer(timeout_s, self._expire, [late])
        timer.daemon = True
        timer.start()
        try:
            said = self._said(json.dumps(dict(given)).encode() + b"\n")
        finally:
            timer.cancel()
        if late.is_set():
            raise WorkerFailed(f"It was not done within {timeout_s:g} s and was stopped.", timed_out=True)
        return self._read(said)

    def _said(self, line: bytes) -> bytes:
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(OSError):  # it has ended without listening; what it said counts
            self._process.stdin.write(line)
            self._process.stdin.flush()
        return self._process.stdout.readline(MOST_SAID)

    def _expire(self, late: Event) -> None:
        late.set()
        self._kill()

    def _read(self, said: bytes) -> dict[str, Any]:
        with suppress(ValueError):
            result = json.loads(said)
            if isinstance(result, dict):
                if isinstance(result.get("error"), str):
                    raise WorkerFailed(result["error"])
                return result
        code = self._ended()
        self._complaints.seek(0)
        complaint = self._complaints.read(MOST_SAID).decode(errors="replace")
        last = complaint.strip().splitlines()[-1:] or ["it said nothing"]
        how = f"signal {-code}" if code < 0 else f"code {code}"
        # It sets itself an alarm, for when nobody is left to stop it.
        raise WorkerFailed(f"The worker process ended with {how}: {last[0][:300]}", timed_out=code == -signal.SIGALRM)

    def _ended(self) -> int:
        """How it ended; one that has said something else than it should is ended."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(GRACE_S)
        self._kill()
        return self._process.wait()

    def end(self) -> None:
        """End it and the group that was made for it, also where only a child of it is left."""
        _running.discard(self._process)
        self._kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


@atexit.register
def _end_all() -> None:
    for process in list(_running):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
