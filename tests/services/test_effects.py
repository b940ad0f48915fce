"""The log of side effects: once under a key, and honest about what is not known."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from hive_tui.adapters.effects import probes
from hive_tui.domain.effects import (
    EffectBusy,
    EffectError,
    EffectKind,
    EffectState,
    EffectUnknown,
    Ending,
    Kept,
    NewEffect,
    Verdict,
)
from hive_tui.domain.errors import HiveError, NotFound, StoreFull
from hive_tui.domain.events import EventKind, Severity
from hive_tui.domain.processes import ProcessId
from hive_tui.hive import Hive
from hive_tui.services.effect_commands import Wanted
from hive_tui.services.effects import Act, Attempt, Outcome
from hive_tui.services.message_probe import NEEDLE_LETTERS, is_draft_of
from hive_tui.settings import Settings
from hive_tui.store import effects as store
from hive_tui.store import journal
from tests.disks import fill, small_disk
from tests.migrated import home_with_database
from tests.services.effect_values import an_open_effect
from tests.stage import ROOT, TESTER, Heard, eventually

DEAD = ProcessId(2**22 + 1, 1)
"""No process has such a number."""


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    made = new_hive(tmp_path / "home")
    yield made
    made.close()


def new_hive(home: Path) -> Hive:
    return Hive(home_with_database(home), Settings(), "hive-test-no-such-server", notifier=Heard())


def run(hive: Hive, key: str, script: str, **options: object) -> Outcome:
    wanted = replace(Wanted(key, ["sh", "-c", script], Path("/tmp")), **options)  # type: ignore[arg-type]
    return hive.effecting.commands.run(wanted, (None, None), TESTER)


def an_effect(key: str = "a-key", kind: EffectKind = EffectKind.COMMAND, **changes: object) -> NewEffect:
    return replace(NewEffect(key, kind, "somewhere", {"what": "it"}, "do it"), **changes)  # type: ignore[arg-type]


def acts(begun: bool = True, raises: BaseException | None = None) -> tuple[Act, list[int]]:
    """Something to do, and the attempts that have done it."""
    done: list[int] = []

    def act(attempt: Attempt) -> Ending:
        if begun:
            attempt.begins()
            done.append(attempt.effect.attempt)
        if raises is not None:
            raise raises
        return Ending(EffectState.DONE)

    return act, done


def cut_off(hive: Hive, new: NewEffect, *, runner: ProcessId = DEAD, child: ProcessId | None = DEAD) -> None:
    """As a runner that was killed leaves it."""
    effect = hive.database.write(store.begin, new, runner, now=hive.clock.now())
    if child is not None:
        hive.database.write(store.set_child, effect, child)


def logged(hive: Hive) -> list[tuple[EventKind, Severity]]:
    return [(one.event.kind, one.event.severity) for one in hive.database.read(journal.events)]


def test_the_same_key_gives_the_stored_result_and_another_command_under_it_is_refused(hive: Hive, tmp_path: Path):
    script = f"echo x >> {tmp_path}/count; echo out; echo err >&2; exit 3"
    first, again = run(hive, "k", script), run(hive, "k", script)
    assert (first.is_replay, again.is_replay) == (False, True)
    assert first.effect == again.effect
    assert (again.effect.state, again.effect.exit_code) == (EffectState.FAILED, 3)
    assert [kept.head for kept in hive.database.read(store.output, "k")] == [b"out\n", b"err\n"]
    for other in ({"script": "true"}, {"script": script, "target": "x"}, {"script": script, "folder": tmp_path}):
        with pytest.raises(EffectError, match="stands for something else"):
            run(hive, "k", **other)
    assert run(hive, "k", script, retry=True).effect.attempt == 2
    assert (tmp_path / "count").read_text() == "x\nx\n"


def test_of_many_processes_with_one_key_one_runs_and_all_get_the_result(tmp_path: Path):
    received = tmp_path / "received"
    words = [sys.executable, "-m", "tests.services.effect_worker", str(tmp_path / "home"), "command", "k"]
    started = [
        subprocess.Popen([*words, str(received), "-"], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    said = sorted(one.communicate(timeout=60)[0].strip() for one in started)
    assert said == ["done", "replayed", "replayed", "replayed"]
    assert received.read_text() == "k\n"


def test_a_runner_that_lives_is_waited_for_and_one_with_its_number_alone_is_dead(hive: Hive):
    living = subprocess.Popen(["sleep", "60"])
    try:
        found = hive.processes.table().get(living.pid)
        assert found is not None
        act, done = acts()
        cut_off(hive, an_effect("lives"), runner=found.id, child=None)
        cut_off(hive, an_effect("child"), child=found.id)
        cut_off(hive, an_effect("reused"), runner=ProcessId(living.pid, found.started + 1))
        for key in ("lives", "child"):
            with pytest.raises(EffectBusy, match=f"by process {living.pid}"):
                hive.effecting.log.run(an_effect(key), act)
            with pytest.raises(EffectError, match="being done right now"):
                hive.effecting.log.resolve(key, happened=False, actor=TESTER)
        with pytest.raises(EffectUnknown):
            hive.effecting.log.run(an_effect("reused"), act)
        assert hive.effecting.log.look_after() == 0
        assert done == []
    finally:
        living.kill()
        living.wait()
    assert hive.effecting.log.look_after() == 2


def test_a_command_whose_process_was_not_written_down_has_not_begun(hive: Hive):
    wanted = Wanted("k", ["true"], Path("/tmp"))
    cut_off(hive, wanted.effect(), child=None)
    done = hive.effecting.commands.run(wanted, (None, None), TESTER)
    assert (done.is_replay, done.effect.state, done.effect.attempt) == (False, EffectState.DONE, 2)


def test_what_nobody_knows_is_told_loudly_and_stays_until_a_person_says_which_it_is(hive: Hive):
    act, done = acts()
    cut_off(hive, an_effect())
    assert hive.effecting.log.look_after() == 1
    assert logged(hive)[-1] == (EventKind.EFFECT_UNKNOWN, Severity.FAILURE)
    for _ in range(2):
        with pytest.raises(EffectUnknown, match="it was cut off"):
            hive.effecting.log.run(an_effect(), act)
    assert done == []
    assert len(logged(hive)) == 1, "it is told once"
    assert hive.effecting.log.resolve("a-key", happened=False, actor=TESTER, note="I looked").is_repeatable
    assert (EventKind.EFFECT_RESOLVED, Severity.INFO) in logged(hive), "who says it need not be warned"
    assert hive.effecting.log.run(an_effect(), act).is_replay is False
    assert done == [2]
    with pytest.raises(EffectError, match="nothing to say"):
        hive.effecting.log.resolve("a-key", happened=False, actor=TESTER)
    cut_off(hive, an_effect("other"))
    assert hive.effecting.log.resolve("other", happened=True, actor=TESTER).result["found_by"] == "test"
    assert hive.effecting.log.run(an_effect("other"), act).is_replay


def test_what_fails_before_it_begins_is_done_again_and_what_fails_after_is_not(hive: Hive):
    early, _ = acts(begun=False, raises=HiveError("The pane is gone."))
    late, _ = acts(raises=KeyboardInterrupt())
    act, done = acts()
    with pytest.raises(HiveError, match="pane is gone"):
        hive.effecting.log.run(an_effect("early"), early)
    assert hive.effecting.log.run(an_effect("early"), act).effect.state is EffectState.DONE
    with pytest.raises(KeyboardInterrupt):
        hive.effecting.log.run(an_effect("late"), late)
    with pytest.raises(EffectUnknown, match="it was interrupted"):
        hive.effecting.log.run(an_effect("late"), act)
    assert done == [2]


def test_a_runner_that_was_taken_for_dead_changes_nothing_any_more(hive: Hive):
    late = hive.database.write(store.begin, an_effect(), DEAD, now=hive.clock.now())
    hive.effecting.log.resolve("a-key", happened=False, actor=TESTER)
    act, done = acts()
    hive.effecting.log.run(an_effect(), act)
    assert done == [2]
    assert not hive.database.write(store.set_child, late, DEAD)
    assert not hive.database.write(store.end, late, Ending(EffectState.FAILED, "late"), now=hive.clock.now())
    assert hive.database.read(store.get, "a-key").state is EffectState.DONE


@pytest.mark.parametrize(
    ("script", "timeout_s", "state", "error"),
    [
        ("kill -9 $$", None, EffectState.UNKNOWN, "it was ended by SIGKILL"),
        (
            "trap '' TERM; sleep 60 & echo $! > {pid}; wait",
            0.3,
            EffectState.UNKNOWN,
            "its time was up, and it was ended",
        ),
        ("exit 1", None, EffectState.FAILED, "it ended with exit code 1"),
        ("sleep 60 & echo $! > {pid}", None, EffectState.DONE, None),
    ],
)
def test_how_a_command_ends_is_written_down_truthfully(
    hive: Hive,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    script: str,
    timeout_s: float | None,
    state: EffectState,
    error: str | None,
):
    monkeypatch.setattr("hive_tui.adapters.effects.command.GRACE_S", 0.1)
    monkeypatch.setattr("hive_tui.adapters.effects.command.LAST_OUTPUT_S", 0.1)
    pid = tmp_path / "pid"
    ended = run(hive, "k", script.format(pid=pid), timeout_s=timeout_s).effect
    assert (ended.state, ended.error) == (state, error)
    left = hive.processes.table().get(int(pid.read_text())) if pid.exists() else None
    assert (left is not None) == (pid.exists() and timeout_s is None), "what a command leaves is its own affair"
    if left is not None:
        hive.processes.signal(left.id, 9)


@pytest.mark.parametrize(
    ("has_happened", "state"), [(True, EffectState.DONE), (False, EffectState.FAILED), (None, EffectState.UNKNOWN)]
)
def test_a_probe_decides_where_a_command_was_ended(hive: Hive, has_happened: bool | None, state: EffectState):
    code = {True: 0, False: 1, None: 7}[has_happened]
    done = run(hive, "k", "kill -9 $$", probe=probes.command_probe(f'test "$HIVE_EFFECT_KEY" = k && exit {code}'))
    assert done.effect.state is state
    assert done.effect.is_repeatable == (has_happened is False)


def test_a_commit_with_the_very_key_as_trailer_is_found_on_any_branch_and_after_a_reset(tmp_path: Path):
    def git(*words: str) -> None:
        named = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(tmp_path), *words]
        subprocess.run(named, check=True, capture_output=True)

    def verdict(key: str) -> Verdict:
        return probes.look_into_git(an_open_effect(key, probes.git_probe(tmp_path)))

    assert verdict("k") is Verdict.NOBODY_KNOWS, "there is no repository"
    git("init", "-q", "-b", "main")
    assert verdict("k") is Verdict.DID_NOT
    git("commit", "-q", "--allow-empty", "-m", "first\n\nHive-Effect: k is only spoken of here.\n\nEnd.")
    git("commit", "-q", "--allow-empty", "-m", "second", "--trailer", "Hive-Effect: k-2")
    assert (verdict("k"), verdict("k-2")) == (Verdict.DID_NOT, Verdict.HAPPENED)
    git("checkout", "-q", "-b", "side")
    git("commit", "-q", "--allow-empty", "-m", "third", "--trailer", "Hive-Effect: k")
    git("checkout", "-q", "main")
    assert verdict("k") is Verdict.HAPPENED
    git("branch", "-q", "-D", "side")
    assert verdict("k") is Verdict.HAPPENED, "it was there; the reflog knows"


def test_a_file_has_the_hash_or_is_as_it_was_or_nobody_knows(tmp_path: Path):
    file = tmp_path / "page"
    wanted = sha256(b"new").hexdigest()
    made, changed = probes.file_probe(file, wanted.upper()), None
    for content, verdict in ((None, Verdict.DID_NOT), (b"new", Verdict.HAPPENED), (b"ne", Verdict.NOBODY_KNOWS)):
        if content is not None:
            file.write_bytes(content)
        assert probes.look_at_file(an_open_effect("k", made)) is verdict
    changed = probes.file_probe(file, wanted)
    assert probes.look_at_file(an_open_effect("k", changed)) is Verdict.DID_NOT
    file.unlink()
    assert probes.look_at_file(an_open_effect("k", changed)) is Verdict.NOBODY_KNOWS


def test_a_probe_that_hangs_or_cannot_run_says_nothing(hive: Hive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(probes, "COMMAND_TIMEOUT_S", 0.2)
    hangs = probes.command_probe("exec sleep 60")
    assert probes.ask_command(an_open_effect("k", hangs), hive.processes) is Verdict.NOBODY_KNOWS
    gone = {"type": "command", "command": "exit 0", "cwd": str(tmp_path / "gone")}
    assert probes.ask_command(an_open_effect("k", gone), hive.processes) is Verdict.NOBODY_KNOWS


def test_of_a_hundred_megabytes_beginning_and_end_are_kept_and_the_command_is_not_held_up(hive: Hive):
    script = "echo begin; head -c 100000000 /dev/zero; echo end; echo warning >&2"
    assert run(hive, "k", script).effect.state is EffectState.DONE
    out, err = hive.database.read(store.output, "k")
    keep = hive.settings.effects.output_bytes
    assert out.size_bytes == 100_000_010
    assert (len(out.head), len(out.tail)) == (keep // 2, keep // 2)
    assert (out.head[:6], out.tail[-4:]) == (b"begin\n", b"end\n")
    assert f"[{100_000_010 - keep} bytes are not kept]" in out.text()
    assert (err.head, err.tail, err.cut_bytes) == (b"warning\n", b"", 0)


def test_on_a_full_disk_nothing_begins_and_what_has_begun_is_written_down_without_its_output(tmp_path: Path):
    with small_disk(tmp_path / "disk", 40_000_000) as disk:
        hive = new_hive(disk / "home")
        assert run(hive, "small", "true").effect.state is EffectState.DONE
        filler = fill(disk)
        act, done = acts()
        with pytest.raises(StoreFull):
            hive.effecting.log.run(an_effect("nothing"), act)
        assert done == []
        filler.unlink()

        def fills(attempt: Attempt) -> Ending:
            attempt.begins()
            fill(disk)
            return Ending(EffectState.DONE, stdout=Kept(bytes(5_000_000), b"", 5_000_000))

        hive.effecting.log.run(an_effect("late"), fills)
        assert hive.database.read(store.get, "late").state is EffectState.DONE
        out, _ = hive.database.read(store.output, "late")
        assert (out.head, out.size_bytes) == (b"", 5_000_000)
        hive.close()


def test_what_has_ended_is_forgotten_one_day_and_what_is_open_never(hive: Hive):
    act, _ = acts()
    hive.effecting.log.run(an_effect("old"), act)
    cut_off(hive, an_effect("unknown"))
    hive.effecting.log.look_after()
    cut_off(hive, an_effect("open"))
    assert hive.database.write(store.purge, before=hive.clock.now() + timedelta(days=1)) == 1
    assert {one.key for one in hive.database.read(store.everything)} == {"unknown", "open"}
    with pytest.raises(NotFound):
        hive.database.read(store.get, "old")


def test_what_has_a_journal_of_its_own_is_recorded_and_never_decided_here(hive: Hive):
    push = an_effect("push:1", EffectKind.PUSH)
    with pytest.raises(OSError, match="unplugged"), hive.effecting.log.recorded(push):
        assert hive.database.read(store.get, "push:1").state is EffectState.INTENT
        raise OSError("unplugged")
    assert hive.database.read(store.get, "push:1").error == "OSError: unplugged"
    with hive.effecting.log.recorded(replace(push, arguments={"size": 2})):
        pass
    assert (hive.database.read(store.get, "push:1").state, logged(hive)) == (EffectState.DONE, [])
    cut_off(hive, an_effect("push:2", EffectKind.PUSH))
    assert hive.effecting.log.look_after() == 0


def test_a_push_that_was_cut_off_and_is_never_begun_again_does_not_stay_open(hive: Hive):
    cut_off(hive, an_effect("push:1", EffectKind.PUSH))
    hive.database.write(lambda db: db.execute("UPDATE effects SET intent_at = intent_at - 90000000000"))
    assert hive.effecting.log.look_after() == 1
    found = hive.database.read(store.get, "push:1")
    assert (found.state, found.error, logged(hive)) == (
        EffectState.FAILED,
        "it was cut off, and was not begun again",
        [],
    )


def test_the_heartbeat_finds_what_was_cut_off(hive: Hive):
    cut_off(hive, an_effect())
    chores = {one.name: one.work for one in hive.effecting.chores()}
    chores["look after side effects that were cut off"]()
    chores["purge the log of side effects"]()
    eventually(lambda: hive.database.read(store.get, "a-key").state is EffectState.UNKNOWN)


@pytest.mark.parametrize("key", ["", " a", "a\nb", "x" * 201])
def test_a_key_is_one_short_line(hive: Hive, key: str):
    act, _ = acts()
    with pytest.raises(EffectError, match="is not a key"):
        hive.effecting.log.run(an_effect(key), act)


@pytest.mark.parametrize(
    ("message", "draft", "is_ours"),
    [
        ("Fix the bug", "Fix the\nbug", True),
        ("Fix the bug", "Fix the bug, and then", False),
        ("Fix the bug", "Fix", False),
        ("word " * 60, "word " * 60, True),
        ("word " * 60, "word " * 20, False),
        (" ", "", False),
        (" ", "mine", False),
    ],
)
def test_a_draft_is_taken_for_ours_only_where_nothing_else_is_in_it(message: str, draft: str, is_ours: bool):
    needle = message.strip()[:NEEDLE_LETTERS]
    assert is_draft_of({"needle": needle}, draft) is is_ours


def test_secrets_of_a_command_line_are_not_shown(hive: Hive):
    run(hive, "k", "true # password=hunter2-Zx81-Qq")
    assert "hunter2" not in hive.database.read(store.get, "k").shown
