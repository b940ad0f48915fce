"""Screens of the real programs, judged as a dashboard would: by screen and title alone.

Each also with its last lines cut off, in a narrower pane, and quoted by another agent, where it must say nothing.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from hive_tui.domain.agents import NEEDS_PERSON, Activity
from hive_tui.domain.sightings import Claim
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.kind import Kind
from hive_tui.kinds.screen import ESCAPE, Screen
from tests.builders import a_pane
from tests.kinds.looks import CAPTURES, a_look

KINDS = Kinds()
PANES = tomllib.loads((CAPTURES / "panes.toml").read_text(encoding="utf-8"))
BY_NAME = {
    "working": Activity.WORKING,
    "permission": Activity.PERMISSION,
    "waiting-question": Activity.QUESTION,
    "usage-limit": Activity.LIMITED,
    "rate-limit": Activity.WORKING,
    "idle": Activity.IDLE,
    "resumed": Activity.IDLE,
}
"""What the beginning of a capture's name says."""
AT_REST = "idle-after-answer"
BY_CAPTURE = {
    "aider/after-interrupt": Activity.IDLE,
    "aider/idle-fresh": Activity.UNKNOWN,  # taken before it had drawn its prompt
    "claude/after-compact": Activity.IDLE,
    "claude/after-interrupt": Activity.ERROR,
    "claude/after-permission-rejected": Activity.IDLE,
    "claude/api-overloaded-retrying": Activity.ERROR,
    "claude/auth-error-401": Activity.WORKING,  # it tries again by itself
    "claude/connection-dropped": Activity.WORKING,
    "claude/connection-refused-retrying": Activity.WORKING,
    "claude/context-overflow": Activity.ERROR,
    "claude/idle-with-draft": Activity.ERROR,  # typed below a prompt that was too long
    "claude/ctrl-c-once": Activity.IDLE,
    "claude/startup-trust-dialog": Activity.PERMISSION,
    "claude/usage-headers-with-api-key": Activity.ERROR,
    "codex/overloaded-503": Activity.ERROR,
    "codex/rate-limit-429": Activity.ERROR,
    "codex/question-tool-unavailable": Activity.IDLE,
    "codex/idle-fresh": Activity.IDLE,
    "codex/startup-hooks-review": Activity.QUESTION,
    "gemini/after-approve": Activity.IDLE,
    "gemini/after-interrupt": Activity.IDLE,
    "gemini/after-sigterm": Activity.WORKING,  # it has not heeded the signal
    "gemini/startup": Activity.IDLE,
    "gemini/working-hung": Activity.IDLE,  # its message was cancelled before
    "opencode/after-interrupt": Activity.IDLE,
    "opencode/esc-once": Activity.WORKING,
}
SHELLS = frozenset({"bash"})
QUOTED_AS = {"claude": "     ", "codex": "    ", "opencode": "  ┃  ", "gemini": "│ ", "aider": ""}
"""What stands before each line that a tool of an agent has printed."""


def live() -> list[str]:
    """The captures in which an agent has the keyboard."""
    return sorted(
        f"{agent}/{state}"
        for agent, states in PANES.items()
        for state, pane in states.items()
        if pane["command"] not in SHELLS and (CAPTURES / agent / f"{state}.txt").exists()
    )


def kind_of(capture: str) -> Kind:
    return KINDS.get(capture.split("/")[0].split("-")[0])


def expected(capture: str) -> Activity:
    if capture in BY_CAPTURE:
        return BY_CAPTURE[capture]
    state = capture.split("/")[1]
    return next(activity for beginning, activity in BY_NAME.items() if state.startswith(beginning))


@cache
def text_of(capture: str) -> str:
    return (CAPTURES / f"{capture}.txt").read_text(encoding="utf-8")


def judged(capture: str, text: str, home: Path) -> Claim:
    """What counts, by a screen and by the title that the pane had then."""
    agent, state = capture.split("/")
    title = PANES[agent][state]["title"]
    pane = a_pane(title="" if title == "host" else title)
    return kind_of(capture).claims(a_look(home, (kind_of(capture).name,), screen=text, pane=pane))[0]


def without_last(text: str, count: int) -> str:
    """The text without its last lines that are not blank."""
    lines = text.splitlines()
    for _ in range(count):
        while lines and not ESCAPE.sub("", lines[-1]).strip():
            lines.pop()
        lines = lines[:-1]
    return "\n".join(lines)


def narrow(text: str, columns: int = 80) -> str:
    """The text cut at a column, with its escape sequences."""
    cut: list[str] = []
    for line in text.splitlines():
        room, kept, at = columns, "", 0
        for found in ESCAPE.finditer(line):
            kept += line[at : found.start()][:room] + found[0]
            room -= min(room, found.start() - at)
            at = found.end()
        cut.append(kept + line[at:][:room])
    return "\n".join(cut)


def quoted(capture: str, by: str) -> str:
    """The screen of an agent at rest, whose tool has printed the capture above its input box."""
    at_rest = [line for line in text_of(f"{by}/{AT_REST}").splitlines() if ESCAPE.sub("", line).strip()]
    plain = [ESCAPE.sub("", line) for line in at_rest]
    quote = [QUOTED_AS[by] + ESCAPE.sub("", line).rstrip() for line in text_of(capture).splitlines() if line.strip()]
    at = next(at for at, line in enumerate(plain) if re.match(r"\s*(●|•|✦|MOCK|the quick|┃  \(no output)", line)) + 1
    return "\n".join([*at_rest[:at], *quote[-24:], *at_rest[at:]])


@pytest.mark.parametrize("capture", live())
def test_every_capture_is_in_the_state_that_its_name_says(tmp_path: Path, capture: str):
    claim = judged(capture, text_of(capture), tmp_path)
    assert claim.activity is expected(capture), claim


@pytest.mark.parametrize("cut", [1, 2, 3])
@pytest.mark.parametrize("capture", live())
def test_so_it_is_with_its_last_lines_cut_off(tmp_path: Path, capture: str, cut: int):
    wanted = expected(capture)
    allowed = {wanted, Activity.UNKNOWN} | (NEEDS_PERSON if wanted in NEEDS_PERSON else set())
    if wanted is Activity.LIMITED or capture.startswith("aider/"):  # it stands on the last line alone
        allowed |= {Activity.WORKING}
    claim = judged(capture, without_last(text_of(capture), cut), tmp_path)
    assert claim.activity in allowed, claim


@pytest.mark.parametrize("capture", live())
def test_so_it_is_in_a_pane_of_80_columns(tmp_path: Path, capture: str):
    claim = judged(capture, narrow(text_of(capture)), tmp_path)
    assert claim.activity is expected(capture), claim


@pytest.mark.parametrize("by", list(QUOTED_AS))
def test_no_capture_says_anything_where_another_agent_quotes_it(tmp_path: Path, by: str):
    rest = f"{by}/{AT_REST}"
    for capture in live():
        claim = judged(rest, quoted(capture, by), tmp_path)
        assert claim.activity in (Activity.IDLE, Activity.UNKNOWN), f"{capture} quoted by {by}: {claim}"


@pytest.mark.parametrize("capture", live())
def test_only_a_draft_is_a_draft(tmp_path: Path, capture: str):
    text = "half typed draft, not sent" if capture == "claude/idle-with-draft" else ""
    if expected(capture) not in NEEDS_PERSON:
        assert kind_of(capture).typed(Screen(text_of(capture))) == text
