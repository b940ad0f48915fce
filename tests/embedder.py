"""An endpoint for embeddings on the loopback: real HTTP, and vectors that a simple hash of words makes.

Words that are synonyms for a person are the same word for it, so that there is something that only its meaning finds.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ALIKE = {"sluggish": "slow", "expenses": "prices", "decimals": "floats"}


def vector_of(text: str, dimensions: int = 64) -> list[float]:
    """Each word at a place and with a sign of its own."""
    numbers = [0.0] * dimensions
    for word in re.findall(r"[a-z]{3,}", text.lower()):
        hashed = hashlib.sha256(ALIKE.get(word, word).encode()).digest()
        numbers[int.from_bytes(hashed[:4]) % dimensions] += 1.0 if hashed[4] & 1 else -1.0
    return numbers


@dataclass
class Embedder:
    """What it was asked, and how it answers."""

    url: str = ""
    dimensions: int = 64
    asked: list[list[str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[list[str]], tuple[int, Any]] | None = None
    """In the place of the right answer: a status, and what stands in the body."""
    tokens: int = 7
    """Of each text."""

    @property
    def texts(self) -> list[str]:
        return [text for batch in self.asked for text in batch]

    def right(self, texts: list[str]) -> dict[str, Any]:
        listed = [
            {"object": "embedding", "index": at, "embedding": vector_of(text, self.dimensions)}
            for at, text in enumerate(texts)
        ]
        used = self.tokens * len(texts)
        return {"object": "list", "data": listed, "usage": {"prompt_tokens": used, "total_tokens": used}}


@contextmanager
def embedding() -> Iterator[Embedder]:
    """Serve until the end of the block."""
    one = Embedder()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(200, {"data": []})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert self.path == "/v1/embeddings" and body["model"]
            one.asked.append(body["input"])
            one.headers.append(dict(self.headers))
            status, said = one.answer(body["input"]) if one.answer else (200, one.right(body["input"]))
            self._say(status, said)

        def _say(self, status: int, said: Any) -> None:
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked has hung up
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    one.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
