"""Takes a person to a pane: by switching their client, or by attaching from outside."""

import os
import subprocess
from pathlib import Path

from hive_tui.adapters.tmux.client import TmuxClient, missing
from hive_tui.adapters.tmux.panes import socket_path
from hive_tui.domain.errors import TmuxError


def is_inside(client: TmuxClient) -> bool:
    """Whether this process runs in a pane of that very tmux server."""
    mine = os.environ.get("TMUX", "").split(",")[0]
    theirs = socket_path(client)
    return bool(mine) and theirs is not None and Path(mine).resolve() == theirs.resolve()


def switch_to(client: TmuxClient, pane_id: str) -> None:
    """Show the pane in the client that shows us."""
    client.run(["switch-client", "-t", pane_id])


def attach_to(client: TmuxClient, pane_id: str) -> None:
    """Attach this terminal to the pane's session and come back when the person detaches.

    Raises:
        TmuxError: tmux could not attach.
    """
    client.run(["select-window", "-t", pane_id], ["select-pane", "-t", pane_id])
    environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}
    try:
        done = subprocess.run(
            ["tmux", *client.socket_arguments, "attach-session", "-t", pane_id], env=environment, check=False
        )
    except FileNotFoundError as error:
        raise missing() from error
    if done.returncode != 0:
        raise TmuxError("tmux could not attach to that pane.", hint="Try `tmux attach` in a shell.")
