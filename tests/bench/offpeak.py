"""What consolidation makes of the CPU that it is allotted, while conversations wait to be worked on.

A queue of conversations is worked off by the real stages in real processes at low priority, as on a machine whose
budget is two cores: by two jobs, and one long conversation by one job. Used is the CPU of all processes; allotted is
what `hive_tui.domain.consolidation.Used` says, with the start of processes and all waits. Below it stands the share of
all cores for the whole time, with what no stage could use. Beside both stands what as many processes that only spin
got at the same priority: on a machine that has other work it is far below 1, and the ratio is what counts.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from hive_tui.adapters.clock import SystemClock
from hive_tui.hive import Hive
from hive_tui.settings import Settings
from hive_tui.settings.sleep import ConsolidationSettings
from hive_tui.store import agents, consolidations
from tests.bench.figures import Goal, Row, Section
from tests.bench.plan import Plan
from tests.builders import an_ended_agent
from tests.condense.invented import invent
from tests.store.builders import a_checkpoint, enter

CORES = 2
MEGABYTE = 1_000_000
QUEUED, QUEUED_MB, LONG_MB = 4, 6, 24
CONTROL_S = 4.0


GOAL = Goal("ratio", 0.7, is_least=True)
QUEUES = (
    (f"{QUEUED} of {QUEUED_MB} MB, {CORES} jobs", QUEUED, QUEUED_MB, CORES),
    (f"one of {LONG_MB} MB, {CORES} processes", 1, LONG_MB, 1),
)


def measure(plan: Plan) -> Section:
    """Each round works off both queues."""
    nice = ConsolidationSettings().nice
    shares: dict[str, list[tuple[float, float, float]]] = {}
    for turn in range(plan.runs):
        for name, count, megabytes, jobs in QUEUES:
            before = _spinning(nice)
            used, of_wall = _worked(plan.folder / f"{turn}-{count}", count, megabytes, jobs=jobs)
            shares.setdefault(name, []).append((used, of_wall, (before + _spinning(nice)) / 2))
    rows = []
    for name, found in shares.items():
        spun = [control for _, _, control in found]
        rows.append(Row(f"{name}: used of allotted", "share", [used for used, _, _ in found], spun, GOAL))
        rows.append(Row(f"{name}: used of wall time", "share", [used for _, used, _ in found], spun))
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    notes = [f"load of the machine at the end: {load}, on {os.cpu_count()} cores; others go first"]
    return Section("CPU of consolidation while work is queued", "processes that only spin", rows, notes)


def _spinning(nice: int) -> float:
    """The share of all cores that processes get which do nothing but compute."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = perf_counter()
    command = ["nice", "-n", str(nice), "timeout", str(CONTROL_S), sys.executable, "-S", "-c", "while True: pass"]
    spinning = [subprocess.Popen(command) for _ in range(CORES)]
    for one in spinning:
        one.wait()
    took_s, after = perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / (took_s * CORES)


def _worked(folder: Path, count: int, megabytes: int, *, jobs: int) -> tuple[float, float]:
    """CPU used of the allotted, and of all cores for the whole time."""
    wanted = ConsolidationSettings(jobs=jobs, cores=CORES)
    hive = Hive(folder / "home", Settings(consolidation=wanted), str(folder / "no-server"), clock=SystemClock())
    folder.mkdir(exist_ok=True)
    try:
        for number in range(count):
            _put(hive, folder, number, megabytes)
        keeper = hive.remembering.consolidation
        assert keeper.has_work()
        begun = perf_counter()
        keeper.work()
        took_s = perf_counter() - begun
        told = hive.database.read(consolidations.totals)
        assert told["runs"].get("audit.done") == count, told
        return told["cpu_s"] / told["allotted_s"], told["cpu_s"] / (took_s * CORES)
    finally:
        hive.close()


def _put(hive: Hive, folder: Path, number: int, megabytes: int) -> None:
    """An agent that sleeps, with a conversation of that size and a checkpoint that holds it."""
    name, session = f"a{number}", f"{number:08d}-1111-4111-8111-111111111111"
    transcript = folder / f"{session}.jsonl"
    size, seed = 0, number * 1_000
    with transcript.open("w") as file:
        while size < megabytes * MEGABYTE:
            seed += 1
            size += file.write("".join(json.dumps(row) + "\n" for row in invent(seed, "claude").rows))
    now = hive.clock.now()
    agent = an_ended_agent(name, kind="claude", cwd=str(folder), session_id=session, transcript=str(transcript))
    hive.database.write(agents.add, agent, now=now)
    enter(hive.database, a_checkpoint(f"c{number}", agent_id=agent.id, session_id=session))
