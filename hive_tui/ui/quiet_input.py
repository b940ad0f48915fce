"""Keys are waited for, and not looked for ten times a second: a dashboard that nobody touches sleeps."""

import os
import selectors
from codecs import getincrementaldecoder
from threading import Event
from typing import Any

from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

TICK_S = 0.1
AWAKE_S = 1.0
"""So long after a key it is looked whether more belongs to it: an escape alone is one, unless more follows at once."""
MOST_BYTES = 4096


class Bell(Event):
    """An event that can be waited for together with files."""

    def __init__(self) -> None:
        super().__init__()
        self._heard, self._rung = os.pipe()

    def fileno(self) -> int:
        """Can be read once it is set."""
        return self._heard

    def set(self) -> None:
        """Set it, and wake who waits."""
        if not self.is_set():
            super().set()
            os.write(self._rung, b".")

    def clear(self) -> None:
        """Let it be waited for again."""
        if self.is_set():
            super().clear()
            os.read(self._heard, 1)

    def __del__(self) -> None:
        os.close(self._heard)
        os.close(self._rung)


class QuietDriver(LinuxDriver):
    """Textual's own driver of terminals, but that its thread for keys sleeps until there are some."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.exit_event = self._bell = Bell()

    def run_input_thread(self) -> None:
        """Read keys until the end."""
        parser, decode = XTermParser(self._debug), getincrementaldecoder("utf-8")().decode
        ticks = 0
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while not self._bell.is_set():
                ready = selector.select(TICK_S if ticks else None)
                ticks = max(0, ticks - 1)
                if any(key.fd == self.fileno for key, _ in ready):
                    ticks = round(AWAKE_S / TICK_S)
                    typed = os.read(self.fileno, MOST_BYTES)
                    if not typed:  # no terminal any more: the signal for that is on its way
                        self._bell.wait(TICK_S)
                    elif text := decode(typed):
                        for event in parser.feed(text):
                            self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)


def quiet(chosen: type[Driver]) -> type[Driver]:
    """The driver to take in place of the chosen one; only that of Unix terminals wakes up for nothing."""
    return QuietDriver if chosen is LinuxDriver else chosen
