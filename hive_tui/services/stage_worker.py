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

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.copying import put_in_place, temporary
from hive_tui.adapters.cores import Cores
from hive_tui.condense.checking import bad_pointers, shows_secret
from hive_tui.condense.keeping import fingerprint, to_facts
from hive_tui.condense.ledger import Budget, condense
from hive_tui.condense.sharding import Helpers
from hive_tui.domain.agents import Activity, Agent, Hosting, Lifecycle, Origin
from hive_tui.domain.consolidation import Stage
from hive_tui.domain.errors import HiveError
from hive_tui.services.context_search import ContextSearch
from hive_tui.services.prose import Model, rewrite
from hive_tui.store.context_index import ContextIndex
from hive_tui.store.values import EPOCH

MOST_HELPERS = 3
"""More than that are faster than the process that reads what they have made."""


def work(given: Mapping[str, Any]) -> dict[str, Any]:
    """Do one stage; what it gave.

    Raises:
        HiveError, OSError: It failed.
    """
    stage = Stage(given["stage"])
    if stage is Stage.VECTORS:
        from hive_tui.services.embedding import embed_pieces

        return embed_pieces(given)
    ledger = Path(given["ledger"])
    if stage is Stage.PROSE:
        return _shorten(ledger, Model(**given["model"]))
    transcript = Path(given["transcript"])
    if stage is Stage.COMPRESS:
        return _compress(transcript, ledger, given)
    if stage is Stage.INDEX:
        return _index(transcript, given)
    return _audit(ledger, given)


def _compress(transcript: Path, ledger: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    cores = Cores(Path(given["cores_folder"]), int(given["cores"]), SystemClock())
    budget, before = Budget(**given["budget"]), [Path(path) for path in given["before"]]
    state = fingerprint(transcript, before, budget)  # what is said meanwhile makes another one
    made = condense(
        transcript,
        budget,
        before=before,
        helpers=Helpers(min(int(given["cores"]) - 1, MOST_HELPERS), cores.try_help),
        on_progress=lambda done: _tell(given, done),
    )
    facts = to_facts(made)
    _write(ledger, made.text)
    _write(ledger.with_suffix(".json"), json.dumps({**facts, "fingerprint": state}))
    told = ("tokens", "raw_tokens", "entries", "candidates", "secrets", "lines", "skipped", "sha256")
    return {**{name: facts[name] for name in told}, "helped_s": cores.helped_s}


def _index(transcript: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    searching = ContextSearch(ContextIndex(Path(given["index"])))
    agent = _named(given["agent_id"], given["agent"])
    return {"pieces": searching.add(agent, given["session_id"], transcript)}


def _audit(ledger: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """What passes can be searched from then on; what does not has never been in the index."""
    try:
        text, facts = _checked(ledger)
    except (HiveError, OSError, ValueError, KeyError):
        ledger.unlink(missing_ok=True)
        raise
    searching = ContextSearch(ContextIndex(Path(given["index"])))
    searching.add_ledger(_named(given["agent_id"], given["agent"]), given["session_id"], text)
    kept = facts["tokens"] / facts["raw_tokens"] if facts["raw_tokens"] else 0.0
    return {"kept_ratio": round(kept, 4), "tokens_in": facts["raw_tokens"], "tokens_out": facts["tokens"]}


def _checked(ledger: Path) -> tuple[str, dict[str, Any]]:
    """The ledger and what is known of it.

    Raises:
        HiveError: It is not as it must be.
    """
    text = ledger.read_text(encoding="utf-8")
    facts = json.loads(ledger.with_suffix(".json").read_text(encoding="utf-8"))
    if shows_secret(text):
        raise HiveError("The ledger shows a secret, and was thrown away.")
    if bad_pointers(text, int(facts["lines"])):
        raise HiveError("The ledger points to lines that the transcript does not have.")
    if hashlib.sha256(text.encode()).hexdigest() != facts["sha256"]:
        raise HiveError("The ledger is not what was written.")
    return text, facts


def _tell(given: Mapping[str, Any], done: float) -> None:
    """Say how far it is, in a file that whoever waits for us looks at; a full disk stops nothing."""
    if "progress" in given:
        with contextlib.suppress(OSError):
            Path(given["progress"]).write_text(f"{done:.3f}", encoding="ascii")


def _shorten(ledger: Path, model: Model) -> dict[str, Any]:
    """Ask the model; what it said is kept beside the ledger, with the hash of the ledger that it is of."""
    text = ledger.read_text(encoding="utf-8")
    prose = rewrite(text, model)
    if prose.accepted:
        _write(ledger.with_suffix(".prose"), f"{hashlib.sha256(text.encode()).hexdigest()}\n{prose.text}")
    return prose.to_json()


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


def _forget_peak() -> None:
    """The peak of memory is that of this piece of work, not of the one before it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _own_peak_bytes(otherwise: int) -> int:
    """The most memory that this program had; the figure of getrusage begins with that of whoever started it."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return otherwise


def main() -> None:
    """Answer each line with a JSON object on one, that has `error` in it where the work failed."""
    used_s = 0.0  # the start of the program counts as work on the first
    for line in sys.stdin:
        given = json.loads(line)
        signal.alarm(max(1, round(given["timeout_s"]) + 5))  # also where nobody is left to kill it
        result = _answer(given)
        signal.alarm(0)
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        before_s, used_s = used_s, sum(one.ru_utime + one.ru_stime for one in used)
        result["cpu_s"] = used_s - before_s
        result["memory_bytes"] = max(_own_peak_bytes(used[0].ru_maxrss * 1024), used[1].ru_maxrss * 1024)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


def _answer(given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        _forget_peak()
        return work(given)
    except (HiveError, OSError, ValueError, KeyError) as error:
        return {"error": error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main()
