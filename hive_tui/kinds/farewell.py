"""What an agent prints when it leaves: which conversation it was, and whether that was its last exit."""

import re

from hive_tui.kinds.screen import Screen


def session_of(screen: Screen, pattern: str) -> str | None:
    """The session id in the last farewell on the screen; None for no farewell.

    Args:
        screen: Of its pane.
        pattern: Of a farewell; group 1 is the id. Long lines are wrapped anywhere, so they are joined before.
    """
    last = _last(_joined(screen), pattern)
    return last[1] if last is not None else None


def is_its_last_word(screen: Screen, pattern: str, session_id: str) -> bool:
    """Whether an agent has said farewell with its conversation, and was not resumed and killed after that.

    One that draws over its shell leaves the farewell of an earlier exit on the screen; below that stands then the
    command that has resumed it, with the id.
    """
    text = _joined(screen)
    last = _last(text, pattern)
    if last is None or last[1] != session_id:
        return False
    return session_id not in text[last.end() :] and not screen.tells_of_a_kill()


def _joined(screen: Screen) -> str:
    return "".join(line.strip() for line in screen.lines)


def _last(text: str, pattern: str) -> re.Match[str] | None:
    found = list(re.finditer(pattern, text)) if pattern else []
    return found[-1] if found else None
