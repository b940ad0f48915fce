"""The kinds that this program knows, and those that a person has added."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hive_tui.kinds import manifest_reader
from hive_tui.kinds.aider import Aider
from hive_tui.kinds.claude import Claude
from hive_tui.kinds.codex import Codex
from hive_tui.kinds.gemini import Gemini
from hive_tui.kinds.kind import Kind
from hive_tui.kinds.opencode import OpenCode
from hive_tui.kinds.scripted import Scripted

KNOWN: dict[str, type[Kind]] = {
    "claude": Claude,
    "codex": Codex,
    "opencode": OpenCode,
    "gemini": Gemini,
    "aider": Aider,
    "scripted": Scripted,
}

GENERIC = "generic"
"""The kind of an adopted program that no other kind knows; it says so wherever it is shown."""


class Kinds:
    """All kinds, by name and by command line. What a person has added is asked first.

    Args:
        folder: Manifests of the person's own; it need not exist.

    Raises:
        ConfigError: One of them is wrong; the sentence names file, line and key.
    """

    def __init__(self, folder: Path | None = None) -> None:
        theirs = manifest_reader.read_folder(folder, frozenset({*KNOWN, GENERIC})) if folder is not None else {}
        added = {name: Kind(manifest) for name, manifest in theirs.items() if name not in (*KNOWN, GENERIC)}
        ours = {name: kind(theirs.get(name) or manifest_reader.read(name)) for name, kind in KNOWN.items()}
        self._kinds = {**added, **ours}
        self._generic = Kind(theirs.get(GENERIC) or manifest_reader.read(GENERIC))

    def __iter__(self) -> Iterator[Kind]:
        return iter((*self._kinds.values(), self._generic))

    def get(self, name: str) -> Kind:
        """The kind of that name; the generic one for a name that is not known any more."""
        return self._kinds.get(name, self._generic)

    def match(self, argv: Sequence[str]) -> Kind | None:
        """The kind whose interactive agent has such a command line."""
        return next((kind for kind in self._kinds.values() if kind.matches(argv)), None)
