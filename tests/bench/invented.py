"""Names of the 200 agents whose list is scrolled, and of the 20 whose panes never stand still."""

AGENTS = 200
STREAMING = 20


def name_of(number: int) -> str:
    """Counted from 0; the streaming ones come first, in the list too."""
    return f"listed-{number:03}"


def mark_of(number: int) -> str:
    """What the last line of that agent's pane begins with."""
    return f"output of pane {number:03}"
