"""Looks for what is wrong, and says how to mend it."""

from collections.abc import Sequence

from hive_tui.domain.errors import HiveError
from hive_tui.services.checks.finding import AREAS, Check, Finding

__all__ = ["Check", "Doctor", "Finding"]


class Doctor:
    """Each examination stands alone: one that fails is a finding of its own."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = checks

    def examine(self) -> list[Finding]:
        """Everything, in the order of a forensic look.

        What keeps several checks from looking is told in full by the one that was given first.
        """
        found: list[Finding] = []
        told: dict[str, str] = {}
        for check in self._checks:
            try:
                found += [check.placed(one) for one in check.look()]
            except HiveError as error:
                if error.what in told:
                    said = f"cannot be looked at, for the reason that is told at {told[error.what]!r}"
                    found.append(check.placed(Finding(check.name, "broken", said, "Mend that first")))
                else:
                    told[error.what] = check.name
                    found.append(check.placed(Finding(check.name, "broken", error.what, error.hint)))
            except OSError as error:
                said = f"cannot be looked at: {error.filename or ''} {error.strerror or error}".replace("  ", " ")
                found.append(check.placed(Finding(check.name, "broken", said, "Look at its mode, and who owns it")))
        return sorted(found, key=lambda one: AREAS.index(one.area))
