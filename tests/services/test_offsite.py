"""Copies in a second place: made, verified, fetched and removed; and what happens when that place misbehaves."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import Cancelled, OffsiteError
from hive_tui.domain.events import EventKind
from hive_tui.domain.offsite import TOLD_EVERY, CopyState, OffsiteCopy
from hive_tui.domain.progress import Unwatched
from hive_tui.services.background import Patience
from hive_tui.services.offsite import Offsite
from hive_tui.store import checkpoints, effects, offsite
from tests import forked
from tests.disks import small_disk
from tests.keeper import TESTER, Keeper, keeping, offsite_to
from tests.services.test_unpacking import Watched
from tests.stage import ROOT, eventually

DAY = timedelta(days=1)
MakeKeeper = Callable[..., Keeper]


@pytest.fixture
def second(tmp_path: Path) -> Path:
    folder = tmp_path / "second"
    folder.mkdir()
    return folder


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeKeeper]:
    made: list[Keeper] = []

    def make(**options: Any) -> Keeper:
        made.append(Keeper(tmp_path / "hive", **options))
        return made[-1]

    (tmp_path / "hive").mkdir()
    yield make
    for keeper in made:
        keeper.close()


@pytest.fixture
def keeper(make: MakeKeeper, second: Path) -> Keeper:
    return make(**offsite_to(second))


@pytest.fixture
def identity(tmp_path: Path) -> tuple[str, Path]:
    """An age recipient, and the file with its secret."""
    made = pyrage.x25519.Identity.generate()
    file = tmp_path / "age.key"
    file.write_text(f"# created for a test\n{made}\n")
    return str(made.to_public()), file


def service(keeper: Keeper) -> Offsite:
    return keeper.hive.keeping.offsite


def copy_of(keeper: Keeper, one: Checkpoint) -> OffsiteCopy:
    found = keeper.hive.database.read(offsite.get, one.id)
    assert found is not None
    return found


def there(second: Path) -> list[str]:
    return sorted(str(path.relative_to(second)) for path in second.rglob("*") if path.is_file() and path.name[0] != ".")


def test_a_checkpoint_is_copied_and_read_back(keeper: Keeper, second: Path):
    one = keeper.take()
    assert service(keeper).work() == 1
    copy = copy_of(keeper, one)
    assert (copy.state, copy.size_bytes, copy.sha256) == (CopyState.VERIFIED, one.size_bytes, one.sha256)
    file = second / copy.name
    assert hashlib.sha256(file.read_bytes()).hexdigest() == one.sha256 and file.stat().st_mode & 0o777 == 0o600
    assert there(second) == [copy.name] and copy.name.startswith("shop-")
    assert len(keeper.said(EventKind.OFFSITE_COPIED)) == 1
    assert service(keeper).work() == 0 and not service(keeper).has_work()
    assert [(one.kind, one.state) for one in keeper.hive.database.read(effects.everything)] == [("push", "done")]


def test_what_is_gone_or_damaged_here_is_fetched_when_it_is_validated(keeper: Keeper):
    one = keeper.take()
    service(keeper).work()
    path = Path(one.path)
    for spoil in (path.unlink, lambda: path.write_bytes(path.read_bytes()[:-7])):
        spoil()
        assert keeper.hive.validator.check(one, deep=True) == []
        assert hashlib.sha256(path.read_bytes()).hexdigest() == one.sha256
        assert path.stat().st_mode & 0o777 == 0o600
    assert len(keeper.said(EventKind.OFFSITE_FETCHED)) == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_copies_are_encrypted_and_opened_with_the_identity_alone(
    make: MakeKeeper, second: Path, identity: tuple[str, Path]
):
    recipient, file = identity
    keeper = make(**offsite_to(second, recipients=(recipient,)))
    one = keeper.take()
    service(keeper).work()
    copy = copy_of(keeper, one)
    assert copy.is_encrypted and copy.name.endswith(".age") and copy.state is CopyState.VERIFIED
    sealed = (second / copy.name).read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1") and copy.sha256 == hashlib.sha256(sealed).hexdigest()
    with file.open() as key:
        secret = pyrage.x25519.Identity.from_str(key.read().splitlines()[1])
    assert pyrage.decrypt(sealed, [secret]) == Path(one.path).read_bytes(), "age alone opens it"

    Path(one.path).unlink()
    errors = keeper.hive.validator.check(one)
    assert "no identity is named" in errors[0].detail
    with_key = keeper.new_hive(**offsite_to(second, recipients=(recipient,), identity=str(file)))
    assert with_key.validator.check(one) == []


def test_a_copy_for_another_identity_is_not_taken_for_the_checkpoint(
    make: MakeKeeper, second: Path, identity: tuple[str, Path]
):
    stranger = str(pyrage.x25519.Identity.generate().to_public())
    keeper = make(**offsite_to(second, recipients=(stranger,), identity=str(identity[1])))
    one = keeper.take()
    service(keeper).work()
    Path(one.path).unlink()
    assert "cannot be decrypted" in keeper.hive.validator.check(one)[0].detail
    assert not Path(one.path).exists() and list(Path(one.path).parent.iterdir()) == []


def test_a_disk_that_is_not_mounted_is_told_once_and_tried_again_with_backoff(keeper: Keeper, second: Path):
    one = keeper.take()
    second.rmdir()
    waits = []
    for _ in range(6):
        assert service(keeper).work() == 0
        next_try_at = service(keeper).state().next_try_at
        assert next_try_at is not None and not service(keeper).has_work(), "not before its time"
        waits.append((next_try_at - keeper.clock.now()).total_seconds())
        keeper.clock.advance(waits[-1])
    assert waits == [30, 60, 120, 240, 480, 960]
    assert keeper.failures() == [f"The second place {second} is not there."]
    assert not second.exists(), "it is not made beneath the mount point"
    second.mkdir()
    assert service(keeper).work() == 1
    assert copy_of(keeper, one).state is CopyState.VERIFIED and service(keeper).state().failures == 0


def test_the_waits_survive_the_process(keeper: Keeper, second: Path):
    keeper.take()
    second.rmdir()
    service(keeper).work()
    other = keeper.new_hive().keeping.offsite
    assert other.state().failures == 1 and not other.has_work()
    other.retry_now()
    assert other.has_work(), "a person may ask for it at once"


def test_a_place_that_went_away_after_everything_was_sent_is_noticed_by_a_look(keeper: Keeper, second: Path):
    keeper.take()
    assert service(keeper).work() == 1 and service(keeper).look() and service(keeper).state().failures == 0
    second.rename(second.with_name("away"))
    assert not service(keeper).has_work() and not service(keeper).look()
    assert "is not there" in service(keeper).state().error and service(keeper).state().failures == 1
    second.with_name("away").rename(second)
    assert service(keeper).look() and service(keeper).state().failures == 0


def test_another_disk_at_the_mount_point_gets_nothing(keeper: Keeper, second: Path, tmp_path: Path):
    keeper.take()
    service(keeper).work()
    second.rename(tmp_path / "unplugged")
    second.mkdir()
    keeper.take(after=DAY)
    assert service(keeper).work() == 0
    assert list(second.iterdir()) == [] and "has no mark of this hive" in keeper.failures()[-1]
    service(keeper).adopt()
    assert service(keeper).work() == 2, "a person has said that this one is right: all is sent again"
    assert len(there(second)) == 2


def test_a_place_that_lies_is_found_out_and_told(keeper: Keeper, second: Path):
    one = keeper.take()
    place: Any = keeper.hive.keeping.offsite._place
    honest = place.put

    def rotten(source: Path, name: str, progress: Unwatched) -> None:
        honest(source, name, progress)
        path = second / name
        raw = bytearray(path.read_bytes())
        raw[100] ^= 1
        path.write_bytes(raw)

    place.put = rotten
    service(keeper).work()
    copy = copy_of(keeper, one)
    assert copy.state is CopyState.FAILED and "size or hash differs" in (copy.error or "")
    assert len(keeper.failures()) == 1 and "is not off-site yet" in keeper.failures()[0]
    place.put = honest
    keeper.clock.advance(30)
    assert service(keeper).work() == 1 and copy_of(keeper, one).is_good


def test_a_copy_that_rots_there_is_not_taken_for_the_checkpoint(keeper: Keeper, second: Path):
    one = keeper.take()
    service(keeper).work()
    (second / copy_of(keeper, one).name).write_bytes(b"rotten")
    Path(one.path).unlink()
    errors = keeper.hive.validator.check(one)
    assert "is not what was sent" in errors[0].detail
    assert not Path(one.path).exists() and list(Path(one.path).parent.iterdir()) == []


def test_a_checkpoint_that_is_damaged_here_is_not_sent(keeper: Keeper, second: Path):
    one = keeper.take()
    Path(one.path).write_bytes(b"rotten")
    service(keeper).work()
    assert there(second) == [] and copy_of(keeper, one).state is CopyState.FAILED


def test_a_place_that_hangs_is_given_up_and_holds_up_nothing(make: MakeKeeper, second: Path):
    keeper = make(clock=SystemClock(), **offsite_to(second, timeout_s=0.2))
    one = keeper.take()
    fifo = second / ".hive-offsite"
    os.mkfifo(fifo)  # whoever opens it to read waits for a writer
    try:
        service(keeper).work()
        assert "does not answer: nothing moved for 0.2 s" in keeper.failures()[-1]
        service(keeper).retry_now()
        service(keeper).work()
        assert "still does not answer" in service(keeper).state().error
        assert copy_of(keeper, one).state is CopyState.PENDING
        keeper.take()
    finally:
        # Whoever waits gets its writer, and then the end; whoever comes later finds no file.
        both_ends = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        fifo.unlink()
        os.close(both_ends)
    eventually(lambda: not service(keeper)._patience.is_stuck, "what hung has ended")
    service(keeper).retry_now()
    assert service(keeper).work() == 2


def test_a_place_that_is_full_is_told_and_nothing_half_counts(keeper: Keeper, second: Path):
    (keeper.work / "large.bin").write_bytes(os.urandom(300_000))
    with small_disk(second, 200_000):
        one = keeper.take()
        service(keeper).work()
        copy = copy_of(keeper, one)
        assert copy.state is CopyState.FAILED and "No space left" in (copy.error or "")
        assert not (second / copy.name).exists()
        assert len(keeper.failures()) == 1


def test_a_removed_checkpoint_is_removed_there_too(make: MakeKeeper, second: Path):
    keeper = make(**offsite_to(second), **keeping(keep=1, keep_daily=0, keep_weekly=0))
    keeper.take()
    newest = keeper.take(after=DAY)
    assert service(keeper).work() == 2
    keeper.hive.keeping.retention.prune()
    assert len(there(second)) == 2
    assert service(keeper).work() == 1
    assert there(second) == [copy_of(keeper, newest).name]
    assert list(keeper.hive.database.read(offsite.by_checkpoint)) == [newest.id]


def test_one_that_is_deleted_before_it_was_sent_leaves_nothing(keeper: Keeper, second: Path):
    old = keeper.take()
    keeper.take(after=DAY)
    assert service(keeper).has_work()
    keeper.hive.keeping.catalog.delete(old, TESTER)
    assert service(keeper).work() == 1 and len(there(second)) == 1


def test_one_that_is_deleted_while_it_is_sent_is_removed_there(keeper: Keeper, second: Path):
    old = keeper.take()
    keeper.take(after=DAY)
    place: Any = keeper.hive.keeping.offsite._place
    honest = place.put

    def put(source: Path, name: str, progress: Unwatched) -> None:
        honest(source, name, progress)
        if old.id[:8] in name:
            keeper.hive.database.write(checkpoints.remove, old.id)
            keeper.hive.database.write(offsite.let_go, old.id, now=keeper.clock.now())

    place.put = put
    service(keeper).work()
    assert len(there(second)) == 1 and old.id not in keeper.hive.database.read(offsite.by_checkpoint)


def test_a_failing_copy_is_told_at_first_and_then_now_and_then(keeper: Keeper, second: Path):
    one = keeper.take()
    Path(one.path).write_bytes(b"rotten")
    for _ in range(TOLD_EVERY + 1):
        service(keeper).work()
        next_try_at = copy_of(keeper, one).next_try_at
        assert next_try_at is not None
        keeper.clock.advance((next_try_at - keeper.clock.now()).total_seconds())
    assert len(keeper.failures()) == 2


def old_and_new(keeper: Keeper) -> tuple[Checkpoint, Checkpoint]:
    old = keeper.take()
    new = keeper.take(after=40 * DAY)
    service(keeper).work()
    return old, new


def test_old_ones_live_only_there_and_come_back_when_they_are_asked_for(make: MakeKeeper, second: Path):
    keeper = make(**offsite_to(second, only_after_days=30), **keeping(keep=1))
    old, new = old_and_new(keeper)
    thinning = keeper.hive.keeping.thinning
    assert [one.id for one in thinning.spare()] == [old.id] and thinning.run() == 1
    assert not Path(old.path).exists() and Path(new.path).exists()
    assert [(one.is_local, one.is_valid) for one in keeper.catalog] == [(True, True), (False, True)]
    assert keeper.hive.keeping.mender.strays().rows == (), "it is not lost"
    assert thinning.spare() == []

    found = keeper.hive.keeping.comparer.compare(keeper.catalog[1], new, Unwatched())
    assert found.transcript[1].messages == found.transcript[0].messages + 1
    assert Path(old.path).exists() and all(one.is_local for one in keeper.catalog)
    assert thinning.spare() == [], "what was just fetched stays for a day"
    keeper.clock.advance(90_000)
    assert len(thinning.spare()) == 1


def test_one_that_lives_only_there_is_not_called_damaged_while_that_place_is_away(make: MakeKeeper, second: Path):
    keeper = make(**offsite_to(second, only_after_days=30), **keeping(keep=1))
    old, _ = old_and_new(keeper)
    keeper.hive.keeping.thinning.run()
    away = second.rename(second.with_name("away"))
    errors = keeper.hive.validator.check(keeper.catalog[1])
    assert errors and keeper.catalog[1].is_valid
    away.rename(second)
    assert keeper.hive.validator.check(keeper.catalog[1]) == [] and Path(old.path).exists()


def test_nothing_is_removed_here_whose_copy_has_rotted(make: MakeKeeper, second: Path):
    keeper = make(**offsite_to(second, only_after_days=30), **keeping(keep=1))
    old, _ = old_and_new(keeper)
    (second / copy_of(keeper, old).name).write_bytes(b"rotten")
    assert keeper.hive.keeping.thinning.run() == 0
    assert Path(old.path).exists() and keeper.catalog[1].is_local
    assert copy_of(keeper, old).state is CopyState.FAILED, "so it is sent again"


def test_an_encrypted_file_of_the_second_place_can_be_imported(
    make: MakeKeeper, second: Path, identity: tuple[str, Path]
):
    recipient, file = identity
    keeper = make(**offsite_to(second, recipients=(recipient,), identity=str(file)))
    old = keeper.take()
    keeper.take(after=DAY)
    service(keeper).work()
    kept = second / "kept.age"
    kept.write_bytes((second / copy_of(keeper, old).name).read_bytes())
    keeper.hive.keeping.catalog.delete(old, TESTER)
    entered = keeper.hive.keeping.catalog.import_file(kept, None, TESTER, Unwatched())
    assert entered.sha256 == old.sha256 and entered.generation == 1
    kept.write_bytes(kept.read_bytes()[:-9])
    with pytest.raises(OffsiteError, match="cannot be decrypted"):
        keeper.hive.keeping.catalog.import_file(kept, None, TESTER, Unwatched())


KILLED = """
import os, signal, sys
from pathlib import Path
from hive_tui.settings import Settings
from hive_tui.hive import Hive
from tests.keeper import offsite_to
hive = Hive(Path(sys.argv[1]), Settings(**offsite_to(sys.argv[2])), "/no/server")
calls = 0
def fuse(work):
    def call(*arguments, **options):
        global calls
        result = work(*arguments, **options)
        calls += 1
        if calls == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call
offsite = hive.keeping.offsite
hive.database.write = fuse(hive.database.write)
for name in ("check", "put", "digest"):
    setattr(offsite._place, name, fuse(getattr(offsite._place, name)))
offsite.work()
print(calls)
"""


def killed_at(keeper: Keeper, second: Path, point: int) -> subprocess.CompletedProcess[str]:
    words = ["-c", KILLED, str(keeper.folder / "home"), str(second), str(point)]
    return forked.parent().run(words, env=os.environ, cwd=ROOT, timeout_s=60)


def test_killed_at_any_point_a_copy_is_good_in_the_end_and_never_counts_before(make: MakeKeeper, second: Path):
    keeper = make(clock=SystemClock(), **offsite_to(second))
    keeper.take()
    calls = int(killed_at(keeper, second, 0).stdout)
    assert calls >= 7
    for point in range(1, calls + 1):
        one = keeper.take()
        assert killed_at(keeper, second, point).returncode in (-9, 0)
        copy = keeper.hive.database.read(offsite.get, one.id)
        if copy is not None and copy.is_good:
            assert hashlib.sha256((second / copy.name).read_bytes()).hexdigest() == one.sha256
        service(keeper).work()
        assert copy_of(keeper, one).is_good
    assert not list(second.rglob("*.part"))


@pytest.mark.parametrize("step", ["verifying it", "copying {name}", "reading {name} back"])
def test_a_person_sees_how_far_a_copy_is_and_stops_it_which_is_no_failure(keeper: Keeper, second: Path, step: str):
    one = keeper.take()
    assert service(keeper).has_work()
    name = copy_of(keeper, one).name
    with pytest.raises(Cancelled):
        service(keeper).work(Watched(stop_in=step.format(name=name)))
    assert there(second) == ([name] if step.startswith("reading") else [])
    assert service(keeper).state().failures == 0 and copy_of(keeper, one).attempts == 0 and keeper.failures() == []
    watched = Watched()
    assert service(keeper).work(watched) == 1
    copied = [f"copying {name}"] if not step.startswith("reading") else []
    for each in (*copied, f"reading {name} back"):
        assert watched.steps[each] == [one.size_bytes, one.size_bytes]


@pytest.fixture
def sealing(make: MakeKeeper, second: Path, identity: tuple[str, Path]) -> Keeper:
    """A hive that encrypts, with one checkpoint of some megabytes."""
    keeper = make(**offsite_to(second, recipients=(identity[0],), identity=str(identity[1])))
    (keeper.work / "large.bin").write_bytes(os.urandom(5 << 20))
    keeper.take()
    return keeper


def test_the_bytes_of_encrypting_are_told_and_it_is_stopped_in_the_middle(sealing: Keeper, second: Path):
    [one] = sealing.catalog
    stopped = Watched(stop_in="encrypting it")
    with pytest.raises(Cancelled):
        service(sealing).work(stopped)
    total, done = stopped.steps["encrypting it"]
    assert total == one.size_bytes and 0 < done < total / 2
    assert not list((sealing.folder / "home/scratch").iterdir()) and there(second) == []
    assert copy_of(sealing, one).attempts == 0 and sealing.failures() == []
    watched = Watched()
    assert service(sealing).work(watched) == 1
    assert watched.steps["encrypting it"] == [one.size_bytes, one.size_bytes]


FETCHING = ["fetching {name}", "decrypting it", "verifying what was fetched"]


def test_what_is_fetched_is_stopped_in_the_middle_and_nothing_of_it_is_left(sealing: Keeper):
    [one] = sealing.catalog
    service(sealing).work()
    name, path = copy_of(sealing, one).name, Path(one.path)
    path.unlink()
    for step in FETCHING:
        stopped = Watched(stop_in=step.format(name=name))
        with pytest.raises(Cancelled):
            sealing.hive.validator.check(one, progress=stopped)
        total, done = stopped.steps[step.format(name=name)]
        assert 0 < done < total / 2, step
        assert not list((sealing.folder / "home/scratch").iterdir()) and not list(path.parent.iterdir()), step
        assert sealing.catalog[0].is_valid, step
    watched = Watched()
    assert sealing.hive.validator.check(one, progress=watched) == []
    for step in FETCHING:
        total, done = watched.steps[step.format(name=name)]
        assert done == total > one.size_bytes * 0.99, step


def test_an_import_is_stopped_while_it_is_decrypted(sealing: Keeper, second: Path):
    [one] = sealing.catalog
    service(sealing).work()
    file = second / copy_of(sealing, one).name
    with pytest.raises(Cancelled):
        sealing.hive.keeping.catalog.import_file(file, None, TESTER, Watched(stop_in="decrypting it"))
    assert not list((sealing.folder / "home/scratch").iterdir())


def test_a_person_need_not_wait_for_a_place_that_hangs(second: Path):
    file = second / "hangs"
    os.mkfifo(file)  # whoever opens it to read waits for ever
    watched = Watched()
    watched.cancelled.set()
    patience = Patience("The second place", SystemClock(), timeout_s=60)
    with pytest.raises(Cancelled):
        patience.run(lambda _: file.read_bytes(), watched)
    assert patience.is_stuck
    file.write_bytes(b"")  # lets it go


def test_a_stop_of_which_a_library_has_made_another_error_is_no_failure():
    watched = Watched()
    watched.cancelled.set()

    def reads(_: object) -> bytes:
        raise OSError("upload failed")

    with pytest.raises(Cancelled):
        Patience("The second place", SystemClock(), timeout_s=60).run(reads, watched)
