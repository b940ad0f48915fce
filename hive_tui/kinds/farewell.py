"""What stands on a screen when an agent has ended: its farewell, with its conversation, or that it was killed."""

import re
from collections.abc import Iterable, Sequence

from hive_tui.kinds import commands
from hive_tui.kinds.screen import Screen

KILLED = re.compile(
    r"(^|[:>$] ?)(Killed|Terminated|Hangup|Aborted|Segmentation fault|Bus error|Illegal instruction"
    r"|Trace/breakpoint trap|Floating point exception)( \(core dumped\))?$"
    r"|^zsh: (killed|terminated|hangup|abort|segmentation fault|bus error|illegal hardware instruction|trace trap) "
    r"|^fish: Job \d+, .* terminated by signal"
)
"""What shells say where a signal has ended a program, behind what that had written last."""
LAST_LINES = 4
"""So many of the last lines that are not blank hold that, with the prompt below it."""


def session_of(screen: Screen, pattern: str) -> str | None:
    """The session id in the last farewell on the screen; None for no farewell.

    Args:
        screen: Of its pane.
        pattern: Of a farewell; group 1 is the id. Long lines are wrapped anywhere, so they are joined before.
    """
    last = _last("".join(_lines(screen)), pattern)
    return last[1] if last is not None else None


def is_its_last_word(screen: Screen, pattern: str, session_id: str) -> bool:
    """Whether an agent has said farewell with its conversation, and was not resumed and killed after that.

    One that draws over its shell leaves the farewell of an earlier exit on the screen; below that stands then the
    command that has resumed it, with the id.
    """
    lines = _lines(screen)
    text = "".join(lines)
    last = _last(text, pattern)
    if last is None or last[1] != session_id or session_id in text[last.end() :]:
        return False
    below = [line for at, line in enumerate(lines) if len("".join(lines[:at])) >= last.end()]
    return not _tell_of_a_kill([line for line in below if line][-LAST_LINES:])


def was_killed(screen: Screen, argv: Sequence[str]) -> bool:
    """Whether a shell says that a signal has ended this program, and not one before it.

    Args:
        screen: Of its pane.
        argv: Its command line, which stands below what was said of an earlier end.
    """
    command = commands.parted(argv)
    below = list[str]()
    for line in reversed(screen.bottom(LAST_LINES)):
        if command is not None and command.name in line and not KILLED.search(line):
            break
        below.append(line)
    return _tell_of_a_kill(below)


def _tell_of_a_kill(lines: Iterable[str]) -> bool:
    return any(KILLED.search(line) for line in lines)


def _lines(screen: Screen) -> list[str]:
    return [line.strip() for line in screen.lines]


def _last(text: str, pattern: str) -> re.Match[str] | None:
    found = list(re.finditer(pattern, text)) if pattern else []
    return found[-1] if found else None
