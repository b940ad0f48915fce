"""The commands services and models."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from hive_tui.cli.main import run
from hive_tui.hive import Hive
from hive_tui.settings import Settings
from tests.machine.conftest import CALM, program
from tests.machine.servers import Ollama

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Say]:
    """Run a command line with a service `web`; its exit code, stdout and stderr."""
    file = tmp_path / "config.toml"
    file.write_text(f"[services.web]\nkind = 'command'\nstart = '''{program(CALM)}'''\n")

    def said(*arguments: str) -> tuple[int, str, str]:
        code = run(["--home", str(tmp_path / "home"), "--config", str(file), "--tmux-socket", "none", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield said
    with suppress(OSError, ValueError):
        os.kill(int((tmp_path / "home" / "services" / "web.pid").read_text().split()[0]), signal.SIGKILL)


def shown(say: Say, *arguments: str) -> Any:
    code, out, err = say(*arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_service_by_commands_alone(say: Say):
    [web] = shown(say, "services")
    assert (web["name"], web["actual"], web["desired"]) == ("web", "stopped", "auto")
    assert shown(say, "services", "start", "web") == {"service": "web", "actual": "running"}
    assert shown(say, "services", "list")[0]["actual"] == "running"
    assert shown(say, "services", "set", "web", "on")["desired"] == "on"
    assert shown(say, "services", "preset", "aggressive") == {
        "idle_sleep_enabled": True,
        "idle_timeout_minutes": 15.0,
        "model_keep_alive_hours": 0.5,
        "idle_check_interval_minutes": 2.0,
        "preset": "aggressive",
    }
    assert shown(say, "services", "disable")["idle_sleep_enabled"] is False
    status = shown(say, "services", "status")
    assert list(status) == [
        "idle_sleep_enabled", "idle_timeout_minutes", "model_keep_alive_hours", "services", "models",
        "monitor_task_running",
    ]  # fmt: skip
    assert list(status["services"]["web"]) == [
        "last_used", "idle_for_minutes", "idle_sleep_enabled", "desired", "actual", "will_sleep_in_minutes",
    ]  # fmt: skip
    assert status["services"]["web"]["actual"] == "running" and status["monitor_task_running"] is False
    assert shown(say, "services", "stop", "web")["did"] is True
    assert shown(say, "services", "stop", "web")["did"] is False


def test_where_a_heartbeat_runs_nobody_is_told_to_start_one(say: Say, tmp_path: Path):
    assert "No heartbeat watches now" in say("services", "enable")[1]
    with closing(Hive(tmp_path / "home", Settings(), "none")) as hive:
        assert hive.heartbeat_lock.try_take("heartbeat")
        assert "No heartbeat" not in say("services", "enable")[1], "it looks within a minute"


def test_what_is_wrong_is_one_sentence_and_a_hint(say: Say, tmp_path: Path):
    code, out, err = say("services", "start", "nix")
    assert (code, out) == (1, "") and "Error: There is no service 'nix'." in err and "Hint: " in err
    assert say("services", "set", "web", "perhaps")[0] == 2
    code, out, _ = say("models")
    assert code == 0 and "There is no model server" in out
    assert say("models", "unload", "m")[0] == 1


def test_a_model_by_commands_alone(say: Say, tmp_path: Path):
    with Ollama() as ollama:
        file = tmp_path / "config.toml"
        file.write_text(f"{file.read_text()}[models]\nollama = '{ollama.address}'\n")
        assert shown(say, "models", "preload", "ollama/m") == {"model": "ollama/m", "loaded": True}
        [model] = shown(say, "models")
        assert (model["model"], model["provider"], model["vram_bytes"]) == ("m", "ollama", 5_000_000_000)
        assert "ollama/m  6.0 GB  5.0 GB" in say("models", "list")[1]
        assert shown(say, "models", "unload", "m") == {"model": "ollama/m", "loaded": False}
        assert ollama.loaded == {}


class OldOllama(Ollama):
    """One before `/api/ps`, as Go's router answers for a path that it does not know."""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        return 404, b"404 page not found"


def test_of_a_server_that_cannot_say_what_is_loaded_nothing_is_said(say: Say, tmp_path: Path):
    with OldOllama() as ollama:
        (tmp_path / "config.toml").write_text(f"[models]\nollama = '{ollama.address}'\n")
        code, out, err = say("models")
        assert (code, out) == (0, "") and "ollama refuses /api/ps: 404" in err
        code, _, err = say("models", "unload", "llama3")
        assert code == 1 and "too old" in err
