"""Import and delete with hostile files and with kill -9 in the middle."""

import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard

from hive_tui.adapters.reading import being_read
from hive_tui.archive import reader
from hive_tui.archive.writer import writing
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import AgentBusy, CheckpointError, DiskFull, HiveError
from hive_tui.domain.progress import Unwatched
from hive_tui.store import agents, checkpoints
from tests import forked
from tests.disks import small_disk
from tests.keeper import TESTER, Keeper
from tests.stage import ROOT

DAY = timedelta(days=1)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(tmp_path)
    yield made
    made.close()


def import_file(keeper: Keeper, file: Path, agent: str | None = None) -> Checkpoint:
    return keeper.hive.keeping.catalog.import_file(file, agent, TESTER, Unwatched())


def nothing_changed(keeper: Keeper, count: int) -> None:
    assert len(keeper.catalog) == count
    assert keeper.hive.keeping.mender.strays().files == () and not list(
        (keeper.folder / "home/checkpoints/imported").glob("*")
    )


def packed(file: Path, *members: tarfile.TarInfo) -> Path:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for info in members:
            content = b"x" * info.size
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    file.write_bytes(zstandard.ZstdCompressor().compress(raw.getvalue()))
    return file


def a_member(name: str, **facts: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in {"size": 3, **facts}.items():
        setattr(info, key, value)
    return info


HOSTILE = {
    "a path out of the folder": [a_member("../outside")],
    "an absolute path": [a_member("/tmp/outside")],
    "a symbolic link": [a_member("link", type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0)],
    "a device": [a_member("device", type=tarfile.CHRTYPE, size=0)],
    "the same name twice": [a_member("twice"), a_member("twice")],
    "no manifest": [a_member("agent.json")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_archive_is_refused(keeper: Keeper, members: list[tarfile.TarInfo]):
    keeper.take()
    with pytest.raises(CheckpointError, match="was not imported"):
        import_file(keeper, packed(keeper.folder / "hostile.tar.zst", *members), "shop")
    nothing_changed(keeper, 1)
    assert not Path("/tmp/outside").exists()


def with_facts(keeper: Keeper, file: Path, **changes: Any) -> Path:
    """A sound archive that says something else of itself."""
    path = Path(keeper.catalog[0].path)
    manifest = reader.read_manifest(path)
    with writing(file, {**manifest.facts, **changes}) as (archive, _):
        for member in manifest.members:
            archive.add_bytes(member.name, reader.read_member(path, member.name))
    return file


@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "../../etc"},
        {"agent": "-rf"},
        {"agent_id": ""},
        {"agent_id": "x" * 65},
        {"created_at": "2999-01-01T00:00:00+00:00"},
        {"created_at": "2026-01-01T00:00:00"},
        {"created_at": 7},
        {"reason": "because"},
    ],
    ids=str,
)
def test_a_sound_archive_that_cannot_be_a_checkpoint_is_refused(keeper: Keeper, changes: dict[str, Any]):
    keeper.take()
    file = with_facts(keeper, keeper.folder / "odd.tar.zst", **changes)
    with pytest.raises(CheckpointError, match="no checkpoint of an agent"):
        import_file(keeper, file, "shop")
    nothing_changed(keeper, 1)


def test_an_imported_agent_brings_no_environment_with_it(keeper: Keeper):
    one = keeper.take()
    keeper.hive.database.write(agents.forget, keeper.agent.id, now=keeper.clock.now())
    with pytest.raises(CheckpointError, match="in the catalog already: generation 0"):
        keeper.hive.keeping.catalog.plan_import(Path(one.path), "moved", Unwatched())
    keeper.hive.database.write(checkpoints.remove, one.id)
    plan = keeper.hive.keeping.catalog.plan_import(Path(one.path), "moved", Unwatched())
    assert plan.agent is None
    made = plan.described.agent("id", "moved", keeper.hive.kinds, now=keeper.clock.now(), trusted=False)
    assert made.env == () and made.pane is None and made.process is None


def test_an_import_stays_whatever_its_age(keeper: Keeper):
    old = keeper.take()
    saved = keeper.hive.keeping.catalog.export(old, keeper.folder, TESTER, Unwatched(), force=False)
    assert saved.parent == keeper.folder and stat.S_IMODE(saved.stat().st_mode) == 0o600
    keeper.take(after=400 * DAY)
    keeper.hive.keeping.catalog.delete(old, TESTER)
    import_file(keeper, saved)
    assert keeper.hive.keeping.retention.prune().removed == () and len(keeper.catalog) == 2


def test_a_damaged_checkpoint_is_not_exported(keeper: Keeper):
    one = keeper.take()
    Path(one.path).write_bytes(b"rotten")
    with pytest.raises(CheckpointError, match="is damaged"):
        keeper.hive.keeping.catalog.export(one, keeper.folder / "out", TESTER, Unwatched(), force=True)
    assert not (keeper.folder / "out").exists()


def test_an_export_to_a_full_disk_leaves_nothing(keeper: Keeper):
    one = keeper.take()
    with small_disk(keeper.folder / "disk", 4096) as disk:
        (disk / "filler").write_bytes(bytes(4096))
        with pytest.raises(DiskFull):
            keeper.hive.keeping.catalog.export(one, disk / "out", TESTER, Unwatched(), force=False)
        assert [path.name for path in disk.iterdir()] == ["filler"]


def test_one_that_is_read_or_whose_agent_is_busy_is_not_deleted(keeper: Keeper):
    one = keeper.take()
    keeper.take(after=DAY)
    delete = keeper.hive.keeping.catalog.delete
    with being_read(Path(one.path)), pytest.raises(CheckpointError, match="being read"):
        delete(one, TESTER)
    with keeper.new_hive().locks.agent(keeper.agent.id, purpose="nap"), pytest.raises(AgentBusy):
        delete(one, TESTER)
    assert len(keeper.catalog) == 2 and Path(one.path).exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from hive_tui.settings import Settings
from hive_tui.domain.progress import Unwatched
from hive_tui.hive import Hive
from hive_tui.store import checkpoints
from tests.keeper import TESTER
home, file, verb, point = sys.argv[1:]
hive = Hive(Path(home), Settings(), "/no/server")
calls = 0
def fuse(work):
    def call(*arguments, **options):
        result = work(*arguments, **options)
        burn()
        return result
    return call
def burn():
    global calls
    calls += 1
    if calls == int(point):
        os.kill(os.getpid(), signal.SIGKILL)
class Counted(Unwatched):
    def step(self, name, total_bytes=0):
        burn()
hive.database.write = fuse(hive.database.write)
os.link, os.unlink, os.fsync = fuse(os.link), fuse(os.unlink), fuse(os.fsync)
if verb == "import":
    hive.keeping.catalog.import_file(Path(file), None, TESTER, Counted())
else:
    hive.keeping.catalog.delete(hive.database.read(checkpoints.get, file), TESTER)
print(calls)
"""


def killed(keeper: Keeper, what: str, verb: str, point: int) -> subprocess.CompletedProcess[str]:
    words = ["-c", KILLED, str(keeper.folder / "home"), what, verb, str(point)]
    return forked.parent().run(words, env=os.environ, cwd=ROOT, timeout_s=60)


def whole(keeper: Keeper) -> bool:
    """Every row has its file, every file its row, and no temporary file survives a sweep."""
    keeper.hive.snapshotter.sweep(lambda _: False)
    strays = keeper.hive.keeping.mender.strays()
    return (strays.files, strays.rows) == ((), ()) and not list((keeper.folder / "home/checkpoints").rglob(".*"))


def after_each_kill(keeper: Keeper, verb: str, prepare: Callable[[], str]) -> None:
    done = killed(keeper, prepare(), verb, 0)
    assert done.returncode == 0, done.stderr
    for point in range(1, int(done.stdout) + 1):
        what = prepare()
        assert killed(keeper, what, verb, point).returncode == -9
        keeper.hive.keeping.mender.mend(TESTER)
        assert whole(keeper), f"killed at {point}"
        assert all(keeper.hive.validator.check(one) == [] for one in keeper.catalog)
        assert [one.generation for one in keeper.catalog] == list(range(len(keeper.catalog)))


@pytest.mark.timeout(300)
def test_killed_at_any_point_an_import_is_done_or_undone_once_the_doctor_was_there(keeper: Keeper):
    old = keeper.take()
    saved = keeper.folder / "saved.tar.zst"
    keeper.hive.keeping.catalog.export(old, saved, TESTER, Unwatched(), force=False)
    keeper.take(after=DAY)

    def prepare() -> str:
        for one in keeper.catalog[1:]:
            keeper.hive.keeping.catalog.delete(one, TESTER)
        return str(saved)

    after_each_kill(keeper, "import", prepare)


@pytest.mark.timeout(300)
def test_killed_at_any_point_a_delete_is_done_or_undone_once_the_doctor_was_there(keeper: Keeper):
    keeper.take()

    def prepare() -> str:
        keeper.take(after=DAY)
        return keeper.catalog[1].id

    after_each_kill(keeper, "delete", prepare)


def test_what_cannot_be_mended_is_left_and_named(keeper: Keeper):
    keeper.take()
    folder = keeper.folder / "home/checkpoints/shop"
    (folder / "odd.tar.zst").write_bytes(b"hello")
    said = keeper.hive.keeping.mender.mend(TESTER)
    assert len(said) == 1 and "is left as it is" in said[0] and (folder / "odd.tar.zst").read_bytes() == b"hello"
    os.link(keeper.catalog[0].path, folder / "twin.tar.zst")
    assert any("a second copy" in line for line in keeper.hive.keeping.mender.mend(TESTER))
    assert len(keeper.catalog) == 1


def test_a_file_that_is_moved_within_the_store_is_found_again(keeper: Keeper):
    one = keeper.take()
    place = Path(one.path).with_name("moved.tar.zst")
    Path(one.path).rename(place)
    assert keeper.hive.validator.check(one) != []
    keeper.hive.keeping.mender.mend(TESTER)
    assert [(found.id, found.path, found.is_valid) for found in keeper.catalog] == [(one.id, str(place), True)]


def test_a_checkpoint_that_is_just_being_taken_is_not_entered_twice(keeper: Keeper):
    one = keeper.take()
    keeper.hive.database.write(lambda db: db.execute("DELETE FROM checkpoints WHERE id = ?", (one.id,)))
    with keeper.new_hive().locks.agent(one.agent_id, purpose="checkpoint"):
        assert "is just being taken" in keeper.hive.keeping.mender.mend(TESTER)[0]
    assert keeper.catalog == []


def test_errors_of_the_catalog_have_a_hint(keeper: Keeper):
    for file in (keeper.folder / "nowhere", keeper.folder):
        with pytest.raises(HiveError) as caught:
            import_file(keeper, file)
        assert caught.value.hint
