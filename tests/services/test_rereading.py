"""Copies in a second place are read again in turn; a bad one is told, and sent again where that is sound."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import OffsiteError
from hive_tui.domain.events import EventKind
from hive_tui.domain.offsite import CopyState, OffsiteCopy
from hive_tui.services.offsite import Offsite
from hive_tui.store import offsite
from tests.keeper import TESTER, Keeper, keeping, offsite_to

DAY = timedelta(days=1)
MONTH = 31 * DAY
MakeKeeper = Callable[..., Keeper]


@pytest.fixture
def second(tmp_path: Path) -> Path:
    folder = tmp_path / "second"
    folder.mkdir()
    return folder


@pytest.fixture
def make(tmp_path: Path, second: Path) -> Iterator[MakeKeeper]:
    made: list[Keeper] = []

    def make(**options: Any) -> Keeper:
        tables = {**offsite_to(second), **options}
        made.append(Keeper(tmp_path / "hive", **tables))
        return made[-1]

    (tmp_path / "hive").mkdir()
    yield make
    for keeper in made:
        keeper.close()


def service(keeper: Keeper) -> Offsite:
    return keeper.hive.keeping.offsite


def sent(keeper: Keeper, *, after: timedelta = timedelta(0)) -> Checkpoint:
    one = keeper.take(after=after)
    service(keeper).work()
    return one


def copy_of(keeper: Keeper, one: Checkpoint) -> OffsiteCopy:
    found = keeper.hive.database.read(offsite.get, one.id)
    assert found is not None
    return found


def wait(keeper: Keeper, span: timedelta) -> None:
    keeper.clock.advance(span.total_seconds())


def test_a_copy_is_read_again_after_its_time_and_not_before(make: MakeKeeper):
    keeper = make()
    one = sent(keeper)
    wait(keeper, 29 * DAY)
    assert not service(keeper).has_work()
    wait(keeper, DAY)
    assert service(keeper).work() == 1 and not service(keeper).has_work()
    assert copy_of(keeper, one).verified_at == keeper.clock.now()
    assert keeper.said(EventKind.OFFSITE_COPIED) == keeper.said(EventKind.OFFSITE_COPIED)[:1], "a good one is no news"


def test_none_is_read_again_where_the_settings_say_never(make: MakeKeeper, second: Path):
    keeper = make(**offsite_to(second, verify_every_days=0))
    one = sent(keeper)
    wait(keeper, 400 * DAY)
    assert not service(keeper).has_work()
    service(keeper).verify_now()
    assert service(keeper).work() == 1 and copy_of(keeper, one).verified_at == keeper.clock.now()


def test_so_many_bytes_are_read_a_day_and_the_oldest_reading_goes_first(make: MakeKeeper, second: Path):
    keeper = make(**offsite_to(second, verify_bytes_a_day=1))
    ones = [sent(keeper, after=DAY) for _ in range(3)]
    wait(keeper, MONTH)
    read = []
    for _ in ones:
        assert service(keeper).work() == 1, "one a day, though it is more than a day allows"
        assert not service(keeper).has_work()
        read += [one.id for one in ones if copy_of(keeper, one).verified_at == keeper.clock.now()]
        wait(keeper, DAY)
    assert read == [one.id for one in ones]
    assert not service(keeper).has_work()


def test_what_is_new_goes_before_what_is_read_again(make: MakeKeeper):
    keeper = make()
    sent(keeper)
    new = keeper.take(after=MONTH)
    assert service(keeper).has_work() and service(keeper)._work_once()
    assert copy_of(keeper, new).is_good and service(keeper).has_work()


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_copy_that_has_gone_bad_is_told_and_sent_again(make: MakeKeeper, second: Path, is_gone: bool):
    keeper = make()
    one = sent(keeper)
    file = second / copy_of(keeper, one).name
    good = file.read_bytes()
    file.unlink() if is_gone else file.write_bytes(good[:100] + b"!" + good[101:])
    wait(keeper, MONTH)
    for _ in range(3):  # one that cannot be read is asked for again before it counts as gone
        service(keeper).work()
        wait(keeper, timedelta(minutes=2))
    assert file.read_bytes() == good and copy_of(keeper, one).state is CopyState.VERIFIED
    [told] = keeper.said(EventKind.OFFSITE_DAMAGED)
    assert told in keeper.failures() and "It is sent again." in told and copy_of(keeper, one).error is None


def test_a_bad_copy_is_not_replaced_by_a_file_that_is_bad_here_too(make: MakeKeeper, second: Path):
    keeper = make()
    one = sent(keeper)
    file = second / copy_of(keeper, one).name
    file.write_bytes(b"rotten there")
    Path(one.path).write_bytes(b"rotten here")
    wait(keeper, MONTH)
    service(keeper).work()
    assert file.read_bytes() == b"rotten there" and copy_of(keeper, one).state is CopyState.FAILED
    assert len(keeper.failures()) == 2, "both are told"


def test_a_bad_copy_that_was_the_only_one_counts_no_more_until_it_is_right_again(make: MakeKeeper, second: Path):
    keeper = make(**offsite_to(second, only_after_days=30), **keeping(keep=1))
    old = keeper.take()
    sent(keeper, after=40 * DAY)
    assert keeper.hive.keeping.thinning.run() == 1
    file = second / copy_of(keeper, old).name
    good = file.read_bytes()
    file.write_bytes(b"rotten")
    wait(keeper, MONTH)
    service(keeper).work()
    assert "that checkpoint is lost" in keeper.said(EventKind.OFFSITE_DAMAGED)[0]
    assert not copy_of(keeper, old).is_good and keeper.hive.validator.check(keeper.catalog[1]) != []
    assert not service(keeper).has_work(), "it is looked at once a day"
    file.write_bytes(good)
    wait(keeper, DAY)
    assert service(keeper).work() == 1 and copy_of(keeper, old).is_good


def test_a_place_that_is_away_says_nothing_about_its_copies(make: MakeKeeper, second: Path):
    keeper = make()
    one = sent(keeper)
    place: Any = service(keeper)._place

    def unplug(name: str, progress: object) -> tuple[int, str]:
        second.rename(second.with_name("away"))
        raise OffsiteError(f"{name} vanished.", hint="")

    honest, place.digest = place.digest, unplug
    wait(keeper, MONTH)
    assert service(keeper).work() == 0
    assert copy_of(keeper, one).is_good and service(keeper).state().failures == 1
    place.digest = honest
    second.with_name("away").rename(second)
    wait(keeper, timedelta(minutes=1))
    assert service(keeper).work() == 1 and copy_of(keeper, one).verified_at == keeper.clock.now()


def test_one_that_is_deleted_while_it_is_read_is_removed_there(make: MakeKeeper, second: Path):
    keeper = make()
    one = sent(keeper)
    keeper.take(after=MONTH)
    service(keeper).work()
    place: Any = service(keeper)._place

    def digest(name: str, progress: object) -> tuple[int, str]:
        if one.id[:8] in name:
            keeper.hive.keeping.catalog.delete(one, TESTER)
        return 1, "wrong"

    place.digest = digest
    wait(keeper, MONTH)
    service(keeper).work()
    assert copy_of_or_none(keeper, one) is None and one.id[:8] not in str(list(second.rglob("*.zst")))


def copy_of_or_none(keeper: Keeper, one: Checkpoint) -> OffsiteCopy | None:
    return keeper.hive.database.read(offsite.get, one.id)
