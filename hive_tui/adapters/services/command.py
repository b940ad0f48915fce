"""Services that are plain commands: started, watched and stopped by hive-tui itself, or by commands of their own."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from hive_tui.adapters.clock import wait_until
from hive_tui.adapters.services import sockets
from hive_tui.adapters.services.health import run
from hive_tui.domain.ports import Clock, Processes
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.services import Actual, Look, Service, ServiceFailed

SETTLE_S = 0.3
"""A command that ends within so many seconds has failed, or has gone into the background."""
LAUNCHER = (
    'umask 077; line=; { read -r line < "/proc/$$/stat"; } 2>/dev/null; '
    'printf "%s\\n%s\\n" "$$" "$line" > "$1.new" && mv -f "$1.new" "$1" || exit 1; exec /bin/sh -c "$2"'
)
"""The process writes down which one it is, before it becomes the service: so no crash of ours can lose sight of it."""


class CommandServices:
    """Keeps for each service a file that names its process, and one with what it said, in a folder of the hive.

    Args:
        folder: Of these files.
        processes: The machine's.
        clock: For waiting.
        timeout_s: Seconds after which a check counts as hung.
    """

    def __init__(self, folder: Path, processes: Processes, clock: Clock, *, timeout_s: float) -> None:
        self._folder = folder
        self._processes = processes
        self._clock = clock
        self._timeout_s = timeout_s

    def look(self, service: Service) -> Look:
        """By its check where it has one, else by its process."""
        process = self._process(service)
        if service.check:
            code, said = run(service.check, timeout_s=self._timeout_s)
            if code is None:
                return Look(Actual.UNKNOWN, f"its check did not end within {self._timeout_s:g} s")
            if code != 0:
                return Look(Actual.STOPPED, said)
        elif process is None and not (service.ports and sockets.listeners(service.ports)):
            return Look(Actual.STOPPED)
        pids = self._pids(service, process)
        run_id = f"{process.pid} {process.started}" if process else " ".join(str(pid) for pid in sorted(pids)[:1])
        connected = sockets.connections(service.ports, pids)
        return Look(Actual.RUNNING, "", run_id, sockets.cpu_seconds(pids), None, connected, self._in_flight(service))

    def start(self, service: Service) -> None:
        """Run its start command in a session of its own; it outlives hive-tui."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # As the engine and systemd do it: what runs is left as it is.
        if self._process(service) is not None:
            return
        self._file(service).unlink(missing_ok=True)
        try:
            with self._log(service).open("wb") as log:
                started = subprocess.Popen(
                    ["/bin/sh", "-c", LAUNCHER, "sh", str(self._file(service)), service.start],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    close_fds=True,
                )
        except OSError as error:
            raise ServiceFailed(f"{service.name} could not be started: {error.strerror or error}.") from error
        file = self._file(service)

        def is_over() -> bool:
            return started.poll() is not None

        wait_until(lambda: file.exists() or is_over(), timeout_s=self._timeout_s, clock=self._clock)
        wait_until(is_over, timeout_s=SETTLE_S, clock=self._clock)
        if started.poll():
            said = _last_line(self._log(service))
            raise ServiceFailed(
                f"The start command of {service.name} ended with {started.returncode}{f': {said}' if said else ''}.",
                hint=f"All that it said is in {self._log(service)}.",
            )

    def stop(self, service: Service) -> None:
        """Its stop command; without one SIGTERM, and after its time SIGKILL to what is left of its processes."""
        if service.stop:
            code, said = run(service.stop, timeout_s=service.stop_timeout_s + self._timeout_s)
            if code != 0:
                how = "did not end in time" if code is None else f"ended with {code}{f': {said}' if said else ''}"
                raise ServiceFailed(f"The stop command of {service.name} {how}.")
            return
        process = self._process(service)
        if process is None:
            if service.ports and sockets.listeners(service.ports):
                raise ServiceFailed(
                    f"{service.name} was not started by hive-tui, and has no stop command.",
                    hint=f"Write [services.{service.name}] stop = ... in the settings.",
                )
            return
        self._end(process, service.stop_timeout_s)
        self._file(service).unlink(missing_ok=True)

    def _end(self, process: ProcessId, patience_s: float) -> None:
        remembered = [one.id for one in self._processes.table().tree(process.pid)] or [process]
        self._processes.signal(process, signal.SIGTERM)
        orphans_told = False

        def are_gone() -> bool:
            nonlocal orphans_told
            left = [one for one in remembered if self._processes.is_alive(one)]
            if left and process not in left and not orphans_told:
                # As with a shell in front: it ends at once, and does not pass the signal on.
                orphans_told = True
                for one in left:
                    self._processes.signal(one, signal.SIGTERM)
            return not left

        if wait_until(are_gone, timeout_s=patience_s, clock=self._clock):
            return
        # One by one, and only those that were its own: a group may hold others.
        for one in remembered:
            self._processes.signal(one, signal.SIGKILL)
        wait_until(are_gone, timeout_s=2.0, clock=self._clock)

    def _in_flight(self, service: Service) -> str:
        if not service.busy:
            return ""
        code, _ = run(service.busy, timeout_s=self._timeout_s)
        return "its `busy` command says that it works" if code in (0, None) else ""

    def _pids(self, service: Service, process: ProcessId | None) -> set[int]:
        roots = {process.pid} if process else sockets.listeners(service.ports)
        trees = [sockets.tree_of(root) for root in roots]
        if all(tree is not None for tree in trees):
            return {pid for tree in trees for pid in tree or ()}
        table = self._processes.table()
        return {one.pid for root in roots for one in table.tree(root)}

    def _process(self, service: Service) -> ProcessId | None:
        """The process that its start command has become, if it still runs."""
        with suppress(OSError, ValueError, IndexError):
            lines = self._file(service).read_text().splitlines()
            started = int(lines[1].rsplit(")", 1)[1].split()[19])
            found = ProcessId(int(lines[0]), started)
            return found if self._processes.is_alive(found) else None
        return None

    def _file(self, service: Service) -> Path:
        return self._folder / f"{service.name}.pid"

    def _log(self, service: Service) -> Path:
        return self._folder / f"{service.name}.log"


def _last_line(log: Path) -> str:
    with suppress(OSError):
        size = log.stat().st_size
        with log.open("rb") as file:
            file.seek(max(0, size - 4096), os.SEEK_SET)
            lines = file.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else ""
    return ""
