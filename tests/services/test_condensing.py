"""The ledger that a wake waits for: the one that sleep has made as long as it is right, and never too late."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from hive_tui.condense.ledger import condense
from hive_tui.domain.errors import ErrorClass, HiveError, class_of
from hive_tui.domain.handoffs import CONTEXT, ContextMode
from hive_tui.domain.wakeups import Action, Trigger, Wakeup, WakeupStatus
from hive_tui.services import condensing
from hive_tui.services.condensing import Condensing
from hive_tui.settings.sleep import ConsolidationSettings, HandoffSettings
from tests.condense.invented import invent
from tests.keeper import Keeper


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path, consolidation=ConsolidationSettings(nice=0))
    invent(3).write(keeper.transcript)
    yield keeper
    keeper.close()


@pytest.fixture
def _long(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every conversation were long."""
    monkeypatch.setattr(condensing, "AT_ONCE_BYTES", 0)


def a_wakeup(keeper: Keeper, **context: str) -> Wakeup:
    now = keeper.clock.now()
    status = WakeupStatus.PROCESSING
    return Wakeup("w1", keeper.agent.id, Action.WAKE, Trigger.MANUAL, 80, status, now, 1, 5, None, context, 1, now)


def refuse(*_: object, **__: object) -> dict[str, Any]:
    raise AssertionError("nothing had to be made")


@pytest.mark.usefixtures("_long")
def test_what_sleep_has_made_is_taken_as_long_as_nothing_was_said_since(keeper: Keeper):
    keeper.take()
    work = keeper.hive.remembering.consolidation
    assert work.has_work() and work.work() == 4
    kept = Condensing(work.ledger_of, timeout_s=60, run=refuse)
    assert kept.ledger(keeper.agent, keeper.transcript) == condense(keeper.transcript)
    made = Condensing(work.ledger_of, timeout_s=60)
    earlier = invent(4).write(keeper.folder / "earlier.jsonl")
    with_earlier = made.ledger(keeper.agent, keeper.transcript, [earlier])
    assert with_earlier == condense(keeper.transcript, before=[earlier])
    with keeper.transcript.open("a") as file:
        said = {"role": "user", "content": "no more quillmere from now on"}
        file.write(json.dumps({"type": "user", "message": said}) + "\n")
    now = made.ledger(keeper.agent, keeper.transcript)
    assert now == condense(keeper.transcript) and "quillmere" in now.text


@pytest.mark.usefixtures("_long")
def test_a_ledger_that_was_changed_or_damaged_is_not_taken(keeper: Keeper):
    keeper.take()
    work = keeper.hive.remembering.consolidation
    assert work.has_work() and work.work() == 4
    ledger, right = work.ledger_of(keeper.agent.id), condense(keeper.transcript)
    for damaged, text in ((ledger, "I was here"), (ledger.with_suffix(".json"), "{}")):
        damaged.write_text(text)
        assert Condensing(work.ledger_of, timeout_s=60).ledger(keeper.agent, keeper.transcript) == right


@pytest.mark.usefixtures("_long")
def test_a_wake_waits_no_longer_than_it_may_and_resumes(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "hangs.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setattr(condensing, "MODULE", "hangs")
    monkeypatch.setattr(condensing, "TIMEOUT_S", 0.3)
    hive = keeper.new_hive(handoff=HandoffSettings(default="handoff"))
    by_default = hive.remembering.handoffs.decide(keeper.agent, a_wakeup(keeper), keeper.transcript)
    assert by_default.mode is ContextMode.RESUME and "not done within 0.3 s" in by_default.why
    asked = structs.replace(a_wakeup(keeper, **{CONTEXT: "handoff"}), id="w2")
    with pytest.raises(HiveError, match=r"not done within 0\.3 s") as told:
        hive.remembering.handoffs.decide(keeper.agent, asked, keeper.transcript)
    assert "--context resume" in told.value.hint and class_of(told.value.__cause__ or told.value) is ErrorClass.TIMEOUT


def test_a_pipe_in_the_place_of_a_transcript_is_not_waited_for(keeper: Keeper):
    keeper.transcript.unlink()
    os.mkfifo(keeper.transcript)
    with pytest.raises(HiveError, match="cannot be read: there is no such file"):
        keeper.hive.remembering.handoffs.compose(keeper.agent)


@pytest.mark.usefixtures("_long")
@pytest.mark.parametrize("said", [{}, {"facts": {}, "text": ""}, {"facts": None, "text": 3}], ids=str)
def test_what_a_worker_says_is_looked_at(keeper: Keeper, said: dict[str, Any]):
    work = Condensing(lambda agent_id: keeper.folder / "none.md", timeout_s=60, run=lambda *_, **__: said)
    with pytest.raises(HiveError, match="damaged"):
        work.ledger(keeper.agent, keeper.transcript)
