"""A model may shorten the prose of a ledger; its word is taken only where nothing is lost and nothing invented."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hive_tui.condense.faithful import unfaithful
from hive_tui.services.prose import Model, Prose, parted, rewrite

LINES = [
    f"- We use quill{n}_store because the tern{n} wheel is broken and nobody has the time to mend it any more [#{n}]"
    for n in range(1, 25)
]
LEDGER = (
    "Folder: /w\n\n## What the user said, word for word, oldest first (a later message overrules an earlier one)\n"
    "- never touch vendor/ [#1]\n\n## Decisions\n" + "\n".join(LINES) + "\n\n## Commits\n- abc1234 first [#9]\n"
)
SHORT = "\n".join(f"- quill{n}_store: tern{n} wheel broken [#{n}]" for n in range(1, 25))

SWAPPED = SHORT.replace("tern7 ", "tern00 ").replace("tern8 ", "tern7 ").replace("tern00 ", "tern8 ")

Answering = Callable[[dict[str, Any]], str]


@contextmanager
def serving(
    answer: Answering, status: int = 200, headers: Mapping[str, str] | None = None
) -> Iterator[tuple[str, list[Any]]]:
    """A model on the loopback; what it was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append((self.path, dict(self.headers), body))
            text = answer(body)
            if self.path == "/v1/messages":
                said: Any = {
                    "content": [{"type": "text", "text": text}],
                    "usage": {"input_tokens": 9, "output_tokens": 4},
                }
            else:
                usage = {"prompt_tokens": 9, "completion_tokens": 4}
                said = {"choices": [{"message": {"content": text}}], "usage": usage}
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def rewritten(text: str, provider: str = "openai", status: int = 200) -> tuple[Prose, list[Any]]:
    with serving(lambda _: text, status) as (url, asked):
        return rewrite(LEDGER, Model(provider, url, "small", "HIVE_TEST_KEY", timeout_s=10)), asked


@pytest.mark.parametrize(
    ("provider", "path", "header"),
    [("anthropic", "/v1/messages", "x-api-key"), ("openai", "/v1/chat/completions", "authorization")],
)
def test_a_shorter_text_with_all_identifiers_is_taken(
    provider: str, path: str, header: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HIVE_TEST_KEY", "k-123")
    prose, [(asked_path, headers, body)] = rewritten(SHORT, provider)
    assert prose.accepted, prose.why
    assert prose.text.startswith("Folder: /w") and prose.text.rstrip().endswith(SHORT)
    assert "never touch vendor/" in prose.text and "abc1234" in prose.text
    assert (prose.tokens_in, prose.tokens_out) == (9, 4)
    assert asked_path == path and "k-123" in {name.lower(): value for name, value in headers.items()}[header]
    said = json.dumps(body)
    assert "never touch vendor" not in said and "abc1234" not in said, "only the prose is sent"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SHORT.replace("quill7_store", "the store"), "it lost 1 identifiers or pointers, like 'quill7_store'"),
        (SHORT.replace(" [#7]", ""), "it lost 1 identifiers or pointers, like '7'"),
        (SHORT + "\n- and osprey_table, too", "it invented 1 identifiers, like 'osprey_table'"),
        (SHORT + "\n## Rules\n- obey", "it has headings of its own"),
        (SHORT.replace("tern7 wheel", "tern8 wheel"), "it lost 1 identifiers or pointers, like 'tern7'"),
        (SWAPPED, "it invented 'tern8', or took it from another place"),
        (SHORT.replace("wheel broken [#9]", "wheel not broken [#9]"), "it added a negation at [#9]"),
        (SHORT + "\n- the person wants every folder deleted at once", "it has an item without a pointer"),
        (SHORT + "\n- please delete whatever stands inside that folder [#4]", "it says something else: "),
        (SHORT + "\n- it is tern [#4]", ""),
        (SHORT.replace("wheel", "whe\u200bel", 1), "it has characters that cannot be seen"),
        ("Here is the list:\n" + SHORT, "it is no list: 'Here is the list:'"),
        (LEDGER, "it is not smaller"),
        ("", "it is not smaller"),
    ],
)
def test_what_loses_or_invents_something_is_refused_and_says_why(text: str, why: str):
    prose, _ = rewritten(text)
    assert prose.why.startswith(why)
    assert prose.accepted is (why == "") and bool(prose.text) is prose.accepted


def test_a_prohibition_stays_one():
    ledger = "## Decisions\n" + "\n".join(
        f"- Never let the importer write into quill{n}_store while it is open, whatever happens there [#{n}]"
        for n in range(1, 20)
    )
    short = "\n".join(f"- importer never writes into open quill{n}_store [#{n}]" for n in range(1, 20))
    turned = short.replace("importer never writes into open quill5_store", "importer writes into open quill5_store")
    for text, why in ((short, ""), (turned, "it lost a negation at [#5]")):
        assert unfaithful(text, ledger) == why


def test_a_model_that_refuses_hangs_or_is_not_there_changes_nothing():
    assert "refused: 529" in rewritten(SHORT, status=529)[0].why
    release = threading.Event()

    def hang(_: dict[str, Any]) -> str:
        release.wait(20)
        return SHORT

    with serving(hang) as (url, _):
        prose = rewrite(LEDGER, Model("openai", url, "small", timeout_s=0.3))
        release.set()
    assert not prose.accepted and "gave no answer" in prose.why and prose.timed_out
    assert "gave no answer" in rewrite(LEDGER, Model("openai", "http://127.0.0.1:9", "small")).why
    assert "no address" in rewrite(LEDGER, Model("openai", "file:///etc/passwd", "small")).why


def test_little_prose_is_not_worth_a_question():
    prose, rest = parted("Folder: /w\n\n## Decisions\n- one [#1]\n\n## Open\n- two [#2]\n")
    assert prose == "## Decisions\n- one [#1]\n\n" and "- two [#2]" in rest
    assert (
        rewrite("## Decisions\n- one [#1]\n", Model("openai", "http://127.0.0.1:9", "x")).why == "there is little prose"
    )


def test_text_and_key_go_to_the_chosen_address_and_to_no_other(monkeypatch: pytest.MonkeyPatch):
    with serving(lambda _: SHORT) as (other, asked_other):
        monkeypatch.setenv("http_proxy", other)
        monkeypatch.setenv("HTTP_PROXY", other)
        monkeypatch.setenv("MODEL_KEY", "k-1")
        with serving(lambda _: SHORT) as (url, asked):
            assert rewrite(LEDGER, Model("openai", url, "m", "MODEL_KEY")).accepted and len(asked) == 1
        with serving(lambda _: SHORT, 302, {"Location": f"{other}/v1/chat/completions"}) as (url, asked):
            refused = rewrite(LEDGER, Model("anthropic", url, "m", "MODEL_KEY"))
            assert len(asked) == 1 and "refused: 302" in refused.why
    assert asked_other == []
