"""A pretended model behind the interfaces of Anthropic, OpenAI (two) and Gemini, on the loopback alone."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.agents import shapes
from tests.agents.plans import Plan, as_json, plan_for
from tests.stage import CLOCK


def now_s() -> float:
    """Seconds since the epoch."""
    return CLOCK.now().timestamp()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with the tools of a conversation."""

    label: str
    users: tuple[str, ...]
    at_s: float
    plan: Plan


class Model:
    """Serves while it is open; keeps what it was asked, by the label in the address."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.ended_at_s: dict[str, float] = {}
        """By label, when the last answer was out."""
        self.refused: list[str] = []
        """Where programs wanted to go beside here."""
        handler = type("Handler", (_Handler,), {"model": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def base(self, label: str) -> str:
        """The address for one agent."""
        return f"http://127.0.0.1:{self.port}/{label}"

    def of(self, label: str) -> list[Asked]:
        """The requests of one agent."""
        return [one for one in self.asked if one.label == label]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Model

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._json({})

    def do_GET(self) -> None:
        self._json({"data": [{"id": "mock-model", "object": "model"}], "object": "list"})

    def do_CONNECT(self) -> None:
        self.model.refused.append(self.path)
        self.send_error(403, "loopback only")

    def do_POST(self) -> None:
        body = self._body()
        label, _, path = self.path.lstrip("/").partition("/")
        form = next((form for form in shapes.FORMS if form.matches(path)), None)
        if form is None:
            self._json({"input_tokens": 10, "totalTokens": 10})
            return
        users, tools = form.users(body), form.tools(body)
        plan = plan_for(users, tools, is_after_tool=form.is_after_tool(body))
        if tools or not form.has_tools:
            self.model.asked.append(Asked(label, tuple(users), now_s(), plan))
        with suppress(BrokenPipeError, ConnectionResetError):
            self._answer(form, path, body, plan)
        self.model.ended_at_s[label] = now_s()

    def _answer(self, form: "shapes.Form", path: str, body: Mapping[str, Any], plan: Plan) -> None:
        if plan.limit_for_s:
            status, headers, error = form.limit(int(now_s()) + plan.limit_for_s)
            self._json(error, status, headers)
        elif form.is_stream(path, body):
            self._stream(form.events(plan), plan)
        else:
            self._json(form.whole(plan))

    def _stream(self, events: Iterator[tuple[str, Any]], plan: Plan) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        rest_s = plan.seconds / max(1, len(plan.pieces))
        for name, value in events:
            line = f"event: {name}\n" if name else ""
            self.wfile.write(f"{line}data: {value if isinstance(value, str) else as_json(value)}\n\n".encode())
            self.wfile.flush()
            CLOCK.sleep(rest_s)
        self.close_connection = True

    def _json(self, value: object, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> None:
        data = as_json(value).encode()
        self.send_response(status)
        for name, text in (("content-type", "application/json"), ("content-length", str(len(data))), *headers):
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _body(self) -> Mapping[str, Any]:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                data += self.rfile.read(size)
                self.rfile.readline()
        else:
            data = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("content-encoding") == "zstd":
            import zstandard

            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        value = json.loads(data or b"{}")
        return value if isinstance(value, dict) else {}
