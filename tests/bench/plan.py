"""How much is measured, and where."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for."""

    folder: Path
    """An own folder on a real disk, removed at the end."""
    runs: int
    """Rounds of each measurement, after one that warms up."""
    seconds: float
    """How long each program is watched while it idles."""
