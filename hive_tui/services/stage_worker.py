"""The worker process of the stages: one JSON document in, one out. It reads transcripts and never writes them."""

import contextlib
import hashlib
import json
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hive_tui.adapters.copying import put_in_place, temporary
from hive_tui.condense.checking import bad_pointers, shows_secret
from hive_tui.condense.ledger import Budget, condense
from hive_tui.domain.agents import Activity, Agent, Hosting, Lifecycle, Origin
from hive_tui.domain.consolidation import Stage
from hive_tui.domain.errors import HiveError
from hive_tui.services.context_search import ContextSearch
from hive_tui.services.prose import Model, rewrite
from hive_tui.store.context_index import ContextIndex
from hive_tui.store.values import EPOCH


def work(given: Mapping[str, Any]) -> dict[str, Any]:
    """Do one stage; what it gave.

    Raises:
        HiveError, OSError: It failed.
    """
    stage = Stage(given["stage"])
    transcript, ledger = Path(given["transcript"]), Path(given["ledger"])
    if stage is Stage.COMPRESS:
        return _compress(transcript, ledger, given)
    if stage is Stage.INDEX:
        return _index(transcript, ledger, given)
    return _audit(transcript, ledger)


def _compress(transcript: Path, ledger: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    made = condense(transcript, Budget(**given["budget"]), before=[Path(path) for path in given["before"]])
    facts: dict[str, Any] = {
        "tokens": made.tokens,
        "raw_tokens": made.raw_tokens,
        "entries": made.entries,
        "candidates": made.candidates,
        "secrets": made.secrets,
        "lines": made.reading.lines,
        "skipped": dict(made.reading.skipped),
        "sha256": hashlib.sha256(made.text.encode()).hexdigest(),
    }
    model = given.get("model")
    if model:
        prose = rewrite(made.text, Model(**model))
        facts["model"] = prose.to_json()
        _write(ledger.with_suffix(".prose"), prose.text)
    _write(ledger, made.text)
    _write(ledger.with_suffix(".json"), json.dumps(facts))
    return facts


def _index(transcript: Path, ledger: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    searching = ContextSearch(ContextIndex(Path(given["index"])))
    agent = _named(given["agent_id"], given["agent"])
    count = searching.add(agent, given["session_id"], transcript)
    if ledger.is_file():
        searching.add_ledger(agent, given["session_id"], ledger.read_text(encoding="utf-8"))
    return {"pieces": count}


def _audit(transcript: Path, ledger: Path) -> dict[str, Any]:
    text = ledger.read_text(encoding="utf-8")
    facts = json.loads(ledger.with_suffix(".json").read_text(encoding="utf-8"))
    if shows_secret(text):
        raise HiveError("The ledger shows a secret, and was thrown away.")
    if bad_pointers(text, int(facts["lines"])):
        raise HiveError("The ledger points to lines that the transcript does not have.")
    if hashlib.sha256(text.encode()).hexdigest() != facts["sha256"]:
        raise HiveError("The ledger is not what was written.")
    kept = facts["tokens"] / facts["raw_tokens"] if facts["raw_tokens"] else 0.0
    return {"kept_ratio": round(kept, 4), "tokens_in": facts["raw_tokens"], "tokens_out": facts["tokens"]}


def _write(path: Path, text: str) -> None:
    """The whole text or nothing, for our user alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = temporary(path)
    try:
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")
        put_in_place(draft, path, overwrite=True)
    finally:
        draft.unlink(missing_ok=True)


def _named(agent_id: str, name: str) -> Agent:
    """As much of an agent as the index needs."""
    return Agent(agent_id, name, "", Lifecycle.ASLEEP, Activity.UNKNOWN, "", EPOCH, Origin.FOUND, "", Hosting.SHELL)


def main() -> None:
    """Answer with a JSON object that has `error` in it where the work failed."""
    given = json.load(sys.stdin)
    signal.alarm(max(1, round(given["timeout_s"]) + 5))  # also where nobody is left to kill it
    try:
        result = work(given)
    except (HiveError, OSError, ValueError, KeyError) as error:
        if given.get("stage") == Stage.AUDIT:
            with contextlib.suppress(OSError):
                Path(given["ledger"]).unlink(missing_ok=True)
        result = {"error": error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"}
    used = resource.getrusage(resource.RUSAGE_SELF)
    result["cpu_s"] = used.ru_utime + used.ru_stime
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
