"""`state.json`: the facts of a snapshot, beside its content."""

import json
from pathlib import Path

from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import WorkspaceFacts

STATE = "state.json"


def write_state(facts: WorkspaceFacts, into: Path) -> None:
    """Write the facts of a snapshot."""
    (into / STATE).write_text(json.dumps(facts.to_json(), indent=1))


def read_state(folder: Path) -> WorkspaceFacts:
    """The facts of a snapshot.

    Raises:
        WorkspaceError: There are none, or they cannot be read.
    """
    try:
        return WorkspaceFacts.from_json(json.loads((folder / STATE).read_text()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            f"{folder / STATE} does not describe a workspace: {error!r}.",
            hint="Validate the checkpoint, then try an older generation.",
        ) from error
