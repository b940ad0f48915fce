"""Small servers that speak the wire format of Docker, Ollama, llama.cpp and llama-swap, as documented."""

import json
import socket
import socketserver
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hive_tui.adapters.clock import SystemClock

Answer = tuple[int, Any]


class WireServer:
    """Answers by `answer(method, path, body)`, on loopback or on a unix socket; remembers what it was asked."""

    def __init__(self, path: Path | None = None) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.hangs = threading.Event()
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                outer.asked.append((self.command, self.path, body))
                if outer.hangs.is_set():
                    outer.released.wait(20)
                status, said = outer.answer(self.command, self.path, body)
                raw = b"" if said is None else said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain" if isinstance(said, bytes) else "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def address_string(self) -> str:
                return "test"

        if path is None:
            self._server: socketserver.BaseServer = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        else:
            unix = type("Unix", (socketserver.ThreadingMixIn, socketserver.UnixStreamServer), {"daemon_threads": True})
            self._server = unix(str(path), Handler)
            self.address = f"unix://{path}"

    def answer(self, method: str, path: str, body: Any) -> Answer:
        raise NotImplementedError

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def posted(self) -> list[str]:
        return [path for method, path, _ in list(self.asked) if method == "POST"]


class Docker(WireServer):
    """One container; see the Engine API for ContainerInspect, ContainerStats, ContainerStart, ContainerStop."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.name = "qdrant"
        self.runs = True
        self.lies = False
        self.health: str | None = None
        self.cpu_ns = 0
        self.bytes = 0
        self.exit_code = 0
        self.exec_runs = False
        self.exec_command = ["sh"]
        self.health_check: list[str] | None = None
        self.restarts = 0
        """Above 0 it has ended so often, and is between two runs."""
        self.network = "bridge"
        self.pid = 2**22 + 1
        self.networks = True
        self.garbage: Any = None
        self.paused = False
        self.before_stop: Callable[[], None] = lambda: None

    @property
    def is_down(self) -> bool:
        return not self.runs

    def answer(self, method: str, path: str, body: Any) -> Answer:
        if path.startswith("/exec/"):
            entrypoint, *arguments = self.exec_command
            process = {"tty": False, "entrypoint": entrypoint, "arguments": arguments, "privileged": False}
            return 200, {"ID": "e1", "Running": self.exec_runs, "ExitCode": None, "ProcessConfig": process}
        _, _, name, verb = path.split("/", 3)
        if name != self.name:
            return 404, {"message": f"No such container: {name}"}
        if verb == "json":
            return 200, self._inspect() if self.garbage is None else self.garbage
        if verb.startswith("stats"):
            return 200, self._stats()
        if verb == "unpause":
            self.paused = False
            return 204, None
        if verb == "start" and self.paused:
            return 409, {"message": "cannot start a paused container, try unpause instead"}
        if verb == "start":
            was, self.runs = self.runs, True
            return (304, None) if was else (204, None)
        assert verb.startswith("stop?t="), verb
        self.before_stop()
        was = self.runs
        self.runs = self.runs and self.lies
        return (204, None) if was else (304, None)

    def _inspect(self) -> dict[str, Any]:
        state: dict[str, Any] = {
            "Status": "running" if self.runs else "exited", "Running": self.runs, "Paused": self.paused,
            "Restarting": False, "OOMKilled": False, "Dead": False, "Pid": self.pid if self.runs else 0,
            "ExitCode": self.exit_code, "StartedAt": "2026-01-05T10:00:00.123456789Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
        }  # fmt: skip
        if self.health is not None:
            state["Health"] = {"Status": self.health, "FailingStreak": 0}
        if self.restarts and self.runs:  # as an engine says between two runs
            state |= {"Status": "restarting", "Restarting": True, "Pid": 0, "ExitCode": 3}
        config = {} if self.health_check is None else {"Healthcheck": {"Test": self.health_check}}
        return {
            "Id": "f" * 64, "Name": f"/{self.name}", "State": state, "RestartCount": self.restarts, "Config": config,
            "HostConfig": {"NetworkMode": self.network}, "ExecIDs": ["e1"] if self.exec_runs else None,
        }  # fmt: skip

    def _stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = {"cpu_stats": {"cpu_usage": {"total_usage": self.cpu_ns}, "online_cpus": 4}}
        if self.networks:
            stats["networks"] = {"eth0": {"rx_bytes": self.bytes, "tx_bytes": 0}}
        return stats


class Ollama(WireServer):
    """See api.md: /api/ps and /api/generate."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: dict[str, datetime | str] = {}
        self.lies = False

    def answer(self, method: str, path: str, body: Any) -> Answer:
        if path == "/api/ps":
            return 200, {"models": [self._row(name, at) for name, at in self.loaded.items()]}
        assert (method, path) == ("POST", "/api/generate"), (method, path)
        name = body["model"]
        if name == "nowhere":
            return 404, {"error": "model 'nowhere' not found"}
        if body.get("keep_alive") == 0:
            if not self.lies:
                self.loaded.pop(name, None)
            return 200, {"model": name, "response": "", "done": True, "done_reason": "unload"}
        self.loaded[name] = SystemClock().now() + timedelta(minutes=5)
        return 200, {"model": name, "response": "", "done": True, "done_reason": "load"}

    def _row(self, name: str, at: datetime | str) -> dict[str, Any]:
        shown = at if isinstance(at, str) else at.isoformat().replace("+00:00", "123Z")
        return {
            "name": name, "model": name, "size": 6_000_000_000, "size_vram": 5_000_000_000, "digest": "d",
            "expires_at": shown, "context_length": 4096,
        }  # fmt: skip


class LlamaCpp(WireServer):
    """See tools/server/README.md: /models, /models/load, /models/unload, /slots."""

    def __init__(self, *, is_router: bool = True) -> None:
        super().__init__()
        self.is_router = is_router
        self.states = {"qwen": "loaded", "gemma": "unloaded"}
        self.task = 1
        self.busy = False

    def answer(self, method: str, path: str, body: Any) -> Answer:
        if path == "/models":
            rows: list[dict[str, Any]] = [{"id": name, "object": "model"} for name in self.states]
            if self.is_router:
                rows = [row | {"status": {"value": self.states[row["id"]]}} for row in rows]
            return 200, {"object": "list", "data": rows}
        if path.startswith("/slots"):
            return 200, [{"id": 0, "id_task": self.task, "is_processing": self.busy}]
        self.states[body["model"]] = "unloaded" if path == "/models/unload" else "loaded"
        return 200, {"success": True}


class LlamaSwap(WireServer):
    """See its README: /running, /unload, /api/models/unload/MODEL, /api/metrics."""

    def __init__(self, *, is_old: bool = False) -> None:
        super().__init__()
        self.running = {"qwen": "ready"}
        self.is_old = is_old
        self.requests = [{"id": 7, "timestamp": "2026-01-05T12:00:00Z", "model": "qwen"}]

    def answer(self, method: str, path: str, body: Any) -> Answer:
        if path == "/running":
            return 200, {"running": [{"model": name, "state": state} for name, state in self.running.items()]}
        if path == "/unload":
            self.running.clear()
            return 200, b"OK"
        if self.is_old:
            return 404, {"error": "not found"}
        if path == "/api/metrics":
            return 200, self.requests
        if path.startswith("/upstream/"):
            self.running[path.split("/")[2]] = "ready"
            return 200, {"status": "ok"}
        self.running.pop(path.rsplit("/", 1)[1], None)
        return 200, b"OK"


class Trickle:
    """Sends one byte of an endless header now and then: its socket never times out."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._stop = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not self._stop.wait(0.02):
                connection.sendall(b"x")
        except OSError:
            return

    def close(self) -> None:
        self._stop.set()
        self._listener.close()
