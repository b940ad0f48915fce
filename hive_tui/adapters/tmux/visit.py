"""Takes a person to a pane: by switching their client, or by attaching from outside."""

import os
import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hive_tui.adapters.tmux.client import TmuxClient, missing
from hive_tui.adapters.tmux.panes import socket_path
from hive_tui.domain.errors import TmuxError

WAY_BACK = "H"
"""Key behind the prefix that brings a person back to the dashboard, unless it means something else already."""

OURS = re.compile(r"switch-client +-t +%\d+$")
"""The binding as an earlier dashboard may have left it."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """A key in tmux that leads back to the dashboard's pane."""

    client: TmuxClient
    prefix: str
    is_bound: bool

    @property
    def in_words(self) -> str:
        """What to press."""
        return f"{self.prefix} {WAY_BACK if self.is_bound else 'L'}"

    def unbind(self) -> None:
        """Give the key back."""
        if self.is_bound:
            with suppress(TmuxError):
                self.client.run(["unbind-key", "-T", "prefix", WAY_BACK])


def bind_way_back(client: TmuxClient) -> WayBack:
    """Bind the key, if it is free or was bound by an earlier dashboard; else tmux's own key for the last session."""
    pane_id = os.environ.get("TMUX_PANE", "")
    (prefix,) = client.run(["show-options", "-g", "-v", "prefix"]) or ["C-b"]
    try:
        bound = " ".join(client.run(["list-keys", "-T", "prefix", WAY_BACK]))
    except TmuxError:
        bound = ""  # tmux calls a key without a meaning an error
    if not pane_id or (bound and not OURS.search(bound)):
        return WayBack(client, prefix, False)
    client.run(["bind-key", "-T", "prefix", WAY_BACK, "switch-client", "-t", pane_id])
    return WayBack(client, prefix, True)


def is_inside(client: TmuxClient) -> bool:
    """Whether this process runs in a pane of that very tmux server."""
    mine = os.environ.get("TMUX", "").split(",")[0]
    theirs = socket_path(client)
    return bool(mine) and theirs is not None and Path(mine).resolve() == theirs.resolve()


def switch_to(client: TmuxClient, pane_id: str) -> None:
    """Show the pane in the client that shows us, and in no other that is attached to the server.

    Raises:
        TmuxError: No person's client shows us.
    """
    form = "#{client_control_mode} #{client_activity} #{client_name}"
    lines = client.run(["list-clients", "-t", os.environ.get("TMUX_PANE", ""), "-F", form])
    watching = [line.split(" ", 2)[1:] for line in lines if not line.startswith("1 ")]
    if not watching:
        raise TmuxError("No tmux client shows this dashboard.", hint="Attach to its session, then try again.")
    latest = max(watching, key=lambda one: int(one[0] or 0))[1]
    client.run(["switch-client", "-c", latest, "-t", pane_id])


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
    except (FileNotFoundError, PermissionError) as error:
        raise missing() from error
    if done.returncode != 0:
        raise TmuxError("tmux could not attach to that pane.", hint="Try `tmux attach` in a shell.")
