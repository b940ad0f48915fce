"""The local HTTP surface: its token, and how `serve` opens it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from hive_tui.cli.context import CommandGroup, command, print_json

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.http.server import HttpServer
    from hive_tui.http.standing_by import StandingBy


@click.group(cls=CommandGroup)
def http() -> None:
    """The local HTTP surface, which `hive-tui serve --http` opens."""


@command("token")
@click.option("--rotate", is_flag=True, help="Make a new one; the old one is of no use any more.")
def token(hive: Hive, as_json: bool, rotate: bool) -> None:
    """Print the token that programs show; it is made when it is first asked for."""
    from hive_tui.http.token import TokenFile

    file = TokenFile(hive.home)
    said = file.rotate() if rotate else file.ensure()
    if as_json:
        print_json({"token": said, "path": str(file.path), "rotated": rotate})
    else:
        click.echo(said)


http.add_command(token)


@asynccontextmanager
async def answering(
    hive: Hive, wanted: str | None, stop: asyncio.Event
) -> AsyncIterator[HttpServer | StandingBy | None]:
    """Within it programs are answered by HTTP, until all is to stop.

    At an address of the settings one process of the hive answers, and the others stand by.

    Args:
        hive: What they ask about.
        wanted: The address of the command line; None for that of the settings, which is usually none.
        stop: Set when all is to stop.

    Raises:
        HiveError: The address of the command line cannot be opened, or a package is missing.
    """
    address = wanted or hive.settings.http.address
    if not address:
        yield None
        return
    server = _server(hive, wanted)
    await asyncio.to_thread(server.start)
    ending = asyncio.ensure_future(_end_with(stop, server))
    try:
        yield server
    finally:
        stop.set()
        await ending


def _server(hive: Hive, wanted: str | None) -> HttpServer | StandingBy:
    if wanted:
        from hive_tui.http.server import HttpServer

        return HttpServer(hive, wanted)
    from hive_tui.http.standing_by import StandingBy

    return StandingBy(hive)


async def _end_with(stop: asyncio.Event, server: HttpServer | StandingBy) -> None:
    """Beside the heartbeat's own end, so that both together do not take longer than one."""
    await stop.wait()
    await asyncio.to_thread(server.stop)
