"""Copies every checkpoint to a second place, and fetches it from there when the file here is gone.

How far each copy is stands in the database, so that a crash at any moment leaves a copy that is made
again, and none that counts as good and is not.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from hive_tui.adapters.copying import hash_of, put_in_place, temporary
from hive_tui.adapters.files.room import require_room
from hive_tui.adapters.locks import FileLock
from hive_tui.adapters.reading import being_read
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import Cancelled, HiveError, NotFound, OffsiteError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.offsite import (
    ONLY_COPY_WAIT,
    READ_TRIES,
    TOLD_EVERY,
    CopyState,
    OffsiteCopy,
    RereadPolicy,
    wait_before,
)
from hive_tui.domain.ports import Clock, Progress, Sealer, SecondPlace
from hive_tui.domain.progress import Unwatched
from hive_tui.services import offsite_state
from hive_tui.services.background import Patience
from hive_tui.services.hub import Hub
from hive_tui.services.offsite_state import PlaceState
from hive_tui.services.rereading import Rereading
from hive_tui.services.validation import Scratch
from hive_tui.store import checkpoints, offsite
from hive_tui.store.database import Database

if TYPE_CHECKING:
    from hive_tui.services.effects import EffectLog

ROTTEN = "its size or hash is not that of what was sent."


class Offsite:
    """One process at a time copies; any may fetch.

    Args:
        place: The second place; None where none is set.
        sealer: Encrypts, if `is_sealed`.
        is_sealed: Whether copies are encrypted.
        reread: How often copies that were verified are read again.
        patience: Gives up on a place that hangs.
        effects: The log of side effects, made when something is sent.
    """

    def __init__(
        self,
        database: Database,
        place: SecondPlace | None,
        sealer: Sealer,
        scratch: Scratch,
        lock: FileLock,
        patience: Patience,
        clock: Clock,
        hub: Hub,
        effects: "Callable[[], EffectLog]",
        *,
        is_sealed: bool,
        reread: RereadPolicy,
    ) -> None:
        self._database = database
        self._place = place
        self._sealer = sealer
        self._scratch = scratch
        self._lock = lock
        self._patience = patience
        self._clock = clock
        self._hub = hub
        self._effects = effects
        self._is_sealed = is_sealed
        self._rereading = Rereading(database, self.destination, reread, clock)

    @property
    def destination(self) -> str:
        """The second place as the settings name it; empty for none."""
        return self._place.description if self._place is not None else ""

    def state(self) -> PlaceState:
        """How the second place was the last times."""
        return self._database.read(offsite_state.place_state, self.destination)

    def has_work(self) -> bool:
        """Whether a copy is due and the place may be asked; enters new checkpoints first."""
        if self._place is None:
            return False
        if self._database.read(offsite.missing, self.destination):
            self._database.write(offsite_state.enter_missing, self.destination, self._name, now=self._clock.now())
        next_try_at = self.state().next_try_at
        if next_try_at is not None and next_try_at > self._clock.now():
            return False
        return self._next() is not None

    def work(self, progress: Progress | None = None) -> int:
        """Copy, remove and verify what is due; how many copies were brought on.

        Raises nothing but Cancelled, if there is a progress to stop it: all else is told.
        """
        done = 0
        if not self._lock.try_take("off-site"):
            return 0
        try:
            while self.has_work() and self._work_once(progress):
                done += 1
        except Cancelled:
            raise
        except Exception as error:
            self._place_failed(error)
        finally:
            self._lock.release()
        return done

    def retry_now(self) -> None:
        """Forget the waits: a person asks for another try."""
        self._database.write(offsite_state.retry_all, self.destination, now=self._clock.now())

    def verify_now(self) -> None:
        """Have every copy read again, however much that is: a person asks for it."""
        self._database.write(offsite.ask_again, self.destination, now=self._clock.now())

    def look(self) -> bool:
        """Whether the place can be reached now, though nothing may be due. Raises nothing: it is told."""
        if self._place is None or not self._lock.try_take("off-site"):
            return False
        try:
            return self._reach(self._place)
        except Exception as error:
            self._place_failed(error)
            return False
        finally:
            self._lock.release()

    def adopt(self) -> None:
        """Take what is at the destination now for the second place, and send everything again."""
        self._database.write(offsite_state.adopt, self.destination, now=self._clock.now())

    def bring_back(self, checkpoint: Checkpoint, progress: Progress) -> bool:
        """Fetch a checkpoint's file, verified, to where it was; False if there is no good copy of it.

        Raises:
            OffsiteError: There is one, and it could not be had.
            Cancelled: The person has stopped it; nothing is left of what was fetched.
        """
        copy = self._database.read(offsite.get, checkpoint.id)
        if copy is None or not copy.is_good:
            return False
        if self._place is None or copy.destination != self.destination:
            raise OffsiteError(
                f"There is a copy in {copy.destination}, which is not the second place of the settings.",
                hint="Name it in [offsite] destination.",
            )
        path = Path(checkpoint.path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temp = temporary(path)
        try:
            self._fetch(self._place, copy, checkpoint, temp, progress)
            put_in_place(temp, path, overwrite=True)
        except OSError as error:
            raise OffsiteError(
                f"The checkpoint could not be fetched from {self.destination}: {error.strerror or error}.",
                hint="Look at the free space here.",
            ) from error
        finally:
            with suppress(OSError):
                temp.unlink(missing_ok=True)
        text = f"A checkpoint of {checkpoint.created_at:%Y-%m-%d %H:%M} UTC was fetched from {self.destination}"
        self._log(Event(EventKind.OFFSITE_FETCHED, text, checkpoint.agent_id), checkpoint.id, is_local=True)
        return True

    def holds(self, checkpoint: Checkpoint) -> bool:
        """Read the copy back there, in full; whether the local file can be spared."""
        copy = self._database.read(offsite.get, checkpoint.id)
        if self._place is None or copy is None or not copy.is_good or copy.destination != self.destination:
            return False
        place = self._place
        if not self._is_as_sent(place, copy, Unwatched()):
            self._found_bad(copy, ROTTEN)
            return False
        self._put(replace(copy, attempts=0, next_try_at=None, error=None, verified_at=self._clock.now()))
        return True

    def _work_once(self, progress: Progress | None = None) -> bool:
        """Bring one copy on; False where the place itself fails, so that asking for more is of no use."""
        place, progress = self._place, progress or Unwatched()
        copy = self._next()
        if place is None or copy is None:
            return False
        if not self._reach(place):
            return False
        try:
            if copy.state is CopyState.REMOVING:
                self._patience.run(lambda _: place.remove(copy.name))
                self._database.write(offsite.forget, copy.checkpoint_id)
            elif copy.state is CopyState.VERIFIED:
                return self._read_again(place, copy, progress)
            else:
                self._send(place, copy, progress)
        except Cancelled:
            raise
        except NotFound:
            self._database.write(offsite.forget, copy.checkpoint_id)  # deleted meanwhile, and nothing was sent
        except Exception as error:
            self._copy_failed(copy, error)
        return True

    def _next(self) -> OffsiteCopy | None:
        """What is to be sent or removed goes first; what lies there already can wait."""
        due = self._database.read(offsite.due, self.destination, now=self._clock.now())
        return due or self._rereading.due()

    def _reach(self, place: SecondPlace) -> bool:
        """Whether the place answers and is the one that was used before; its state is kept."""
        state = self.state()
        try:
            identity = self._patience.run(lambda _: place.check(state.identity))
        except HiveError as error:
            self._place_failed(error)
            return False
        if state.failures or state.identity != identity:
            self._database.write(offsite_state.put_place, self.destination, PlaceState(identity), now=self._clock.now())
        return True

    def _send(self, place: SecondPlace, copy: OffsiteCopy, progress: Progress) -> None:
        checkpoint = self._database.read(checkpoints.get, copy.checkpoint_id)
        if copy.state is not CopyState.COPIED and checkpoint.is_local:
            with being_read(Path(checkpoint.path)), self._sealed(checkpoint, progress) as source:
                sha256, size = self._prepared(checkpoint, source, progress)
                # Written down before it is sent: what may lie there must be known, to be removed one day.
                copy = replace(copy, sha256=sha256, size_bytes=size, is_encrypted=self._is_sealed)
                self._put(replace(copy, state=CopyState.PENDING))
                progress.step(f"copying {copy.name}", size)
                with self._effects().recorded(offsite_state.push_effect(checkpoint, copy, self.destination)):
                    self._patience.run(lambda moved: place.put(source, copy.name, moved), progress)
            copy = replace(copy, state=CopyState.COPIED)
            self._put(copy)
        if not self._is_as_sent(place, copy, progress):
            raise OffsiteError(
                f"What was read back of {copy.name} is not what was sent: size or hash differs.",
                hint="It is sent again; if that goes on, do not trust that place.",
            )
        now = self._clock.now()
        self._put(replace(copy, state=CopyState.VERIFIED, attempts=0, next_try_at=None, error=None, verified_at=now))
        text = f"A checkpoint of {checkpoint.created_at:%Y-%m-%d %H:%M} UTC was copied to {self.destination}, verified"
        self._log(Event(EventKind.OFFSITE_COPIED, text, checkpoint.agent_id), checkpoint.id)

    def _is_as_sent(self, place: SecondPlace, copy: OffsiteCopy, progress: Progress) -> bool:
        """Read all of it there."""
        progress.step(f"reading {copy.name} back", copy.size_bytes or 0)
        found = self._patience.run(lambda moved: place.digest(copy.name, moved), progress)
        return found == (copy.size_bytes, copy.sha256)

    def _read_again(self, place: SecondPlace, copy: OffsiteCopy, progress: Progress) -> bool:
        """Verify a copy once more; False where the place itself fails, which says nothing about the copy."""
        self._rereading.spend(copy)
        try:
            is_good = self._is_as_sent(place, copy, progress)
        except Cancelled:
            raise
        except HiveError as error:
            if not self._reach(place):
                return False
            self._could_not_read(copy, error.what)
            return True
        if is_good:
            self._put(replace(copy, attempts=0, next_try_at=None, error=None, verified_at=self._clock.now()))
        else:
            self._found_bad(copy, ROTTEN)
        return True

    def _could_not_read(self, copy: OffsiteCopy, said: str) -> None:
        attempts = copy.attempts + 1
        if attempts >= READ_TRIES:
            self._found_bad(copy, said)
            return
        next_try_at = self._clock.now() + wait_before(attempts)
        self._put(replace(copy, attempts=attempts, next_try_at=next_try_at, error=said))

    def _found_bad(self, copy: OffsiteCopy, said: str) -> None:
        """A copy that was good is not; it is sent again at once, from the file here if that is sound."""
        with suppress(NotFound):  # deleted meanwhile: then it is to be removed there, good or bad
            one = self._database.read(checkpoints.get, copy.checkpoint_id)
            after = "It is sent again." if one.is_local else "There is no other: that checkpoint is lost."
            text = f"The copy of a checkpoint of {one.created_at:%Y-%m-%d %H:%M} UTC in {self.destination} is bad"
            event = self._about(
                Event(EventKind.OFFSITE_DAMAGED, f"{text}: {said} {after}", one.agent_id, severity=Severity.FAILURE),
                one.id,
            )
            wait = timedelta(0) if one.is_local else ONLY_COPY_WAIT
            attempts = 0 if one.is_local else 1  # the failure is told already
            bad = replace(copy, state=CopyState.FAILED, attempts=attempts, error=said)
            bad = replace(bad, next_try_at=self._clock.now() + wait)
            self._database.write(offsite_state.put_copy, bad, event, now=self._clock.now())
            self._hub.publish(event)

    def _prepared(self, checkpoint: Checkpoint, source: Path, progress: Progress) -> tuple[str, int]:
        """Hash and size of what is sent; a file that has gone bad here is not sent."""
        progress.step("verifying it", checkpoint.size_bytes * (1 + self._is_sealed))
        sha256 = hash_of(source, progress)
        plain = sha256 if not self._is_sealed else hash_of(Path(checkpoint.path), progress)
        if plain != checkpoint.sha256:
            raise OffsiteError(
                f"The checkpoint {Path(checkpoint.path).name} is not what was written, and was not copied.",
                hint=f"`hive-tui validate {checkpoint.id[:8]}` looks closer.",
            )
        return sha256, source.stat().st_size

    @contextmanager
    def _sealed(self, checkpoint: Checkpoint, progress: Progress) -> Iterator[Path]:
        path = Path(checkpoint.path)
        if not self._is_sealed:
            yield path
            return
        with self._scratch.scratch() as folder:
            require_room(folder, checkpoint.size_bytes)
            progress.step("encrypting it", checkpoint.size_bytes)
            self._sealer.seal(path, folder / "sealed", progress)
            yield folder / "sealed"

    def _fetch(
        self, place: SecondPlace, copy: OffsiteCopy, checkpoint: Checkpoint, temp: Path, progress: Progress
    ) -> None:
        with self._scratch.scratch() as folder:
            fetched = folder / "sealed" if copy.is_encrypted else temp
            progress.step(f"fetching {copy.name}", copy.size_bytes or 0)
            self._patience.run(lambda moved: place.get(copy.name, fetched, moved), progress)
            if copy.is_encrypted:
                progress.step("decrypting it", fetched.stat().st_size)
                self._sealer.open(fetched, temp, progress)
        progress.step("verifying what was fetched", checkpoint.size_bytes)
        if hash_of(temp, progress) != checkpoint.sha256:
            raise OffsiteError(
                f"What {self.destination} holds of the checkpoint is not what was sent: its hash differs.",
                hint="Nothing was changed here. Try another generation.",
            )

    def _name(self, checkpoint: Checkpoint, agent_name: str) -> str:
        """Readable for a person who has nothing but that place; unique, and the same at every attempt."""
        suffix = ".tar.zst.age" if self._is_sealed else ".tar.zst"
        folder = f"{agent_name}-{checkpoint.agent_id[:8]}"
        return f"{folder}/{checkpoint.created_at:%Y%m%dT%H%M%S}Z-{checkpoint.id[:8]}{suffix}"

    def _copy_failed(self, copy: OffsiteCopy, error: Exception) -> None:
        said = error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"
        attempts = copy.attempts + 1
        state = copy.state if copy.state is CopyState.REMOVING else CopyState.FAILED
        wait = ONLY_COPY_WAIT if self._is_only_copy(copy) else wait_before(attempts)
        next_try_at = self._clock.now() + wait
        failed = replace(copy, state=state, attempts=attempts, next_try_at=next_try_at, error=said)
        self._put(failed)
        if attempts % TOLD_EVERY == 1:
            text = f"A checkpoint is not off-site yet: {said}"
            self._log(Event(EventKind.OFFSITE_FAILED, text, severity=Severity.FAILURE), copy.checkpoint_id)

    def _is_only_copy(self, copy: OffsiteCopy) -> bool:
        if copy.state is CopyState.REMOVING:
            return False
        try:
            return not self._database.read(checkpoints.get, copy.checkpoint_id).is_local
        except NotFound:
            return False

    def _place_failed(self, error: Exception) -> None:
        said = error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"
        with suppress(HiveError):
            state = self.state()
            failures = state.failures + 1
            now = self._clock.now()
            failed = replace(state, failures=failures, next_try_at=now + wait_before(failures), error=said)
            self._database.write(offsite_state.put_place, self.destination, failed, now=now)
            if failures % TOLD_EVERY != 1:
                return
        self._log(Event(EventKind.OFFSITE_FAILED, said, actor=HEARTBEAT, severity=Severity.FAILURE))

    def _put(self, copy: OffsiteCopy) -> None:
        self._database.write(offsite_state.put_copy, copy, now=self._clock.now())

    def _log(self, event: Event, checkpoint_id: str | None = None, *, is_local: bool = False) -> None:
        event = self._about(event, checkpoint_id)
        with suppress(HiveError):
            self._database.write(offsite_state.log, event, checkpoint_id if is_local else None, now=self._clock.now())
        self._hub.publish(event)

    def _about(self, event: Event, checkpoint_id: str | None) -> Event:
        return structs.replace(event, payload={"checkpoint_id": checkpoint_id, "destination": self.destination})
