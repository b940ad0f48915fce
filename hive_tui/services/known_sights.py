"""What was read of agents a moment ago, so that one that works does not have all the others read anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from hive_tui.domain.agents import Activity
from hive_tui.services.liveness import watched_files

if TYPE_CHECKING:
    from hive_tui.adapters.file_states import FileStates, State
    from hive_tui.domain.hooks import HookReport
    from hive_tui.domain.processes import ProcessId, ProcessTable
    from hive_tui.domain.sightings import Sighting
    from hive_tui.domain.terminal import Heard


LONGEST_TRUST = 3.0
"""Times `trust_s`: so long an agent at rest is believed that was found the same again and again."""


class Told(NamedTuple):
    """What an agent has told of itself."""

    reports: tuple[HookReport | None, ...] = ()
    heard: Heard | None = None
    until_s: float = inf
    """Seconds since the epoch; then the first of it expires that counts now. Another one once that has happened."""


UNTOLD = Told()


@dataclass(frozen=True, slots=True)
class _Known:
    sighting: Sighting
    signs: object
    """What would have changed if the agent had done anything; taken before it was read. None where that is not sure."""
    told: Told
    files: tuple[str, ...]
    states: Sequence[State | None]
    """Of these files."""
    read_at_s: float
    trust: float = 1.0
    """Times `trust_s`: for how long it is believed."""


class KnownSights:
    """Sightings of agents at rest, by process, with the signs by which one sees that they still rest.

    An agent is read as soon as a sign has changed. What leaves no sign, as a file that is written a moment after the
    screen, is noticed when it is read again: after `trust_s`, and where that found nothing new, after twice as long,
    and so on, up to `LONGEST_TRUST` times.

    Args:
        files: What tells whether files of agents were written.
    """

    def __init__(self, files: FileStates) -> None:
        self._files = files
        self._known: dict[ProcessId, _Known] = {}

    def seen(
        self,
        root: ProcessId,
        signs: object,
        read: Callable[[], Sighting],
        *,
        now_s: float,
        trust_s: float,
        told: Told = UNTOLD,
        cpu_share: float | None = None,
    ) -> Sighting:
        """What was read of an agent a while ago, if it has rested since then; else what is read now.

        Args:
            root: Its process.
            signs: What changes in its pane and among its processes when it does something.
            read: Reads it.
            now_s: Seconds that never jump.
            trust_s: So long what was read is believed at first; 0 for always reading it.
            told: What it has told of itself, by hooks and to its terminal.
            cpu_share: What it used since the look before; that is never told from memory.
        """
        before = self._known.get(root)
        files = before.files if before is not None else ()
        states = self._states_of(files)
        is_still = before is not None and (before.signs, before.told, before.states) == (signs, told, states)
        if before is not None and is_still and now_s - before.read_at_s < before.trust * trust_s:
            return _with_cpu(before.sighting, cpu_share)
        sighting = read()
        if not sighting.is_settled or sighting.activity is Activity.WORKING:
            self._known.pop(root, None)
            return sighting
        is_same = before is not None and is_still and _gist(sighting) == _gist(before.sighting)
        # Who asks for all to be read may do so twice a second: that proves nothing for longer.
        longer = 2.0 if trust_s else 1.0
        trust = min(longer * before.trust, LONGEST_TRUST) if before is not None and is_same else 1.0
        found = _files_of(sighting)
        # Files of which nobody knew before were not looked at before it was read: the next time tells.
        self._known[root] = _Known(sighting, signs if found == files else None, told, found, states, now_s, trust)
        return sighting

    def rests(self, root: ProcessId, told: Told | None, now_s: float) -> bool:
        """Whether an agent of whose pane and processes nothing has moved has done nothing elsewhere since it was read.

        Of one that works, or of which that is not sure, it is not said: it is to be read.

        Args:
            root: Its process.
            told: What it has told of itself; None where nobody has told anything since it was read.
            now_s: Seconds since the epoch.
        """
        known = self._known.get(root)
        if known is None or known.signs is None:
            return False
        is_told = known.told == told if told is not None else now_s < known.told.until_s
        return is_told and self._files.are(known.files, known.states)

    def _states_of(self, files: Iterable[str]) -> list[State | None]:
        return [self._files.of(path) for path in files]

    def forget_all_but(self, table: ProcessTable) -> None:
        """Drop processes that are gone."""
        self._known = {root: one for root, one in self._known.items() if table.is_alive(root)}


def told_by(reports: Iterable[HookReport | None], heard: Heard | None, now_s: float) -> Told:
    """What that is together: a report that expires is a sign by itself, and nothing else shows it.

    Args:
        reports: Of its hooks.
        heard: What it reported to its terminal.
        now_s: Seconds since the epoch.
    """
    found = tuple(reports)
    expiries = [one.expires_at.timestamp() for one in found if one is not None]
    expiries += heard.expiries() if heard is not None else ()
    return Told(found, heard, min((at_s for at_s in expiries if at_s > now_s), default=inf))


def _gist(sighting: Sighting) -> object:
    """What was made of all that was read."""
    return (
        sighting.session,
        sighting.claims,
        sighting.background,
        sighting.draft,
        sighting.argv,
        sighting.cwd,
        sighting.env,
        sighting.is_in_front,
        sighting.is_legible,
    )


def _with_cpu(sighting: Sighting, share: float | None) -> Sighting:
    return sighting if sighting.cpu_share == share else structs.replace(sighting, cpu_share=share)


def _files_of(sighting: Sighting) -> tuple[str, ...]:
    session = sighting.session
    return tuple(watched_files(session.transcript, session.config_dir, sighting.root.pid))
