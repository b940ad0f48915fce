"""Kills a process at a chosen change that it makes on disk."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

CHANGING = "os.rename os.remove os.mkdir os.rmdir os.link os.symlink os.chmod os.truncate subprocess.Popen".split()
"""What the interpreter announces before it changes something on disk."""


class Killer:
    """Kills its own process just before the n-th change that it makes on disk outside of `scratch`."""

    def __init__(self, before: int, scratch: Path) -> None:
        self.left = before
        self.scratch = str(scratch)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if str(arguments[0] if arguments else "").startswith(self.scratch):
            return
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if is_write or event in CHANGING:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)


def run_until(before: int, action: Callable[[], object], scratch: Path = Path("/none")) -> bool:
    """Run the action in a process that is killed before its n-th change; False if it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            sys.addaudithook(Killer(before, scratch))
            action()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it failed by itself"
    return os.WIFSIGNALED(status)
