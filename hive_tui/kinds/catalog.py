"""The kinds that this program knows."""

from collections.abc import Iterator, Sequence

from hive_tui.kinds import manifest
from hive_tui.kinds.claude import Claude
from hive_tui.kinds.codex import Codex
from hive_tui.kinds.kind import Kind
from hive_tui.kinds.scripted import Scripted

KNOWN: dict[str, type[Kind]] = {"claude": Claude, "codex": Codex, "scripted": Scripted}

GENERIC = "generic"
"""The kind of an adopted program that no other kind knows; it says so wherever it is shown."""


class Kinds:
    """All kinds, by name and by command line."""

    def __init__(self) -> None:
        self._kinds = {name: kind(manifest.read(name)) for name, kind in KNOWN.items()}
        self._generic = Kind(manifest.read(GENERIC))

    def __iter__(self) -> Iterator[Kind]:
        return iter((*self._kinds.values(), self._generic))

    def get(self, name: str) -> Kind:
        """The kind of that name; the generic one for a name that is not known any more."""
        return self._kinds.get(name, self._generic)

    def match(self, argv: Sequence[str]) -> Kind | None:
        """The kind whose interactive agent has such a command line."""
        return next((kind for kind in self._kinds.values() if kind.matches(argv)), None)
