"""One thing that was looked at, and how it is looked at."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace

from hive_tui.services.checks.meanings import meaning_of

AREAS = (
    "checkpoints",
    "effects",
    "wake sources",
    "timeouts and retries",
    "released resources",
    "dependencies and versions",
    "hooks",
    "notifications",
    "disk reserve",
)
"""In this order: first what could be lost, then what was done, then what should happen next."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    status: str
    """`ok`, `warning` or `broken`."""
    found: str
    mend: str = ""
    """The command, or the step, that mends it."""
    meaning: str = ""
    """What follows from it for a person, where something is wrong."""
    area: str = ""

    def to_json(self) -> dict[str, str]:
        """For `--json`; fields may grow and never change."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Check:
    """An examination; other parts of the hive add theirs to the list."""

    area: str
    """One of `AREAS`."""
    name: str
    look: Callable[[], Iterable[Finding]]
    """May raise a HiveError, which becomes a finding of its own."""

    def placed(self, finding: Finding) -> Finding:
        """The finding with its area, and with what it means if something is wrong."""
        meaning = finding.meaning or (meaning_of(finding.what) if finding.status != "ok" else "")
        return replace(finding, area=self.area, meaning=meaning)
