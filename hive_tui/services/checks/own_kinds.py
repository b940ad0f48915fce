"""Whether the kinds of agents that a person has written down can be used."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hive_tui.domain.durations import counted
from hive_tui.kinds.catalog import Kinds
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.services.checks.programs import AREA


class OwnKinds:
    """Manifests beside the settings file.

    Args:
        manifests: The files.
        kinds: Reads them; raises ConfigError.
    """

    def __init__(self, manifests: Sequence[Path], kinds: Callable[[], Kinds]) -> None:
        self._manifests = manifests
        self._kinds = kinds

    def checks(self) -> list[Check]:
        """One: what cannot be read stops all that asks for a kind."""
        return [Check(AREA, "kinds", self.manifests)]

    def manifests(self) -> Iterator[Finding]:
        """How many there are, and that they can be read."""
        known = sum(1 for _ in self._kinds()) - 1  # the generic one stands for all that are not known
        own = ", ".join(path.stem for path in self._manifests)
        yield Finding(
            "kinds", "ok", f"{counted(known, 'kind')} of agents" + (f"; your own manifests: {own}" if own else "")
        )
