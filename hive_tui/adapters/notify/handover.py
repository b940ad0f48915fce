"""Notifications by plyer, for desktops without D-Bus; it cannot say whether a message was shown."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from hive_tui.adapters.notify.bus import session_bus
from hive_tui.adapters.notify.notice import NotDelivered, Notice, bounded, printable

SHOW = "import json, sys; from plyer import notification; notification.notify(**json.load(sys.stdin))"
NAME = "from plyer import notification; print(notification.__class__.__name__)"
NO_WAY = "Notification"
"""plyer's class for a machine where it finds nothing to show messages with."""


class Plyer:
    """plyer in a process of its own: what it runs may hang, and prints its errors on the terminal."""

    name = "plyer"

    def __init__(self, environ: Mapping[str, str], *, timeout_s: float, platform: str) -> None:
        self._environ = environ
        self._timeout_s = timeout_s
        self._on_linux = platform == "linux"
        self._hint = (
            "Install notify-send (in Debian's package libnotify-bin) and run hive-tui inside a desktop session."
            if self._on_linux
            else "Install pyobjus into hive-tui's environment."
        )

    def show(self, notice: Notice) -> str:
        """Hand it to plyer.

        Raises:
            NotDelivered: plyer failed, said something on its standard error, or took too long.
        """
        body = notice.markup_body if self._on_linux else notice.body
        texts = {"title": notice.title, "message": body, "app_name": notice.app_name}
        # plyer gives the texts to notify-send as they are, which takes one with a leading dash for an option.
        texts = {key: f" {text}" if text.startswith("-") else text for key, text in texts.items()}
        self._run(SHOW, json.dumps(texts))
        return "handed to plyer, delivery not confirmed"

    def probe(self) -> str:
        """With what plyer would show a message.

        Raises:
            NotDelivered: With nothing.
        """
        found = self._run(NAME, "").strip()
        if found == NO_WAY:
            raise NotDelivered("plyer finds nothing on this machine to show messages with.", hint=self._hint)
        return f"plyer with its {found}, which cannot confirm delivery."

    def _run(self, code: str, stdin: str) -> str:
        """What the code prints. Neither it nor its children get at the terminal, or outlive the time limit."""
        try:
            child = subprocess.Popen(
                # Without -P a folder that is called like a module could stand in for it. Without -W plyer's
                # remarks on what it did not find would look like errors.
                [sys.executable, "-P", "-W", "ignore", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                cwd="/",
                env=self._child_environ(),
                start_new_session=True,
            )
        except OSError as error:
            raise NotDelivered(f"plyer did not start: {error}.", hint="Install hive-tui again.") from error
        with child:
            try:
                printed, complaint = child.communicate(stdin, timeout=self._timeout_s)
            except subprocess.TimeoutExpired as error:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
                raise NotDelivered(f"plyer took longer than {self._timeout_s:g} s.", hint=self._hint) from error
        if complaint.strip() or child.returncode != 0:
            last_line = (complaint.strip().splitlines() or [f"exit status {child.returncode}"])[-1]
            raise NotDelivered(f"plyer failed: {bounded(printable(last_line), 200)!r}.", hint=self._hint)
        return printed

    def _child_environ(self) -> dict[str, str]:
        environ = dict(self._environ)
        if self._on_linux:
            # An address that nothing understands: without one, libraries would start a bus of their own.
            environ["DBUS_SESSION_BUS_ADDRESS"] = session_bus(environ) or "disabled:"
        return environ
