"""What happened, and what happens."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from fnmatch import fnmatchcase

import click

from hive_tui.cli.context import as_usage, command, print_json
from hive_tui.domain.durations import parse_past
from hive_tui.domain.events import EventKind
from hive_tui.hive import Hive
from hive_tui.services.subscription import Subscription
from hive_tui.store import agents as agent_store
from hive_tui.store import journal
from hive_tui.store.journal import LoggedEvent, Wanted

NEWEST = 50


def _checked_kinds(ctx: click.Context, parameter: click.Parameter, named: tuple[str, ...]) -> tuple[str, ...]:
    for name in named:
        if not any(fnmatchcase(kind, name) for kind in EventKind):
            raise click.BadParameter(f"there is no kind {name!r}. {_near(name)}")
    return named


def _near(name: str) -> str:
    """The kinds that may have been meant; all hundred of them would hide the answer."""
    families = sorted({kind.partition(".")[0] for kind in EventKind})
    family = name.partition(".")[0]
    if family in families:
        return f"Known are {', '.join(kind for kind in EventKind if kind.startswith(f'{family}.'))}."
    if meant := get_close_matches(name, list(EventKind), 3):
        return f"Did you mean {' or '.join(meant)}?"
    return f"Known are {', '.join(f'{one}.*' for one in families)}."


@command()
@click.argument("name", metavar="[AGENT]", required=False)
@click.option("--agent", "named", metavar="AGENT", help="Of this agent only.")
@click.option("--kind", "kinds", multiple=True, callback=_checked_kinds, help="Of this kind, or 'wakeup.*'; several.")
@click.option("--since", metavar="SEQ|TIME", help="After this number, or from this time on (14:30, 2h, ISO 8601).")
@click.option("--limit", type=click.IntRange(1, 10_000), help=f"The newest so many (without --since: {NEWEST}).")
@click.option("--follow", "-f", is_flag=True, help="Go on as more happens; with --json one document a line.")
def events(
    hive: Hive,
    as_json: bool,
    name: str | None,
    named: str | None,
    kinds: tuple[str, ...],
    since: str | None,
    limit: int | None,
    follow: bool,
) -> None:
    """What happened, oldest first."""
    if name and named and name != named:
        raise click.UsageError(f"Use {name} or --agent {named}, not both.")
    chosen = name or named
    wanted = Wanted(hive.database.read(agent_store.find, chosen).id if chosen else None, kinds)
    start = _start(hive, since)
    first = None if since is not None and limit is None else (limit or NEWEST)
    # Before the first look: what comes in between is not missed, and not printed twice.
    with (
        hive.listening.event_log.subscribe(start, wanted) as log,
        suppress(KeyboardInterrupt),
    ):  # Ctrl-C is how following ends
        found = _all(log) if first is None else _newest(hive, log, wanted, first, start or 0)
        if not follow:
            _print_all(found, as_json)
            return
        for one in found:
            _print(one, as_json)
        for one in log.follow(reader_of=_output()):
            _print(one, as_json)


def _start(hive: Hive, since: str | None) -> int | None:
    """The number after which to begin; None where nothing was said."""
    if since is None:
        return None
    if since.isdecimal():
        return int(since)
    with as_usage():
        at = parse_past(since, hive.clock.now().astimezone())
    return hive.database.read(journal.seq_before, at)


def _all(log: Subscription) -> Iterator[LoggedEvent]:
    while found := log.read():
        yield from found


def _newest(hive: Hive, log: Subscription, wanted: Wanted, limit: int, after: int) -> Iterator[LoggedEvent]:
    found = hive.database.read(
        journal.events, agent_id=wanted.agent_id, kinds=wanted.kinds, after_seq=after, limit=limit
    )
    log.cursor = max(log.cursor, found[-1].seq if found else 0)
    return iter(found)


def _output() -> int:
    """The descriptor of a pipe that we print to; -1 if it is none."""
    with suppress(OSError, ValueError):
        return sys.stdout.fileno()
    return -1


def _print_all(found: Iterable[LoggedEvent], as_json: bool) -> None:
    if as_json:
        print_json([one.to_json() for one in found])
        return
    for one in found:
        _print(one, as_json)


def _print(one: LoggedEvent, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(one.to_json(), ensure_ascii=False))
    else:
        mark = {"info": " ", "warning": "!", "failure": "✕"}[one.event.severity]
        click.echo(f"{one.at.astimezone():%Y-%m-%d %H:%M:%S} {mark} {one.event.text}")
