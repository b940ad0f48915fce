"""Runs a piece of work in a process of its own: at low priority, with a time limit, ended with all that it started."""

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hive_tui.domain.errors import HiveError

MOST_SAID = 4_000_000
"""A worker that says more than that is taken for broken."""
GRACE_S = 2.0
_running: set["subprocess.Popen[bytes]"] = set()
"""Workers end with the program: it does not wait for the threads that wait for them."""


class WorkerFailed(HiveError):
    """The work was not done; nothing but its own output may be there."""


def run_worker(module: str, given: Mapping[str, Any], *, timeout_s: float, nice: int) -> dict[str, Any]:
    """Run a Python module that reads one JSON document and writes one, and wait for it.

    Args:
        module: Run as `python -m MODULE`.
        given: What it reads.
        timeout_s: Seconds after which it is killed with its process group.
        nice: Added to our own priority.

    Raises:
        WorkerFailed: It did not start, took too long, died, or said something else than a JSON object.
    """
    command = ["nice", "-n", str(nice), sys.executable, "-m", module]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError as error:
        raise WorkerFailed(f"A worker process did not start: {error.strerror}.") from error
    _running.add(process)
    try:
        said, complaint = process.communicate(json.dumps(dict(given)).encode(), timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise WorkerFailed(f"It was not done within {timeout_s:g} s and was stopped.") from None
    finally:
        _running.discard(process)
        _end(process)
    return _read(process.returncode, said, complaint)


def _read(code: int, said: bytes, complaint: bytes) -> dict[str, Any]:
    try:
        result = json.loads(said) if code == 0 and len(said) < MOST_SAID else None
    except ValueError:
        result = None
    if not isinstance(result, dict):
        last = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        how = f"signal {-code}" if code < 0 else f"code {code}"
        raise WorkerFailed(f"The worker process ended with {how}: {last[0][:300]}")
    if isinstance(result.get("error"), str):
        raise WorkerFailed(result["error"])
    return result


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the group that was made for it, also where only a child of it is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()


@atexit.register
def _end_all() -> None:
    for process in list(_running):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
