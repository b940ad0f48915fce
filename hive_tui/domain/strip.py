"""The hive in one line, for the status line of tmux."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEEDS = ("permission", "question", "limited", "error")
"""Activities that wait for a person, the most urgent first."""
ORDER = ("working", "done", "idle", "unknown", "asleep", "waking", "napping")
LETTERS: Mapping[str, str] = {
    "working": "w",
    "done": "d",
    "idle": "i",
    "unknown": "?",
    "asleep": "z",
    "waking": "^",
    "napping": "v",
}
NOTHING = "no agents"


class StripAgent:
    """What the line tells of an agent. No dataclass, since that alone takes longer to import than all of this."""

    __slots__ = ("name", "state")

    def __init__(self, name: str, state: str) -> None:
        """Make it; `state` is an activity while it is awake, `done` for a turn to look at, and else its lifecycle."""
        self.name = name
        self.state = state

    @property
    def needs_person(self) -> bool:
        """Whether it waits for one."""
        return self.state in NEEDS or self.state == "failed"


def strip(agents: Sequence[StripAgent], *, width: int, notes: Sequence[str] = ()) -> str:
    """The longest of several forms that fits into so many columns; plain text, safe in a format of tmux.

    Args:
        agents: In the order in which names are shown.
        width: Columns, at least 1.
        notes: Words that come first, like `PAUSED`.
    """
    urgent = sorted((one for one in agents if one.needs_person), key=_urgency)
    counts = {state: sum(one.state == state for one in agents) for state in ORDER}
    long = [f"{number} {state}" for state, number in counts.items() if number]
    short = "".join(f" {number}{LETTERS[state]}" for state, number in counts.items() if number).strip()
    with_states = f"! {', '.join(f'{one.name} {one.state}' for one in urgent)}" if urgent else ""
    names = f"! {', '.join(one.name for one in urgent)}" if urgent else ""
    head = " · ".join(notes)
    forms = [
        _joined(" · ", head, with_states, *long),
        _joined(" · ", head, names, *long),
        _joined(" · ", head, names, short),
        *(_joined(" ", f"!{len(urgent)}", _some(urgent, kept), short) for kept in range(len(urgent), 0, -1) if urgent),
        _joined(" ", f"!{len(urgent)}" if urgent else "", short),
    ]
    fitting = next((form for form in forms if len(form) <= width), forms[-1][:width])
    return (fitting or NOTHING[:width]).replace("#", "##")


def _some(urgent: Sequence[StripAgent], kept: int) -> str:
    return ",".join(one.name for one in urgent[:kept]) + ("…" if kept < len(urgent) else "")


def _urgency(agent: StripAgent) -> int:
    return NEEDS.index(agent.state) if agent.state in NEEDS else len(NEEDS)


def _joined(between: str, *parts: str) -> str:
    return between.join(part for part in parts if part)
