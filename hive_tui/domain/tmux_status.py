"""The lines in the settings of tmux that show the hive in its status line."""

import re
from collections.abc import Sequence

BEGIN, END = "# >>> hive-tui: agents in the status line >>>", "# <<< hive-tui <<<"
BLOCK = re.compile(rf"(?:^|(?<=\n)){re.escape(BEGIN)}\n(?:.*\n)*?{re.escape(END)}(?:\n|\Z)")
PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
"""Words that mean the same to a shell, to tmux and to a format of tmux."""
WIDTH = 60
LENGTH = 120


class NotPlain(ValueError):
    """A word of the command would have to be quoted for a shell, tmux and a format at once."""


def block(command: Sequence[str]) -> str:
    """The lines, each ended.

    Args:
        command: How the status is asked for, without the width.

    Raises:
        NotPlain: See there.
    """
    for word in command:
        if not PLAIN.fullmatch(word):
            raise NotPlain(word)
    shown = f"#({' '.join(command)} --width {WIDTH})"
    # Settings may be read again, and must not be added again then.
    return (
        f"{BEGIN}\n"
        f"if-shell -F '#{{m:*status --tmux*,#{{status-right}}}}' '' \"set-option -g status-right-length {LENGTH} ;"
        f" set-option -ag status-right ' {shown}'\"\n"
        f"{END}\n"
    )


def added(text: str, command: Sequence[str]) -> str:
    """The settings with the lines at their end, in place of older ones."""
    kept = removed(text)
    return f"{kept}{'' if not kept or kept.endswith(chr(10)) else chr(10)}{block(command)}"


def removed(text: str) -> str:
    """The settings without the lines."""
    return BLOCK.sub("", text)
