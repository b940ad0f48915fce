"""The forms: what is asked for a launch and for a message, and what is wrong with an answer."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from hive_tui.domain.agents import Agent, Lifecycle, checked_name
from hive_tui.domain.durations import parse_duration
from hive_tui.domain.errors import HiveError
from hive_tui.domain.wakeups import Wakeup
from hive_tui.ui.format import short_path

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

POSTPONE = "15m"
"""What the form for putting a wakeup off begins with."""


def ask_launch(app: "HiveApp", folder: str) -> None:
    """Ask for name, folder and command, and start an agent."""
    from hive_tui.ui.dialogs import Form

    async def launch(said: dict[str, str]) -> None:
        await app.verbs.launch(said["name"], said["folder"], shlex.split(said["command"]))

    fields = (("name", "Name", ""), ("folder", "Folder", short_path(folder)), ("command", "Command", "claude"))
    app.push_screen(Form("Start an agent in a new pane", fields, "Launch", check=launch_error, submit=launch))


def ask_message(app: "HiveApp", agent: Agent) -> None:
    """Ask what is to be said to an agent, and have it said."""
    from hive_tui.ui.dialogs import Form

    async def send(said: dict[str, str]) -> None:
        await app.verbs.tell(agent, said["message"])

    label = "Message" if agent.lifecycle is Lifecycle.AWAKE else "It is woken first."
    fields = (("message", label, ""),)
    app.push_screen(Form(f"Say something to {agent.name}", fields, "Send", check=message_error, submit=send))


def ask_postpone(app: "HiveApp", wakeup: Wakeup, name: str) -> None:
    """Ask when a wakeup is to be due, and have it wait until then."""
    from hive_tui.ui.dialogs import Form

    async def postpone(said: dict[str, str]) -> None:
        await app.verbs.queue.postpone(wakeup, parse_duration(said["span"]))

    fields = (("span", "So long from now: 15m, 2h, 1h30m", POSTPONE),)
    title = f"Put the {wakeup.action} of {name} off"
    app.push_screen(Form(title, fields, "Put off", check=duration_error, submit=postpone))


def duration_error(said: dict[str, str]) -> str:
    """What is wrong with a duration; empty for nothing."""
    try:
        parse_duration(said["span"])
    except HiveError as error:
        return f"{error.what} {error.hint}"
    return ""


def launch_error(said: dict[str, str]) -> str:
    """What is wrong with the answers; empty for nothing."""
    if not said["name"]:
        return "Give it a name."
    try:
        words = shlex.split(said["command"])
        checked_name(said["name"])
        Path(said["folder"]).expanduser()
    except ValueError:
        return "A quote in the command is not closed."
    except RuntimeError:
        return f"There is no home folder for {said['folder']}."
    except HiveError as error:
        return f"{error.what} {error.hint}"
    return "" if words else "Name the command that starts the agent."


def message_error(said: dict[str, str]) -> str:
    """What is wrong with a message; empty for nothing."""
    if not said["message"]:
        return "Write something first."
    from hive_tui.services.messages import checked

    try:
        checked(said["message"])
    except HiveError as error:
        return f"{error.what} {error.hint}"
    return ""
