"""Runs a command behind a gate: it begins only after its process has been written down.

A kill before that leaves a command that ends without having done anything, so that "no process is
known" proves "nothing has happened".
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import BinaryIO

from hive_tui.adapters.effects.output import Pump
from hive_tui.domain.effects import EffectError, Kept
from hive_tui.domain.ports import Processes
from hive_tui.domain.processes import ProcessId

GATE = """
import os, signal, sys
for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE", "SIGXFSZ"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
gate = int(sys.argv[1])
if os.read(gate, 1) != b"g":
    os._exit(125)
os.close(gate)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    os.write(2, f"{sys.argv[2]}: {error.strerror}\\n".encode(errors="backslashreplace"))
    os._exit(127 if isinstance(error, FileNotFoundError) else 126)
"""
"""Waits for one letter, then becomes the command, under the same process id. The end of the pipe ends it."""
GRACE_S = 5.0
"""Between SIGTERM and SIGKILL for a command whose time is up."""
LAST_OUTPUT_S = 2.0
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command has ended."""

    code: int
    """Exit code; negative for the signal that ended it."""
    stdout: Kept
    stderr: Kept
    timed_out: bool = False
    interrupted_by: int | None = None
    """The signal that this process got meanwhile."""


def refuse_missing(argv: Sequence[str]) -> None:
    """Raise an EffectError if there is no such program; nothing has been written down by then."""
    if not argv or shutil.which(argv[0]) is None:
        named = argv[0] if argv else ""
        raise EffectError(f"There is no program {named!r}.", hint="Write the command behind `--`, as in a shell.")


def run_gated(
    argv: Sequence[str],
    *,
    began: Callable[[ProcessId], None],
    processes: Processes,
    env: Mapping[str, str],
    timeout_s: float | None,
    keep_bytes: int,
    echo: tuple[BinaryIO | None, BinaryIO | None],
) -> Ended:
    """Run it to its end; its standard input is ours.

    Args:
        argv: The command.
        began: Writes its process down; if it raises, the command does not begin.
        processes: Sees it.
        env: Added to our environment.
        timeout_s: It is ended after so many seconds; None for never.
        keep_bytes: So much of each output is kept.
        echo: Where standard output and standard error go, too.

    Raises:
        EffectError: The process could not be made.
    """
    reading, writing = os.pipe()
    try:
        child = _started(argv, reading, env)
    finally:
        os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as gate, _forwarding(child) as got:
        try:
            pumps = [Pump(pipe, one, keep_bytes) for pipe, one in zip(_pipes(child), echo, strict=True)]
            began(_identity(child.pid, processes))
            gate.write(b"g")
        except BaseException as error:
            gate.close()
            child.wait()
            if isinstance(error, BrokenPipeError):
                raise EffectError("The command was ended before it began.", hint="Try again.") from error
            raise
        timed_out = not _wait(child, timeout_s, processes)
    stdout, stderr = (pump.finish(LAST_OUTPUT_S) for pump in pumps)
    return Ended(child.returncode, stdout, stderr, timed_out, got[0] if got else None)


def _started(argv: Sequence[str], gate: int, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-I", "-S", "-c", GATE, str(gate), *argv]
    try:
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | dict(env), pass_fds=(gate,)
        )
    except (OSError, ValueError) as error:
        raise EffectError(
            f"The command {argv[0]!r} could not be started: {error}.", hint="Nothing was done."
        ) from error


def _pipes(child: "subprocess.Popen[bytes]") -> tuple[BinaryIO, BinaryIO]:
    assert child.stdout is not None and child.stderr is not None
    return child.stdout, child.stderr  # type: ignore[return-value]


def _identity(pid: int, processes: Processes) -> ProcessId:
    found = processes.table().get(pid)
    if found is None:
        raise EffectError("The command's process ended before it began.", hint="Nothing was done; try again.")
    return found.id


@contextmanager
def _forwarding(child: "subprocess.Popen[bytes]") -> Iterator[list[int]]:
    """Signals that would end us go to the command, and are noted; what it makes of them is written down."""
    got: list[int] = []

    def forward(number: int, _: FrameType | None) -> None:
        got.append(number)
        # The terminal has told the command already, which is in the same group.
        if number != signal.SIGINT or not _is_in_foreground():
            with suppress(OSError):
                child.send_signal(number)

    if threading.current_thread() is not threading.main_thread():
        yield got
        return
    before = {number: signal.signal(number, forward) for number in FORWARDED}
    try:
        yield got
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_in_foreground() -> bool:
    with suppress(OSError), open("/dev/tty", "rb", buffering=0) as terminal:  # noqa: PTH123 - a device, not a file
        return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    return False


def _wait(child: "subprocess.Popen[bytes]", timeout_s: float | None, processes: Processes) -> bool:
    """Whether it has ended by itself in time."""
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout_s)
        return True
    for number, patience_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, None)):
        # One by one, and not their group: it is ours, too.
        for one in processes.table().tree(child.pid):
            processes.signal(one.id, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(patience_s)
            break
    return False
