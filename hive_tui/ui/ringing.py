"""Lets the terminal of the dashboard ring, and show a notification of its own (OSC 9)."""

import os
from typing import TYPE_CHECKING

from hive_tui.ui.format import printable

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

LONGEST = 200
ESC = "\x1b"


def osc9(text: str, *, in_tmux: bool = False) -> str:
    """The sequence that iTerm2, WezTerm, kitty, Ghostty, foot and Windows Terminal know; others show nothing.

    Nothing in the text can end it, or begin another one. Within tmux, which keeps it to itself, it is wrapped so that
    tmux hands it on to the terminal around it, where `allow-passthrough` is on.
    """
    plain = " ".join(printable(text).split())
    kept = "".join(one for one in plain if one.isprintable())[:LONGEST]
    plain = f"\x1b]9;{kept}\x07"
    return f"\x1bPtmux;{plain.replace(ESC, ESC * 2)}{ESC}\\" if in_tmux else plain


def ring(app: "HiveApp", text: str) -> list[str]:
    """As the settings want it; what was done, as sentences. Nothing where there is no terminal."""
    wanted, said = app.hive.settings, list[str]()
    if wanted.notify.bell:
        app.bell()
        said.append("The terminal's bell was rung.")
    driver = app._driver  # as `App.bell` does; Textual has no other way to the terminal
    if wanted.alerts.osc9 and driver is not None and not app.is_headless:
        in_tmux = bool(os.environ.get("TMUX"))
        driver.write(osc9(text, in_tmux=in_tmux))
        only_if = " by tmux, which hands it on if its option allow-passthrough is on" if in_tmux else ""
        said.append(f"The terminal was sent a notification (OSC 9){only_if}; whether it shows those, it does not say.")
    return said
