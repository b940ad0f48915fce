"""Whether agents tell what they do: the hooks in their settings, and the program that these name."""

import os
import re
from collections.abc import Iterator

from hive_tui.domain.errors import HiveError
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.services.hook_install import KINDS, HookInstaller

PROGRAM = re.compile(r"/[^\s\"'\\]+/hive-tui(?=[\s\"'\\])")


class Hooks:
    """Of each kind of agent that this user has."""

    def __init__(self, installer: HookInstaller) -> None:
        self._installer = installer

    def checks(self) -> list[Check]:
        """One for all kinds."""
        return [Check("hooks", "hooks", self.hooks)]

    def hooks(self) -> Iterator[Finding]:
        """What stands in their files."""
        kinds = [kind for kind in KINDS if self._installer.is_there(kind)]
        for kind in kinds:
            try:
                yield self._of(kind)
            except HiveError as error:
                yield Finding(f"hooks of {kind}", "warning", error.what, error.hint)
        if not kinds:
            yield Finding("hooks", "ok", "no agent with hooks is installed for you")

    def _of(self, kind: str) -> Finding:
        what, path = f"hooks of {kind}", self._installer.file_of(kind)
        removal = self._installer.plan_uninstall(kind)
        if not removal.is_needed:
            # No failure: everything works without them, only less well.
            return Finding(what, "ok", f"not installed in {path}; `hive-tui install hooks --kind {kind}` adds them")
        gone = [name for name in PROGRAM.findall(removal.before or "") if not os.access(name, os.X_OK)]
        if gone:
            return Finding(
                what, "broken", f"{path} names {gone[0]}, which is not there", f"`hive-tui install hooks --kind {kind}`"
            )
        return Finding(what, "ok", f"installed in {path}")
