"""Keys come in at once and whole, and a thread that waits for them does nothing else."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.bench.terminal import Terminal
from tests.stage import ROOT

KEY = re.compile(rb"<([^:<>]+):(\d+)>")


def typed(terminal: Terminal, keys: bytes, *expected: str) -> int:
    """Type; wait until all these keys were heard; how often the thread had woken up by the last one."""
    terminal.output.clear()
    terminal.press(keys)
    terminal.until(lambda seen: len(KEY.findall(seen)) >= len(expected))
    heard = KEY.findall(terminal.output)
    assert [key.decode() for key, _ in heard] == list(expected)
    return int(heard[-1][1])


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc how often a thread has slept")
def test_keys_are_heard_at_once_and_nobody_wakes_up_for_none(tmp_path: Path):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    with Terminal((sys.executable, "-m", "tests.ui.typing_app"), environment, tmp_path) as terminal:
        terminal.until_drawn("<ready>")
        typed(terminal, b"a", "a")
        typed(terminal, b"\x1b", "escape")
        typed(terminal, b"\x1b[A\x1b[5~b", "up", "pageup", "b")
        terminal.press("é".encode()[:1])
        typed(terminal, "é".encode()[1:], "é")
        before = typed(terminal, b"c", "c")
        terminal.watch(0.7)
        # Twice to see whether more follows the key, and then only for the next one.
        assert typed(terminal, b"d", "d") - before <= 4
        typed(terminal, b"s", "s")
        typed(terminal, b"e", "e")
        terminal.leave(b"q")
