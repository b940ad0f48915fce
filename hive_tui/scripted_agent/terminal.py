"""The scripted agent's terminal: raw keys in, lines and a prompt line out."""

import os
import select
import sys
import termios
import tty
from types import TracebackType

PASTE_BEGIN, PASTE_END = "\x1b[200~", "\x1b[201~"


class Terminal:
    """Raw mode with bracketed paste, and the alternate screen if wanted; put back at the end."""

    def __init__(self, *, alternate: bool) -> None:
        self._fd = sys.stdin.fileno()
        self._alternate = alternate
        self._saved = termios.tcgetattr(self._fd)
        self._pending = ""

    def __enter__(self) -> "Terminal":
        tty.setraw(self._fd)
        self.write("\x1b[?2004h" + ("\x1b[?1049h\x1b[2J\x1b[H\x1b[?1000h" if self._alternate else ""))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.write("\r\x1b[K\x1b[?2004l" + ("\x1b[?1000l\x1b[?1049l" if self._alternate else "") + "\x1b]2;\x07")
        termios.tcsetattr(self._fd, termios.TCSANOW, self._saved)

    def write(self, text: str) -> None:
        """Write at once."""
        os.write(sys.stdout.fileno(), text.encode(errors="surrogateescape"))

    def line(self, text: str) -> None:
        """A line above the prompt."""
        self.write("\r\x1b[K" + text.replace("\n", "\r\n") + "\r\n")

    def prompt(self, text: str) -> None:
        """Draw the last line again."""
        self.write("\r\x1b[K" + text)

    def title(self, text: str) -> None:
        """Set the terminal's title."""
        self.write(f"\x1b]2;{text}\x07")

    def keys(self, timeout_s: float) -> list[str]:
        """Keys and pasted texts that came within the time; None of the rest. Ends the program at end of file."""
        ready, _, _ = select.select([self._fd], [], [], timeout_s)
        if not ready:
            return []
        read = os.read(self._fd, 65536)
        if not read:
            raise EOFError
        self._pending += read.decode(errors="replace")
        return self._take()

    def _take(self) -> list[str]:
        found: list[str] = []
        while self._pending:
            if self._pending.startswith(PASTE_BEGIN):
                end = self._pending.find(PASTE_END)
                if end < 0:
                    break
                found.append(self._pending[len(PASTE_BEGIN) : end].replace("\r", "\n"))
                self._pending = self._pending[end + len(PASTE_END) :]
            elif self._pending.startswith("\x1b["):
                length = next((at for at, letter in enumerate(self._pending[2:], 3) if letter.isalpha()), 0)
                if not length:
                    break
                self._pending = self._pending[length:]
            else:
                found.append(self._pending[0])
                self._pending = self._pending[1:]
        return found
