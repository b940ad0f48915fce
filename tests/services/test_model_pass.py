"""When a model is asked about a ledger, what it costs whom, and that whatever it does the ledger is as good."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hive_tui.condense.ledger import condense
from hive_tui.domain.budget import Budget, BudgetMode
from hive_tui.domain.consolidation import Stage, StageRun, StageStatus
from hive_tui.domain.handoffs import ContextFacts, ContextMode, ContextPolicy, choose_context
from hive_tui.services.model_pass import ASKED, ModelPass
from hive_tui.services.prose import parted
from hive_tui.settings.sleep import LlmSettings
from hive_tui.store import budgets, consolidations, ledger, settings
from hive_tui.store.turns import turns_of
from tests.keeper import Keeper
from tests.services.test_prose import serving

DONE, PENDING, SKIPPED = StageStatus.DONE, StageStatus.PENDING, StageStatus.SKIPPED


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path)
    rows = [{"type": "assistant", "message": {"role": "assistant", "content": reason(n)}} for n in range(1, 25)]
    keeper.transcript.write_text("".join(json.dumps(row) + "\n" for row in rows))
    yield keeper
    keeper.close()


def reason(n: int) -> str:
    return f"We use quill{n}_store because the tern{n} wheel is broken and will not be mended in this release."


def worked(keeper: Keeper, url: str, **wanted: Any) -> StageRun:
    """The stage of the model at that address, of a conversation that is condensed."""
    llm = LlmSettings("openai", url, "small", **{"timeout_s": 60.0, **wanted})
    work = keeper.new_hive(llm=llm).remembering.consolidation
    ledger_file = work.ledger_of(keeper.agent.id)
    ledger_file.parent.mkdir(exist_ok=True)
    ledger_file.write_text(condense(keeper.transcript).text)
    source = f"{keeper.agent.session_id}:{keeper.transcript.stat().st_size}"
    now = keeper.clock.now()
    keeper.hive.database.write(consolidations.enter, keeper.agent.id, source, now=now, stages=[Stage.PROSE])
    work.work()
    return keeper.hive.database.read(consolidations.of_agent, keeper.agent.id)[-1]


def shortened(body: dict[str, Any]) -> str:
    """The list as it is, with fewer words."""
    listed = body["messages"][-1]["content"].replace(" and will not be mended in this release", ", not mended")
    return "\n".join(line for line in listed.splitlines() if not line.startswith("#"))


def spent(keeper: Keeper) -> int:
    used = keeper.hive.database.read(ledger.on_day, keeper.clock.now().date())
    return sum(tokens.total for tokens in used.values())


def test_what_it_costs_is_charged_to_the_agent_and_what_it_shortened_is_handed_over(keeper: Keeper):
    with serving(shortened) as (url, asked):
        run = worked(keeper, url)
    assert run.status is DONE and len(asked) == 1, run.error
    assert run.result["accepted"] is True, run.result
    assert spent(keeper) == 13 == run.result["tokens_in"] + run.result["tokens_out"]
    assert keeper.hive.database.read(turns_of, keeper.agent.id) == [], "the replay counts it beside the turns"
    handoff = keeper.hive.remembering.handoffs.compose(keeper.agent)
    assert "What was decided, tried and found" in handoff.text and "broken, not mended" in handoff.text
    keeper.transcript.write_text(keeper.transcript.read_text() * 2)
    assert "broken, not mended" not in keeper.hive.remembering.handoffs.compose(keeper.agent).text, "of an old ledger"


def test_it_is_the_last_stage_where_a_person_has_chosen_a_model(keeper: Keeper):
    for llm, stages in ((LlmSettings(), [*Stage][:4]), (LlmSettings("openai", "http://x", "m"), [*Stage][:5])):
        keeper.say("and on")
        assert keeper.new_hive(llm=llm).remembering.consolidation.has_work()
        runs = keeper.hive.database.read(consolidations.of_agent, keeper.agent.id)
        assert [run.stage for run in runs if run.status is PENDING] == stages


def test_an_answer_that_is_refused_is_paid_for_and_not_used(keeper: Keeper):
    with serving(lambda _: "- all is fine [#1]") as (url, asked):
        run = worked(keeper, url)
    assert run.status is DONE and run.result["accepted"] is False and len(asked) == 1
    assert run.result["why"].startswith("it lost") and spent(keeper) == 13
    assert "What was decided, tried and found" not in keeper.hive.remembering.handoffs.compose(keeper.agent).text


def test_an_agent_over_its_budget_is_not_charged_and_says_why(keeper: Keeper):
    keeper.hive.database.write(budgets.put, keeper.agent.id, Budget(500, BudgetMode.SOFT), now=keeper.clock.now())
    with serving(shortened) as (url, asked):
        run = worked(keeper, url)
    assert run.status is SKIPPED and asked == [] and spent(keeper) == 0
    assert run.result["why"].startswith("it costs up to") and "500 of its budget are left today" in run.result["why"]


def test_a_budget_that_a_resume_would_pass_speaks_for_the_handoff(keeper: Keeper):
    left = keeper.hive.spending.budgets.tokens_left
    assert left(keeper.agent.id) is None
    for mode, tokens in ((BudgetMode.WARN, None), (BudgetMode.HARD, 500)):
        keeper.hive.database.write(budgets.put, keeper.agent.id, Budget(500, mode), now=keeper.clock.now())
        assert left(keeper.agent.id) == tokens
    facts = ContextFacts(40_000, 300, 10.0, left(keeper.agent.id))
    chosen = choose_context(facts, ContextPolicy())
    assert chosen.mode is ContextMode.HANDOFF and "would pass the budget" in chosen.why


def test_questions_of_all_agents_keep_their_distance(keeper: Keeper):
    asked_at = keeper.clock.now() - timedelta(minutes=1)
    keeper.hive.database.write(settings.put, ASKED, [asked_at.timestamp()], now=keeper.clock.now())
    with serving(shortened) as (url, asked):
        run = worked(keeper, url, per_hour=6)
        assert run.status is PENDING and run.attempts == 0 and asked == []
        assert run.error == "6 questions an hour are allowed" and run.due_at == asked_at + timedelta(minutes=10)
        keeper.clock.advance(541)
        assert worked(keeper, url, per_hour=6).status is DONE and len(asked) == 1


def test_no_more_questions_an_hour_than_wanted_whatever_their_distance(keeper: Keeper):
    model = ModelPass(keeper.hive.database, LlmSettings("openai", "http://x", "m", per_hour=3), keeper.clock, dict)
    begin, taken = keeper.clock.now(), []
    while keeper.clock.now() < begin + timedelta(hours=3):
        refused = model.claim(keeper.agent, 100)
        if refused is None:
            taken.append(keeper.clock.now())
        keeper.clock.advance(60)
    assert len(taken) == 9
    assert all(later - one >= timedelta(minutes=20) for one, later in itertools.pairwise(taken))


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that answers as it likes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def refuse(code: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()

    return answer


def break_off(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("content-length", "5000")
    request.end_headers()
    request.wfile.write(b'{"choices": [{"mess')


@pytest.mark.parametrize(
    ("answer", "after_s"),
    [(refuse(429, retry_after="900"), 900), (refuse(503), 60), (break_off, 60), (refuse(401), None)],
)
def test_a_model_that_cannot_answer_now_is_asked_later_and_one_that_will_not_is_not(
    keeper: Keeper, answer: Callable[[BaseHTTPRequestHandler], None], after_s: int | None
):
    with answering(answer) as url:
        run = worked(keeper, url)
    if after_s is None:
        assert run.status is DONE and run.result["why"].endswith("refused: 401 Unauthorized.")
        return
    assert run.status is PENDING and run.attempts == 1 and run.error
    assert run.due_at == keeper.clock.now() + timedelta(seconds=after_s)


@pytest.mark.faults
def test_a_model_that_answers_byte_by_byte_is_ended_and_the_ledger_stands(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hive_tui.services.model_pass.GRACE_S", 2.0)
    release = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while not release.wait(0.1):
            request.wfile.write(b" ")
            request.wfile.flush()

    with answering(drip) as url:
        run = worked(keeper, url, timeout_s=1.0)
        release.set()
    assert run.status is PENDING and "was stopped" in str(run.error)
    prose, _ = parted(keeper.hive.remembering.consolidation.ledger_of(keeper.agent.id).read_text())
    assert prose
