"""The support bundle: what is in it, and that no secret and no conversation is, wherever it was planted."""

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hive_tui.adapters.bundle_file import write_bundle
from hive_tui.domain.agents import Activity, Lifecycle
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.store import agents as agent_store
from hive_tui.store import journal
from tests.builders import an_agent
from tests.stage import CLOCK, TESTER, Stage

KEY = "sk-ant-api03-PlantedPlantedPlanted0123456789"
PASSWORD = "hunter2-of-redis"
QUOTED = 'pa"ss\\word-in-env'
TOKEN = "plainwordtoken"
TALK = "the plum cake recipe"
PLANTED = (
    KEY,
    PASSWORD,
    QUOTED,
    json.dumps(QUOTED)[1:-1],
    TOKEN,
    TALK,
    "prelude-secret",
    "planted-topic-name",
    "planted-word",
)


def plant(stage: Stage) -> None:
    """Secrets and talk wherever they could get in."""
    stage.command("status")
    (stage.folder / "config.toml").write_text(
        f'[redis]\nurl = "redis://ada:{PASSWORD}@127.0.0.1:1/0"\ntimeout_s = 0.2\n'
        '[alerts]\nntfy = "https://ntfy.sh/planted-topic-name"\n'
        '[agents.shop]\nwake_prelude = "export KEY=prelude-secret"\n'
        '[services.db]\nkind = "command"\nstart = "PGW=planted-word postgres -p 1"\nstop = "stop-db -pplanted-word"\n'
        'health = "http://127.0.0.1:1/up?k=planted-word"\n'
    )
    now, database = CLOCK.now(), stage.hive.database
    asks = an_agent("shop", activity=Activity.QUESTION, reason=f"asks: {TALK}?")
    failed = an_agent("mill", lifecycle=Lifecycle.FAILED, reason=f"crashed: token {TOKEN} was refused")
    for agent in (asks, failed):
        database.write(agent_store.add, agent, now=now)
    events = (
        Event(EventKind.AGENT_NEEDS_YOU, f"shop needs you: {TALK}?", asks.id, severity=Severity.WARNING),
        Event(EventKind.TASK_ADDED, f"Task: {TALK}", asks.id, payload={"title": TALK}),
        Event(
            EventKind.WAKEUP_FAILED, f"mill was not woken: key {KEY}, {QUOTED}", failed.id, severity=Severity.FAILURE
        ),
        Event(EventKind.REDIS_TROUBLE, f"No answer from redis://ada:{PASSWORD}@127.0.0.1:1", severity=Severity.WARNING),
    )
    for event in events:
        database.write(journal.log, event, now=now)
    said = {"message": f"{TALK} {TOKEN}"}
    stage.hive.queue.enqueue(NewWakeup(failed.id, Trigger.MANUAL, now, context=said), TESTER)


def unpacked(file: Path) -> dict[str, str]:
    """Its files, read by programs that are not ours."""
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            return {Path(name).name: archive.read(name).decode() for name in archive.namelist()}
    subprocess.run(["tar", "--zstd", "-xf", str(file), "-C", str(file.parent)], check=True)
    return {path.name: path.read_text() for path in (file.parent / "hive-tui-support").iterdir()}


@pytest.mark.parametrize("name", ["support.zip", "support.tar.zst"])
def test_nothing_that_was_planted_is_in_it(stage: Stage, name: str):
    plant(stage)
    file = stage.folder / name
    environment = {**stage.environment, "MY_DB_PASSWORD": QUOTED, "SERVICE_TOKEN": TOKEN, "GREETING": f"Bearer {KEY}"}
    done = subprocess.run(
        stage.command_line("doctor", "--bundle", str(file), "--json"),
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert file.exists(), done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    files = unpacked(file)
    assert set(files) == {
        *("README.txt", "findings.json", "versions.json", "settings.json", "agents.json"),
        *("queue.json", "events.jsonl", "database.json"),
    }
    for inside, text in files.items():
        assert [one for one in PLANTED if one in text] == [], inside
        assert str(stage.folder) not in text or inside == "README.txt", "the user's folder is shown as ~"
    _is_of_use(files)


def _is_of_use(files: dict[str, str]) -> None:
    agents: list[dict[str, Any]] = json.loads(files["agents.json"])
    assert {one["name"]: one["activity"] for one in agents}["shop"] == "question"
    events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    assert any("mill was not woken" in one["text"] for one in events)
    assert "redis://ada:[REDACTED]@127.0.0.1:1/0" in files["settings.json"]
    service = json.loads(files["settings.json"])["services"]["db"]
    assert (service["start"], service["stop"]) == ("postgres ...", "stop-db ...")
    assert json.loads(files["settings.json"])["alerts"]["ntfy_for"] == ["failure", "needs_you"]
    assert {one["severity"] for one in events} == {"info", "warning", "failure"}
    assert json.loads(files["database.json"])["rows"]["agents"] == 2
    assert {one["area"] for one in json.loads(files["findings.json"])} >= {"checkpoints", "hooks"}


def test_it_takes_the_place_of_nothing_and_needs_a_known_ending(tmp_path: Path):
    file = tmp_path / "support.zip"
    file.write_text("mine")
    with pytest.raises(HiveError, match="is there already"):
        write_bundle(file, {"a": b"b"})
    assert file.read_text() == "mine"
    with pytest.raises(HiveError, match="neither of the endings"):
        write_bundle(tmp_path / "x.rar", {"a": b"b"})
    with pytest.raises(HiveError, match="cannot be written"):
        write_bundle(tmp_path / "nowhere" / "x.zip", {"a": b"b"})
    assert [one.name for one in tmp_path.iterdir()] == ["support.zip"]


def test_of_a_database_that_cannot_be_read_the_rest_is_there(stage: Stage):
    stage.home.mkdir(parents=True)
    (stage.home / "hive.db").write_bytes(b"this is no database, " * 200)
    stage.command("doctor", "--bundle", str(stage.folder / "support.zip"))
    files = unpacked(stage.folder / "support.zip")
    assert "error" in json.loads(files["database.json"]) and "settings.json" in files
