"""What a worker process has spent so far, in a file: nobody else can tell it if the process is killed."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bill:
    """One attempt's tokens; written by the worker, read and removed by whoever enters them."""

    file: Path

    def write(self, key: str, tokens: int) -> None:
        """Note what was spent until now; where that fails, only a killed worker is not charged.

        Args:
            key: Of the attempt, under which it is entered once however often it is read.
            tokens: All of the attempt.
        """
        with suppress(OSError):
            self._unfinished.write_text(json.dumps([key, tokens]), encoding="ascii")
            self._unfinished.replace(self.file)

    def read(self) -> tuple[str, int] | None:
        """Key and tokens of the last attempt that was not charged; None if there is none."""
        try:
            key, tokens = json.loads(self.file.read_text(encoding="ascii"))
            return str(key), int(tokens)
        except (OSError, ValueError, TypeError):
            return None

    def settle(self) -> None:
        """It is entered."""
        for file in (self.file, self._unfinished):
            with suppress(OSError):
                file.unlink(missing_ok=True)

    @property
    def _unfinished(self) -> Path:
        return self.file.with_suffix(".new")
