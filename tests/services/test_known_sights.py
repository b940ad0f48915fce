"""An agent at rest is read again only when something of it moves, or after a while."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from hive_tui.adapters.file_states import WatchedFileStates
from hive_tui.domain.agents import Activity
from hive_tui.domain.hooks import HookReport
from hive_tui.domain.processes import ProcessTable
from hive_tui.domain.sightings import Claim, Session, Sighting
from hive_tui.domain.terminal import Heard
from hive_tui.services.known_sights import UNTOLD, KnownSights, Told, told_by
from tests.builders import a_process, a_sighting

TRUST_S = 5.0


class Scene:
    """One agent, whose readings are counted."""

    def __init__(self, folder: Path) -> None:
        self.files = WatchedFileStates()
        self.known = KnownSights(self.files)
        self.readings = 0
        self.transcript = folder / "transcript.jsonl"
        self.transcript.write_text("{}\n")
        self.status_file = folder / "sessions" / "100.json"
        self.status_file.parent.mkdir()
        self.status_file.write_text("{}")
        session = Session("s1", "its status file", str(self.transcript), str(folder))
        self.sighting = structs.replace(a_sighting(), root=a_process(100), session=session)
        self.shows(Activity.IDLE)

    def shows(self, activity: Activity, *, is_settled: bool = True) -> None:
        claims = (Claim(activity, "status file", "it says so"),)
        self.sighting = structs.replace(self.sighting, claims=claims, is_settled=is_settled)

    def look(
        self, now_s: float, signs: object = "still", cpu_share: float | None = None, told: Told = UNTOLD
    ) -> Sighting:
        self.files.take_in()
        root = self.sighting.root.id
        return self.known.seen(root, signs, self._read, now_s=now_s, trust_s=TRUST_S, told=told, cpu_share=cpu_share)

    def _read(self) -> Sighting:
        self.readings += 1
        return self.sighting

    def is_read(self, now_s: float, signs: object = "still", told: Told = UNTOLD) -> bool:
        before = self.readings
        self.look(now_s, signs, told=told)
        return self.readings > before


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    made.look(0.0)
    assert made.is_read(0.1), "the files were not known before the first reading, so that nothing says they stood still"
    yield made
    made.files.close()


def test_at_rest_it_is_read_once_in_a_while(scene: Scene):
    assert not scene.is_read(1.0)
    assert not scene.is_read(0.1 + TRUST_S - 0.01), "what was believed meanwhile is not younger for it"
    assert scene.is_read(0.1 + TRUST_S)


def test_what_is_found_the_same_again_and_again_is_believed_for_longer_but_not_for_ever(scene: Scene):
    read_at_s = 0.1
    waits_s: list[int] = []
    while len(waits_s) < 5:
        tries = (read_at_s + step + 0.01 for step in range(1, 100))
        at_s = next(at_s for at_s in tries if scene.is_read(at_s))
        waits_s.append(round(at_s - read_at_s))
        read_at_s = at_s
    assert waits_s == [5, 10, 15, 15, 15]
    assert scene.is_read(read_at_s + 0.1, signs="another screen")
    assert not scene.is_read(read_at_s + 0.1 + TRUST_S - 1, signs="another screen")
    assert scene.is_read(read_at_s + 0.1 + TRUST_S, signs="another screen"), "what has moved is not believed for long"


def test_what_is_found_otherwise_without_any_sign_is_believed_for_as_short_as_at_first(scene: Scene):
    assert scene.is_read(5.1)
    scene.shows(Activity.LIMITED)
    assert not scene.is_read(15.0)
    assert scene.is_read(15.1)
    assert not scene.is_read(20.0)
    assert scene.is_read(20.1)


def test_its_share_of_the_cpu_is_never_told_from_memory(scene: Scene):
    before = scene.readings
    shares = [scene.look(1.0 + step / 10, cpu_share=share).cpu_share for step, share in enumerate((0.03, 0.0, None))]
    assert shares == [0.03, 0.0, None]
    assert scene.readings == before


def test_each_sign_has_it_read_at_once(scene: Scene):
    scene.status_file.write_text('{"status": "busy"}')
    assert scene.is_read(1.0)
    scene.transcript.unlink()
    assert scene.is_read(1.1)
    assert scene.is_read(1.2, signs="another screen")
    assert not scene.is_read(1.3, signs="another screen")


def test_a_report_that_expires_is_a_sign(scene: Scene):
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    asked = HookReport("claude", "s1", "PermissionRequest", at, Activity.PERMISSION, "PermissionRequest", at)
    heard = Heard().after(b"7501;state=blocked", at.timestamp())
    ends_s = (asked.expires_at - at).total_seconds()
    for reports, said in (((asked, None), None), ((), heard)):

        def told(after_s: float, reports: Any = reports, said: Any = said) -> Told:
            return told_by(reports, said, at.timestamp() + after_s)

        scene.look(0.0, told=told(0.0))
        scene.look(0.1, told=told(0.1))
        assert not scene.is_read(0.2, told=told(0.2))
        root, ends_at_s = scene.sighting.root.id, at.timestamp() + ends_s
        for given in (told(ends_s - 0.1), None):
            assert scene.known.rests(root, given, ends_at_s - 0.1)
        for given in (told(ends_s), None):
            assert not scene.known.rests(root, given, ends_at_s)
        assert scene.is_read(0.3, told=told(ends_s + 0.3))
        assert scene.known.rests(root, None, ends_at_s + 3600), "nothing is left that could expire"


def test_who_works_or_wavers_is_always_read(scene: Scene):
    scene.shows(Activity.WORKING)
    assert scene.is_read(6.0)
    assert scene.is_read(6.1)
    scene.shows(Activity.IDLE, is_settled=False)
    assert scene.is_read(6.2)
    assert scene.is_read(6.3)
    scene.shows(Activity.IDLE)
    assert scene.is_read(6.4)


def test_another_process_is_another_agent(scene: Scene):
    scene.known.forget_all_but(ProcessTable([a_process(100, started=7)]))
    assert scene.is_read(1.0)


def test_without_trust_all_is_read(scene: Scene):
    before = scene.readings
    scene.known.seen(scene.sighting.root.id, "still", scene._read, now_s=1.0, trust_s=0.0)
    assert scene.readings == before + 1


def test_readings_that_were_asked_for_one_after_the_other_make_nobody_trusted_for_longer(scene: Scene):
    for now_s in (1.0, 1.1, 1.2):
        scene.known.seen(scene.sighting.root.id, "still", scene._read, now_s=now_s, trust_s=0.0)
    assert scene.is_read(1.2 + TRUST_S + 0.01)
