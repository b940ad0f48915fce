"""What the scripted agent does when it is told something: `script.json`, if it has one."""

import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Part(NamedTuple):
    """What follows a prompt."""

    does: str
    """A command of the scripted agent, such as `/work 5`; empty to answer at once."""
    says: str
    """Its answer; empty for the usual one."""


class Script:
    """`script.json` in the agents' home: a table of prompts, each with `does` and `says`."""

    def __init__(self, home: Path) -> None:
        self._parts: dict[str, Part] = {}
        with suppress(OSError, ValueError, TypeError):
            told = json.loads((home / "script.json").read_text())
            self._parts = {prompt: Part(**part) for prompt, part in told.items()}

    def part(self, prompt: str) -> Part:
        """What to do; a prompt that is not in the script stands for itself."""
        return self._parts.get(prompt, Part(prompt, ""))
