"""Vectors of what was said: made while the agent sleeps, found by their meaning, and never in the way of anything."""

import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec import structs

from hive_tui.adapters.embeddings import Embeddings
from hive_tui.adapters.models import ModelFailed
from hive_tui.domain.budget import Budget, BudgetMode
from hive_tui.domain.consolidation import Stage, StageRun, StageStatus, Used
from hive_tui.domain.fusion import fused
from hive_tui.services.context_search import BY_BOTH, BY_MEANING, BY_WORDS
from hive_tui.services.hybrid import Answer
from hive_tui.settings.sleep import ConsolidationSettings
from hive_tui.settings.vectors import VectorSettings, mistakes
from hive_tui.store import budgets, consolidations, ledger
from hive_tui.store.context_index import is_exactly_in
from hive_tui.store.turns import turns_of
from hive_tui.store.vectors import Vectors
from tests.embedder import Embedder, embedding
from tests.keeper import Keeper

DONE, PENDING, FAILED, SKIPPED = StageStatus.DONE, StageStatus.PENDING, StageStatus.FAILED, StageStatus.SKIPPED
SECRET = "sk-ant-api03-" + "Qx7" * 24
SAID = (
    "the page of the shop is slow since the last release",
    "rename quill_store to osprey_store in src/quill/store.py",
    f"my key is {SECRET} for the model",
    "paint the fence green before winter",
)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path, consolidation=ConsolidationSettings(nice=0))
    for text in SAID:
        keeper.say(text)
    yield keeper
    keeper.close()


@pytest.fixture
def embedder() -> Iterator[Embedder]:
    with embedding() as one:
        yield one


def chosen(embedder: Embedder, **wanted: Any) -> VectorSettings:
    return VectorSettings(embedder.url, **{"model": "small", "per_minute": 6_000, "timeout_s": 5.0, **wanted})


def slept(keeper: Keeper, wanted: VectorSettings, *, again: bool = False, **tables: Any) -> StageRun:
    """The stage of the vectors behind those of a nap that are done, for the first time or again."""
    hive = keeper.new_hive(vectors=wanted, **tables)
    if not again:
        hive.remembering.indexing.catch_up()
        source = f"{keeper.agent.session_id}:{keeper.transcript.stat().st_size}"
        now = keeper.clock.now()
        hive.database.write(consolidations.enter, keeper.agent.id, source, now=now, stages=[Stage.VECTORS])
    assert hive.remembering.consolidation.has_work()
    assert hive.remembering.consolidation.work() == 1
    return of_vectors(keeper)


def of_vectors(keeper: Keeper) -> StageRun:
    runs = keeper.hive.database.read(consolidations.of_agent, keeper.agent.id)
    return [run for run in runs if run.stage is Stage.VECTORS][-1]


def found(keeper: Keeper, wanted: VectorSettings, text: str, **how: Any) -> Answer:
    return keeper.new_hive(vectors=wanted).remembering.hybrid.search(text, **how)


def kept(keeper: Keeper) -> Vectors:
    return Vectors(keeper.hive.home / "vectors.db")


def spent(keeper: Keeper) -> int:
    used = keeper.hive.database.read(ledger.on_day, keeper.clock.now().date())
    return sum(tokens.total for tokens in used.values())


def test_what_was_said_is_found_in_other_words_and_marked(keeper: Keeper, embedder: Embedder):
    wanted = chosen(embedder, batch=3)
    run = slept(keeper, wanted)
    assert run.status is DONE and run.result["left"] == 0, run
    pieces = keeper.hive.remembering._index().newest(keeper.agent.id, 100, only_talk=True)
    assert run.result["made"] == kept(keeper).count()[keeper.agent.id] == len({text for _, text in pieces})
    assert max(map(len, embedder.asked)) == 3 and SECRET not in str(embedder.asked), "secrets are not sent"
    assert spent(keeper) == run.result["tokens_in"] == 7 * len(embedder.texts)
    assert keeper.hive.database.read(turns_of, keeper.agent.id) == [], "the replay counts it beside the turns"
    first = found(keeper, wanted, "sluggish shop").found[0]
    assert "slow since" in "\n".join(first.lines) and first.by == BY_BOTH
    [first, *_] = found(keeper, wanted, "sluggish").found
    assert "slow" in first.hit.text and first.by == BY_MEANING
    found(keeper, wanted, f"what was {SECRET} for")
    assert SECRET not in str(embedder.asked), "nor in a question"
    for answer in (found(keeper, wanted, "sluggish", exact=True), found(keeper, wanted, '"sluggish"')):
        assert answer.found == () and answer.note == "", "by words alone"
    assert found(keeper, wanted, "osprey_store paint fence green winter").found[0].hit.text == SAID[1]
    assert (keeper.hive.home / "vectors.db").stat().st_mode & 0o777 == 0o600


def test_it_is_a_stage_behind_all_others_for_which_nothing_waits(keeper: Keeper, embedder: Embedder):
    embedder.answer = lambda texts: (503, {"error": "busy"})
    keeper.take()
    work = keeper.new_hive(vectors=chosen(embedder)).remembering.consolidation
    assert work.has_work() and work.work() == 5
    stages = {run.stage: run.status for run in keeper.hive.database.read(consolidations.of_agent, keeper.agent.id)}
    assert list(stages) == [one for one in Stage if one is not Stage.PROSE] and stages.pop(Stage.VECTORS) is PENDING
    assert {*stages.values()} == {DONE}
    keeper.take(after=timedelta(seconds=1))
    assert work.has_work() and work.work() == 5, "the vectors that wait hold nothing up"


def test_a_new_nap_does_not_wait_for_vectors_that_are_being_made(keeper: Keeper):
    database, now, agent_id = keeper.hive.database, keeper.clock.now(), keeper.agent.id
    database.write(consolidations.enter, agent_id, "s:1", now=now, stages=[Stage.PROSE, Stage.VECTORS])
    assert [run.stage for run in database.read(consolidations.due, now=now)] == [Stage.PROSE, Stage.VECTORS]
    database.write(consolidations.begin, of_vectors(keeper).id, now=now)
    database.write(consolidations.enter, agent_id, "s:2", now=now, stages=[Stage.SNAPSHOT, Stage.VECTORS])
    assert [run.stage for run in database.read(consolidations.due, now=now)] == [Stage.SNAPSHOT]


def test_a_vector_is_not_taken_for_another_text_in_the_same_place(keeper: Keeper, embedder: Embedder):
    wanted = chosen(embedder)
    searching, session_id = keeper.hive.remembering.searching, str(keeper.agent.session_id)
    keeper.hive.remembering.indexing.catch_up()
    searching.add_ledger(keeper.agent, session_id, "the sluggish kettle was mended")
    slept(keeper, wanted)
    assert any("kettle" in one.hit.text for one in found(keeper, wanted, "slow").found)
    searching.add_ledger(keeper.agent, session_id, "the fence is red")
    assert not any("fence is red" in one.hit.text for one in found(keeper, wanted, "slow kettle").found)


def test_vectors_that_are_chosen_later_are_made_of_agents_that_sleep_already(keeper: Keeper, embedder: Embedder):
    source = f"{keeper.agent.session_id}:{keeper.transcript.stat().st_size}"
    database, now = keeper.hive.database, keeper.clock.now()
    database.write(consolidations.enter, keeper.agent.id, source, now=now, stages=[Stage.AUDIT])
    [audit] = database.read(consolidations.of_agent, keeper.agent.id)
    database.write(consolidations.end, audit.id, DONE, Used(0.0, 0.0), now=now)
    assert not keeper.new_hive().remembering.consolidation.has_work()
    assert slept(keeper, chosen(embedder), again=True).status is DONE
    assert not keeper.new_hive(vectors=chosen(embedder)).remembering.consolidation.has_work()


def test_only_what_is_new_is_embedded_and_what_is_gone_is_removed(keeper: Keeper, embedder: Embedder):
    wanted = chosen(embedder)
    slept(keeper, wanted)
    before = embedder.texts
    keeper.say("the kettle is on the shelf")
    run = slept(keeper, wanted)
    new = embedder.texts[len(before) :]
    assert "the kettle is on the shelf" in new and not {*before} & {*new} and run.result["made"] == len(new)
    keeper.transcript.write_text("")
    keeper.say("all begins anew")
    slept(keeper, wanted)
    texts = {text for _, text in keeper.hive.remembering._index().newest(keeper.agent.id, 100, only_talk=True)}
    assert kept(keeper).count() == {keeper.agent.id: len(texts)} and not any("slow" in text for text in texts)
    assert not found(keeper, wanted, "sluggish").found


def test_another_model_or_another_length_makes_all_of_them_anew(keeper: Keeper, embedder: Embedder):
    wanted = chosen(embedder)
    made = slept(keeper, wanted).result["made"]
    other = structs.replace(wanted, model="other")
    assert "made anew" in found(keeper, other, "sluggish").note
    run = slept(keeper, other, again=True)
    assert run.result == {**run.result, "made": made, "anew": True} and kept(keeper).about()["model"] == "other"
    embedder.dimensions = 32
    assert "another length" in found(keeper, other, "sluggish").note
    keeper.say("and one more")
    run = slept(keeper, other)
    assert run.result["anew"] is True and run.result["made"] > made and kept(keeper).about()["dimensions"] == "32"
    assert found(keeper, other, "sluggish").found[0].by == BY_MEANING


def test_the_index_that_is_made_again_keeps_its_vectors_and_one_that_is_deleted_does_not(
    keeper: Keeper, embedder: Embedder
):
    wanted = chosen(embedder)
    slept(keeper, wanted)
    count, asked = kept(keeper).count(), len(embedder.asked)
    keeper.hive.remembering.indexing.rebuild()
    assert found(keeper, wanted, "sluggish").found[0].by == BY_MEANING
    assert kept(keeper).count() == count and len(embedder.asked) == asked + 1, "only the question"
    keeper.hive.remembering._index().remove_all()
    assert found(keeper, wanted, "sluggish").found == () and kept(keeper).count() == {}


def broken_data(embedder: Embedder, change: Any) -> Any:
    def answer(texts: list[str]) -> tuple[int, Any]:
        said = embedder.right(texts)
        change(said["data"])
        return 200, said

    return answer


LIES: dict[str, Any] = {
    "too few": lambda data: data.pop(),
    "twice": lambda data: data.extend([*data]),
    "the same one twice": lambda data: data[-1].update(index=0),
    "lengths": lambda data: data[0]["embedding"].append(1.0),
    "not a number": lambda data: data[0]["embedding"].__setitem__(0, float("nan")),
    "infinite": lambda data: data[0]["embedding"].__setitem__(0, 1e308 * 10),
    "words": lambda data: data[0].update(embedding=["a"] * 64),
    "nothing": lambda data: data[0].update(embedding=[]),
}


def test_an_endpoint_that_lies_is_not_believed(embedder: Embedder):
    asking = Embeddings(embedder.url, "m", timeout_s=5.0)
    for lie, change in LIES.items():
        embedder.answer = broken_data(embedder, change)
        with pytest.raises(ModelFailed, match="the endpoint gave") as failed:
            asking.embed(["one", "two"])
        assert failed.value.again_after_s == 0.0, lie
    for said in (b"[", b"[]", b'{"data": 7}', b"x" * 5_000_000, b"null"):
        embedder.answer = lambda texts, said=said: (200, said)
        with pytest.raises(ModelFailed):
            asking.embed(["one", "two"])
    embedder.answer = lambda texts: (429, {"error": "slow down"})
    with pytest.raises(ModelFailed, match="429, slow down"):
        asking.embed(["one"])
    with pytest.raises(ModelFailed, match="Nobody answers"):
        Embeddings("http://127.0.0.1:9", "m", timeout_s=5.0).embed(["one"])


def test_what_it_lies_about_is_tried_again_and_nothing_of_it_is_kept(keeper: Keeper, embedder: Embedder):
    embedder.answer = broken_data(embedder, LIES["not a number"])
    wanted = chosen(embedder)
    run = slept(keeper, wanted)
    assert run.status is PENDING and "the endpoint gave" in str(run.error) and run.due_at > keeper.clock.now()
    assert run.result["made"] == 0 and run.result["left"] > 0 and kept(keeper).count() == {}
    assert found(keeper, wanted, "osprey_store").found[0].by == BY_WORDS
    embedder.answer = None
    keeper.clock.advance(61)
    assert slept(keeper, wanted, again=True).status is DONE and kept(keeper).count() != {}


def test_an_endpoint_that_hangs_holds_up_neither_the_stages_nor_a_search(keeper: Keeper, embedder: Embedder):
    over = threading.Event()

    def hang(texts: list[str]) -> tuple[int, Any]:
        over.wait(30)
        return 200, embedder.right(texts)

    embedder.answer = hang
    wanted = chosen(embedder, timeout_s=0.3)
    run = slept(keeper, wanted)
    assert run.status is PENDING and "did not answer within 0.3 s" in str(run.error)
    embedder.answer = None
    keeper.clock.advance(61)
    slept(keeper, wanted, again=True)
    embedder.answer = hang
    answer = found(keeper, wanted, "osprey_store")
    assert answer.found[0].by == BY_WORDS and "did not answer within 0.3 s" in answer.note
    over.set()


def test_what_a_killed_worker_has_spent_is_charged_once(keeper: Keeper, embedder: Embedder):
    def kill_at_the_second(texts: list[str]) -> tuple[int, Any]:
        if len(embedder.asked) == 2:
            (worker,) = [child for child in psutil.Process().children() if "stage_worker" in " ".join(child.cmdline())]
            worker.kill()
        return 200, embedder.right(texts)

    embedder.answer = kill_at_the_second
    run = slept(keeper, chosen(embedder, batch=1))
    assert run.status is PENDING and "signal 9" in str(run.error) and kept(keeper).count() == {keeper.agent.id: 1}
    first = spent(keeper)
    assert first > 0, "the first request was answered, and costs"
    embedder.answer = None
    keeper.clock.advance(3_601)
    run = slept(keeper, chosen(embedder, batch=1), again=True)
    assert run.status is DONE and spent(keeper) == first + run.result["tokens_in"]
    assert not list((keeper.hive.home).glob(".vectors-*"))


def test_a_text_that_the_model_does_not_take_is_left_out_and_all_others_are_made(keeper: Keeper, embedder: Embedder):
    def refuse_long(texts: list[str]) -> tuple[int, Any]:
        if any("fence" in text for text in texts):
            return 500, {"error": {"message": "the input length exceeds the context length"}}
        return 200, embedder.right(texts)

    embedder.answer = refuse_long
    wanted = chosen(embedder)
    run = slept(keeper, wanted)
    assert run.status is DONE and run.result["refused"] >= 1 and run.result["left"] == 0, run.result
    asked = len(embedder.asked)
    keeper.say("more")
    slept(keeper, wanted)
    assert not any("fence" in text for batch in embedder.asked[asked:] for text in batch), "it is not asked again"
    embedder.answer = lambda texts: (500, {"error": {"message": "out of memory"}})
    keeper.say("and more of it")
    run = slept(keeper, wanted)
    assert run.status is PENDING and "out of memory" in str(run.error), "it refuses all: that is not of one text"


def test_an_endpoint_that_breaks_off_in_the_middle_goes_on_where_it_was(keeper: Keeper, embedder: Embedder):
    embedder.answer = lambda texts: (503, {}) if len(embedder.asked) % 2 == 0 else (200, embedder.right(texts))
    run = slept(keeper, chosen(embedder, batch=1))
    assert run.status is PENDING and run.attempts == 0 and run.result["made"] == 1 and "503" in run.result["why"]
    assert run.due_at > keeper.clock.now() and kept(keeper).count() == {keeper.agent.id: 1}


def test_a_wrong_key_is_not_tried_again_and_the_right_one_is_sent(
    keeper: Keeper, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EMBED_KEY", "k-1")
    embedder.answer = lambda texts: (401, {"error": {"message": "no such key"}})
    run = slept(keeper, chosen(embedder, key_env="EMBED_KEY"))
    assert run.status is FAILED and "401, no such key" in str(run.error) and len(embedder.asked) == 1
    assert embedder.headers[0]["Authorization"] == "Bearer k-1"


def test_a_budget_a_pace_and_a_time_bound_what_is_made_at_once(keeper: Keeper, embedder: Embedder):
    budget = Budget(30, BudgetMode.SOFT)
    keeper.hive.database.write(budgets.put, keeper.agent.id, budget, now=keeper.clock.now())
    run = slept(keeper, chosen(embedder, batch=1))
    assert run.status is PENDING and run.result["why"] == "its budget has no more tokens today"
    assert run.attempts == 0 and run.result["made"] > 0 and run.result["left"] > 0 and spent(keeper) <= 30
    keeper.hive.database.write(budgets.put, keeper.agent.id, Budget(10**6, BudgetMode.SOFT), now=keeper.clock.now())
    keeper.clock.advance(3_601)
    short = ConsolidationSettings(nice=0, timeout_s=9.0)
    run = slept(keeper, chosen(embedder, batch=1, per_minute=20), again=True, consolidation=short)
    assert run.status is PENDING and run.result["why"].startswith("its time is over") and run.attempts == 0
    assert run.result["requests"] == 1 and run.due_at > keeper.clock.now()


def test_vectors_of_another_agent_with_the_same_text_are_taken(tmp_path: Path):
    vectors = Vectors(tmp_path / "vectors.db")
    vectors.begin("m", 2)
    unit = b"\x00\x00\x80\x3f\x00\x00\x00\x00"
    assert vectors.place("a", {b"h" * 16: 1}, "i") == [b"h" * 16]
    vectors.put("a", [(b"h" * 16, 1, unit)])
    assert vectors.place("b", {b"h" * 16: 9, b"k" * 16: 8}, "i") == [b"k" * 16]
    assert [(one.chunk_id, one.likeness) for one in vectors.nearest(unit, agent_id="b")] == [(9, 1.0)]
    vectors.place("a", {}, "i")
    assert vectors.count() == {"b": 1} and vectors.nearest(b"\x00" * 12) == []


def test_without_the_packages_words_are_found_and_one_line_says_what_is_missing(
    keeper: Keeper, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
):
    wanted = chosen(embedder)
    slept(keeper, wanted)
    monkeypatch.setitem(sys.modules, "sqlite_vec", None)
    answer = found(keeper, wanted, "osprey_store")
    assert answer.found[0].by == BY_WORDS
    assert "words only: sqlite_vec is not installed. pip install" in answer.note
    assert "\n" not in answer.note
    [finding] = [one for one in keeper.new_hive(vectors=wanted).examining.doctor.examine() if "meaning" in one.what]
    assert finding.status == "warning" and "pip install" in finding.mend


def test_a_damaged_file_of_vectors_is_said_while_words_are_found_and_made_again_in_the_next_sleep(
    keeper: Keeper, embedder: Embedder
):
    wanted = chosen(embedder)
    slept(keeper, wanted)
    for path in keeper.hive.home.glob("vectors.db*"):
        path.write_bytes(b"no database" * 1000)
    answer = found(keeper, wanted, "osprey_store")
    assert answer.found[0].by == BY_WORDS and "vectors.db cannot be used" in answer.note
    keeper.say("and on")
    run = slept(keeper, wanted)
    assert run.status is DONE and run.result["anew"] is True and run.result["left"] == 0, run
    assert found(keeper, wanted, "sluggish").found[0].by == BY_MEANING


@pytest.mark.parametrize(
    ("url", "is_right"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://localhost:11434/v1", True),
        ("http://[::1]:1", True),
        ("https://embeddings.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("http://user:word@127.0.0.1", False),
        ("ftp://127.0.0.1", False),
        ("http://[::1", False),
    ],
)
def test_an_address_on_another_machine_is_refused_unless_it_is_meant(url: str, is_right: bool):
    assert ([*mistakes(VectorSettings(url, "m"))] == []) is is_right
    if "example" in url:
        assert [*mistakes(VectorSettings(url, "m", allow_remote=True))] == []
    assert [*mistakes(VectorSettings(url))] != []


def test_two_orders_become_one_and_what_is_exactly_there_stays_first():
    assert fused([1, 2, 3], [3, 4]) == [3, 1, 2, 4]
    assert fused([1, 2, 3], [3, 4], first={2}) == [2, 3, 1, 4]
    assert fused([], [5, 5, 6]) == [5, 6] and fused([7], []) == [7]
    assert is_exactly_in("see src/a_b.py now", "what of src/a_b.py?") and is_exactly_in("the Osprey", "osprey")
    assert not is_exactly_in("see src/a_bc.py", "src/a_b.py") and not is_exactly_in("slow page", "slow page")
