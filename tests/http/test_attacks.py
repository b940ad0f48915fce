"""What strangers, web pages, broken and slow clients send: it is refused, cut off, and changes nothing."""

import json
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_tui.domain.events import EventKind
from hive_tui.hive import Hive
from hive_tui.http.server import MOST_CONNECTIONS, HttpServer
from hive_tui.http.wire import Patience
from hive_tui.settings.http import HttpSettings
from hive_tui.store import agents, journal
from tests.builders import an_ended_agent
from tests.clocks import FakeClock
from tests.http.client import Client, read_all
from tests.stage import eventually

SOON = Patience(head_s=0.3, body_s=0.3, write_s=0.3)


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]


class TestStrangers:
    """Who is not let in, and what they learn."""

    @pytest.mark.parametrize(
        ("said", "code"),
        [
            ("", "no-token"),
            ("Bearer wrong", "wrong-token"),
            ("Bearer ", "wrong-token"),
            ("Basic {token}", "wrong-token"),
            ("Bearer {token}x", "wrong-token"),
            ("Bearer \xe9\xff", "wrong-token"),
        ],
    )
    def test_without_the_token_nothing_is_told_and_nothing_done(self, client: Client, said: str, code: str):
        for method, target in (("GET", "/agents"), ("POST", "/agents/ada/wake"), ("GET", "/events")):
            answer = client.ask(method, target, headers={"Authorization": said.format(token=client.token)})
            assert (answer.status, answer.code) == (401, code)
            assert b"ada" not in answer.body
        assert client.get("/queue").json == []

    @pytest.mark.parametrize("name", ["token", "access_token", "TOKEN", "api_key"])
    def test_a_token_in_the_address_is_refused_even_where_it_is_right(self, client: Client, name: str):
        answer = client.get(f"/agents?{name}={client.token}")
        assert (answer.status, answer.code) == (400, "token-in-address")

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "127.0.0.1.evil.example:{port}", "127.0.0.1:1", "[::ffff:7f00:1]:{port}", "a b", "@127.0.0.1"],
    )
    def test_a_name_that_was_rebound_to_us_is_not_ours(self, client: Client, host: str):
        answer = client.get("/agents", Host=host.format(port=getattr(client.address, "port", 0)))
        assert (answer.status, answer.code) in ((421, "foreign-host"), (400, "bad-request"))

    def test_a_reverse_proxy_may_pass_on_the_names_of_the_settings(
        self, make_hive: Callable[..., Hive], serving: Callable[..., HttpServer]
    ):
        client = Client(serving(make_hive(http=HttpSettings(hosts=("hive.example",)))))
        assert client.get("/agents", Host="hive.example").status == 200
        assert client.get("/agents", Host="hive.example", Origin="https://hive.example").status == 200
        assert client.get("/agents", Host="hive.example", Origin="https://other.example").status == 403
        assert client.get("/agents", Host="other.example").status == 421

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "file://"])
    def test_web_pages_of_other_sites_are_refused_whatever_they_show(self, client: Client, origin: str):
        answer = client.post("/agents/ada/wake", {}, Origin=origin)
        assert (answer.status, answer.code) == (403, "foreign-origin")
        assert client.get("/agents", **{"Sec-Fetch-Site": "cross-site"}).code == "foreign-origin"
        assert not any(name.startswith("access-control") for name in answer.headers)
        own = f"http://127.0.0.1:{getattr(client.address, 'port', 0)}"
        assert client.get("/agents", Origin=own).status == 200

    @pytest.mark.parametrize(
        "path",
        [
            "/../../etc/passwd",
            "/checkpoints/..%2f..%2fetc%2fpasswd",
            "/checkpoints/%2e%2e/validate",
            "/agents/%00/sleep",
            "/agents/ada%ff/sleep",
            "//agents",
            "/agents/",
            "/agents/' OR 1=1 --/sleep".replace(" ", "%20"),
        ],
    )
    def test_a_path_leads_to_a_route_or_to_nothing(self, client: Client, path: str):
        for method in ("GET", "POST"):
            answer = client.ask(method, path)
            assert answer.status in (400, 404, 405) and answer.code
            assert b"root:" not in answer.body

    def test_a_form_of_a_web_page_cannot_be_taken_for_json(self, client: Client):
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            answer = client.post("/agents/ada/wake", b'{"message": "x"}', **{"Content-Type": kind})
            assert answer.status == 415 and answer.code

    def test_guessing_soon_costs_time_and_those_who_may_ask_do_not_wait_for_it(self, client: Client, hive: Hive):
        wrong = {"Authorization": "Bearer guess"}
        answers = [client.ask("GET", "/agents", headers=wrong) for _ in range(70)]
        assert {answer.status for answer in answers} == {401, 429}
        late = next(answer for answer in answers if answer.status == 429)
        assert int(late.headers["retry-after"]) >= 1
        assert client.get("/agents").status == 200
        told = hive.database.read(journal.events, kinds=(EventKind.HTTP_REFUSED,))
        assert len(told) == 1, "seventy guesses are one line in the log"

    def test_a_client_that_may_ask_has_its_share(self, tmp_path: Path, serving: Callable[..., HttpServer]):
        from hive_tui.settings import Settings

        clock = FakeClock()
        hive = Hive(tmp_path / "home", Settings(http=HttpSettings(requests_per_s=2)), str(tmp_path / "no"), clock=clock)
        try:
            client = Client(serving(hive))
            assert [client.get("/queue").status for _ in range(5)] == [200] * 4 + [429]
            assert client.get("/queue", **{"X-Hive-Client": "phone"}).status == 200, "another one has its own"
            clock.advance(0.5)
            assert [client.get("/queue").status for _ in range(2)] == [200, 429]
        finally:
            hive.close()


class TestWire:
    """Bytes that are no request, too many of them, or too slow."""

    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
            b"POST /agents/ada/wake HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 20_000 + b"\r\n\r\n",
            b"\r\n\r\n\r\n\0\0\0\0",
        ],
    )
    def test_what_is_no_request_gets_an_answer_that_says_so_and_the_end(self, client: Client, sent: bytes):
        answer = client.speak(sent)
        assert len(statuses(answer)) == 1 and 400 <= statuses(answer)[0] < 502
        assert b"application/problem+json" in answer

    def test_garbage_behind_a_request_ends_the_connection_after_its_answer(self, client: Client):
        whole = client.head("GET /queue HTTP/1.1")
        answer = client.speak(whole + whole + b"\x00\x01garbage\r\n\r\n" + whole)
        assert statuses(answer) == [200, 200, 400]

    def test_a_request_hidden_in_the_body_of_another_is_not_answered(self, client: Client, hive: Hive):
        """Smuggling: both ways to say how long a body is."""
        inner = client.head("POST /agents/ada/wake HTTP/1.1")
        both = ("Content-Length: 4", "Transfer-Encoding: chunked")
        answer = client.speak(client.head("GET /queue HTTP/1.1", *both) + b"0\r\n\r\n" + inner)
        assert statuses(answer) == [400] and client.get("/queue").json == []

    @pytest.mark.parametrize("framing", ["declared", "chunked", "with expectation"])
    def test_a_body_that_is_too_long_is_refused_before_it_is_kept(self, client: Client, framing: str):
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        kind = "Content-Type: application/json"
        if framing == "chunked":
            head = client.head("POST /agents/ada/wake HTTP/1.1", "Transfer-Encoding: chunked", kind)
            answer = client.speak(head, *[chunk] * 20)
        else:
            more = ("Expect: 100-continue",) if framing == "with expectation" else ()
            answer = client.speak(
                client.head("POST /agents/ada/wake HTTP/1.1", "Content-Length: 99999999", kind, *more)
            )
        assert statuses(answer) == [413] and b"body-too-large" in answer

    def test_a_body_that_is_waited_for_is_asked_for(self, client: Client):
        with client.raw() as link:
            more = ("Content-Length: 2", "Content-Type: application/json", "Expect: 100-continue", "Connection: close")
            link.sendall(client.head("POST /agents/ada/wake HTTP/1.1", *more))
            assert link.recv(100).startswith(b"HTTP/1.1 100")
            link.sendall(b"{}")
            assert statuses(read_all(link)) == [202]

    def test_clients_that_send_too_slowly_are_cut_off(self, hive: Hive, serving: Callable[..., HttpServer]):
        client = Client(serving(hive, patience=SOON))
        assert client.speak() == b"", "says nothing"
        assert client.speak(b"GET /agents HTTP/1.1\r\nHost:") == b"", "stops in the middle of the head"
        body = ("Content-Length: 10", "Content-Type: application/json")
        answer = client.speak(client.head("POST /agents/ada/wake HTTP/1.1", *body), b'{"')
        assert statuses(answer) == [408], "stops in the middle of the body"
        idle = client.speak(client.head("GET /queue HTTP/1.1"))
        assert statuses(idle) == [200], "asks nothing more"

    def test_a_client_that_does_not_read_is_cut_off(self, hive: Hive, serving: Callable[..., HttpServer]):
        for number in range(60):
            agent = an_ended_agent(f"agent-{number}", cwd="/" + "long" * 40_000, since_at=hive.clock.now())
            hive.database.write(agents.add, agent, now=hive.clock.now())
        server = serving(hive, patience=Patience(write_s=0.3))
        client = Client(server)
        with client.raw() as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.sendall(client.head("GET /agents HTTP/1.1"))
            eventually(lambda: server._connections, "it is answered")
            eventually(lambda: not server._connections, "it is cut off")
        assert client.get("/healthz").json == {"status": "ok"}

    def test_no_more_connections_than_can_be_served(self, client: Client):
        links = [client.raw() for _ in range(MOST_CONNECTIONS + 20)]
        ended = [link for link in links[MOST_CONNECTIONS:] if read_all(link) == b""]
        assert len(ended) == 20
        for link in links:
            link.close()
        eventually(lambda: client.get("/healthz").status == 200)

    def test_a_stop_does_not_wait_for_connections_on_which_nothing_is_asked(
        self, hive: Hive, serving: Callable[..., HttpServer], monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("hive_tui.http.server.FINISH_S", 600.0)
        server = serving(hive, patience=Patience(head_s=600.0))
        client = Client(server)
        kept = client.connection()
        kept.request("GET", "/queue", headers={"Authorization": f"Bearer {client.token}"})
        kept.getresponse().read()
        with client.raw():
            eventually(lambda: len(server._connections) == 2)
            assert server.stop()
        kept.close()

    def test_head_is_answered_like_get_without_a_body(self, client: Client):
        whole, empty = client.get("/queue"), client.ask("HEAD", "/queue")
        assert empty.status == 200 and empty.body == b""
        assert empty.headers["content-length"] == whole.headers["content-length"]

    def test_a_mistake_of_our_own_is_a_problem_and_an_event_and_no_traceback(
        self, client: Client, hive: Hive, capfd: pytest.CaptureFixture[str]
    ):
        vars(hive)["measuring"] = object()
        answer = client.get("/metrics")
        assert (answer.status, answer.code) == (500, "internal-server-error")
        assert "Attribute" not in json.dumps(answer.json)
        [told] = hive.database.read(journal.events, kinds=(EventKind.HTTP_FAILED,))
        assert "AttributeError" in told.event.text
        assert "Traceback" in capfd.readouterr().err

    def test_a_tmux_that_hangs_holds_up_nobody_but_those_who_ask_for_it(
        self, hive: Hive, serving: Callable[..., HttpServer], monkeypatch: pytest.MonkeyPatch
    ):
        server = serving(hive)
        client = Client(server)
        goes_on, looks = threading.Event(), []
        observe = hive.observer.observe

        def hang() -> object:
            looks.append(1)
            assert goes_on.wait(30)
            return observe()

        monkeypatch.setattr(hive.observer, "observe", hang)
        answers: list[int] = []
        asking = [threading.Thread(target=lambda: answers.append(client.get("/agents").status)) for _ in range(20)]
        for one in asking:
            one.start()
        eventually(lambda: looks and len(server._connections) == 20, "it hangs")
        assert client.get("/queue").status == client.post("/agents/ada/wake").status - 2 == 200
        goes_on.set()
        for one in asking:
            one.join()
        assert answers == [200] * 20 and len(looks) < 5, "those who ask at once share a look"

    def test_many_clients_at_once_get_each_its_own_answer(self, client: Client):
        found: list[tuple[int, str]] = []

        def ask(number: int) -> None:
            said = {"idempotency_key": f"key-{number}", "in_seconds": 3600}
            found.append((number, client.post("/agents/ada/wake", said).json["status"]))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(30)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert sorted(found) == [(number, "pending") for number in range(30)]
