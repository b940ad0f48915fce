"""Notifications by D-Bus: the id that comes back is the proof of delivery.

dbus-fast is imported by the first message: it takes a tenth of a second, and only Linux has it.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hive_tui.adapters.notify.notice import NotDelivered, Notice, Unanswered, bounded, printable

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

SERVICE = "org.freedesktop.Notifications"
NOBODY = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner")
SERVERS_CHOICE = -1
"""How long a message stays, as the notification service has it set."""


class SessionBus:
    """The session bus of an environment; never starts one."""

    name = "D-Bus"

    def __init__(self, environ: Mapping[str, str], *, timeout_s: float) -> None:
        self._environ = environ
        self._timeout_s = timeout_s

    def show(self, notice: Notice) -> str:
        """Show it; returns the id that the notification service gave it.

        Raises:
            Unanswered: The service did not answer in time.
            NotDelivered: There is no bus or no service, or the service refused the message.
        """

        async def notify(bus: MessageBus) -> str:
            from dbus_fast import Variant

            hints = {"urgency": Variant("y", 2 if notice.urgent else 1)}
            # Names as in the Desktop Notifications specification and its sound naming specification.
            hints |= (
                {"sound-name": Variant("s", "message-new-instant")}
                if notice.sound
                else {"suppress-sound": Variant("b", True)}
            )
            body = [notice.app_name, 0, "", notice.title, notice.markup_body, [], hints, SERVERS_CHOICE]
            reply = _accepted(await bus.call(_question("Notify", "susssasa{sv}i", body)))
            if reply.signature != "u":
                raise NotDelivered("The notification service gave no id back.", hint="Look at its log, or use another.")
            return f"D-Bus notification {reply.body[0]}"

        return self._talk(notify)

    def probe(self) -> str:
        """Who would show a message.

        Raises:
            NotDelivered: There is no bus, or neither is there a service nor can the bus start one.
        """
        return self._talk(_service)

    def _talk(self, conversation: Callable[[MessageBus], Awaitable[str]]) -> str:
        address = session_bus(self._environ)
        if address is None:
            raise NotDelivered(
                "There is no D-Bus session bus.",
                hint="Run hive-tui inside a desktop session, or set DBUS_SESSION_BUS_ADDRESS to the session's bus.",
            )
        try:
            from dbus_fast.errors import DBusFastError
        except ImportError as error:
            raise NotDelivered(
                "dbus-fast is not installed.", hint="Install hive-tui again with all it needs."
            ) from error
        try:
            return asyncio.run(self._connected(address, conversation))
        except (DBusFastError, OSError, EOFError) as error:
            raise NotDelivered(
                f"The D-Bus session bus at {address!r} is out of reach: {error or type(error).__name__}.",
                hint="Set DBUS_SESSION_BUS_ADDRESS to the bus of your desktop session.",
            ) from error

    async def _connected(self, address: str, conversation: Callable[[MessageBus], Awaitable[str]]) -> str:
        from dbus_fast.aio import MessageBus

        deadline = asyncio.get_running_loop().time() + self._timeout_s
        try:
            async with asyncio.timeout_at(deadline):
                bus = await MessageBus(address).connect()
        except TimeoutError as error:
            raise NotDelivered(
                f"The D-Bus session bus at {address!r} did not answer within {self._timeout_s:g} s.",
                hint="Log in to the desktop again, or set DBUS_SESSION_BUS_ADDRESS to a bus that works.",
            ) from error
        try:
            async with asyncio.timeout_at(deadline):
                return await conversation(bus)
        except TimeoutError as error:
            raise Unanswered(
                f"The notification service did not answer within {self._timeout_s:g} s.",
                hint="Restart the notification service of your desktop.",
            ) from error
        finally:
            bus.disconnect()
            with suppress(OSError, EOFError):  # the bus may have gone first
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


def session_bus(environ: Mapping[str, str]) -> str | None:
    """Address of the session bus; None if there is none that can be used without starting one.

    Only sockets of this machine: with `autolaunch:` a look would start a bus, and looking up
    the host of a `tcp:` address cannot be stopped.
    """
    address = environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    if address:
        return address if address.startswith("unix:") else None
    socket = Path(environ.get("XDG_RUNTIME_DIR", "")) / "bus"
    with suppress(OSError):
        if socket.is_absolute() and stat.S_ISSOCK(socket.stat().st_mode):
            return "unix:path=" + quote(str(socket)).replace("~", "%7E")
    return None


async def _service(bus: MessageBus) -> str:
    from dbus_fast import Message, MessageFlag, MessageType

    question = _question("GetServerInformation", flags=MessageFlag.NO_AUTOSTART)
    reply = await bus.call(question)
    if reply.message_type is MessageType.ERROR and reply.error_name in NOBODY:
        startable = await bus.call(
            Message("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListActivatableNames")
        )
        if SERVICE in startable.body[0]:
            return "D-Bus notifications; the bus starts the notification service with the first message."
    name, _vendor, version, *_ = _accepted(reply).body
    return f"D-Bus notifications, shown by {bounded(printable(f'{name} {version}'), 100)}."


def _question(member: str, signature: str = "", body: list[Any] | None = None, **options: Any) -> Message:
    from dbus_fast import Message

    path = "/" + SERVICE.replace(".", "/")
    return Message(SERVICE, path, SERVICE, member, signature=signature, body=body or [], **options)


def _accepted(reply: Message) -> Message:
    from dbus_fast import MessageType

    if reply.message_type is not MessageType.ERROR:
        return reply
    if reply.error_name in NOBODY:
        raise NotDelivered(
            "No notification service runs on the D-Bus session bus.",
            hint="Start one, such as dunst or mako; a desktop has its own.",
        )
    said = bounded(printable(" ".join(str(part) for part in reply.body)), 200)
    raise NotDelivered(
        f"The notification service did not take the message: {said or reply.error_name}.",
        hint="Look at the log of the notification service.",
    )
