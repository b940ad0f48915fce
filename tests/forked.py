"""Commands of hive-tui, and programs of tests, in processes of their own, forked from one that has imported everything.

Each is a process with its own descriptors, folder, environment and end; what it is spared are the imports, which
take most of the time of a short command. Tests of the start itself run `Stage.command_line`.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parent.parent
NOT_OF_COMMANDS = ("hive_tui.__main__", "hive_tui.ui", "hive_tui.demo", "hive_tui.scripted_agent")


@cache
def parent() -> "Parent":
    """The one of this process; it ends with it."""
    made = Parent()
    atexit.register(made.close)
    return made


class Parent:
    """Starts the process that forks, and asks it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hive-fork-")
        self._address = f"{self._folder.name}/socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._address)
            listener.listen()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(listener.fileno())],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,
            )

    def run(
        self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Run one program to its end: `-m MODULE` or `-c CODE` and its arguments, as the interpreter takes them."""
        with (
            socket.socket(socket.AF_UNIX) as asked,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            Path(os.devnull).open("rb") as nothing,
        ):
            asked.connect(self._address)
            asked.settimeout(timeout_s)
            socket.send_fds(asked, [b"."], [nothing.fileno(), out.fileno(), err.fileno()])
            asked.sendall(json.dumps([list(words), dict(env), str(cwd)]).encode())
            asked.shutdown(socket.SHUT_WR)
            with asked.makefile() as answers:
                pid = int(answers.readline())
                try:
                    code = int(answers.readline())
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(list(words), timeout_s) from None
            said = []
            for file in (out, err):
                file.seek(0)
                said.append(file.read().decode())
        return subprocess.CompletedProcess(list(words), code, *said)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait(20)
        self._folder.cleanup()


def serve(listener: socket.socket) -> None:
    """Fork a process for each who asks, until standard input ends, as it does when a test run is killed."""
    os.set_blocking(0, False)
    while True:
        ready, _, _ = select.select([listener.fileno(), 0], [], [])
        if 0 in ready and os.read(0, 1) == b"":
            return
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        if listener.fileno() in ready:
            asked, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                answer(asked)
                os._exit(0)
            asked.close()


def answer(asked: socket.socket) -> None:
    """Run what is asked for and tell its number and its exit code, each on a line."""
    _, files, _, _ = socket.recv_fds(asked, 1, 3)
    with asked.makefile() as said:
        words, env, cwd = json.load(said)
    pid = os.fork()
    if pid == 0:
        asked.close()
        become(files, words, env, cwd)
    with suppress(OSError):
        asked.sendall(f"{pid}\n".encode())
        asked.sendall(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())


def become(files: Sequence[int], words: Sequence[str], env: Mapping[str, str], cwd: str) -> NoReturn:
    """Be the program."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    code = 0
    try:
        run_program(*words)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    # What an interpreter does at its end, but for taking apart each module, which takes longer than most commands.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run_program(how: str, what: str, *arguments: str) -> None:
    """What the interpreter does with these words."""
    if (how, what) == ("-m", "hive_tui"):
        sys.argv = [str(ROOT / "hive_tui" / "__main__.py"), *arguments]
        from hive_tui.__main__ import main

        main()
    elif how == "-m":
        sys.argv = [what, *arguments]
        runpy.run_module(what, run_name="__main__")
    else:
        sys.argv = [how, *arguments]
        exec(what, {"__name__": "__main__"})


def import_all() -> None:
    """What commands import, each in its time."""
    for found in pkgutil.walk_packages([str(ROOT / "hive_tui")], "hive_tui."):
        if not found.name.startswith(NOT_OF_COMMANDS):
            importlib.import_module(found.name)
    gc.freeze()


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        import_all()
        serve(given)
