"""`python -m tests.bench [NAME...] [--runs N] [--seconds S] [--json FILE]`."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter

from tests.bench import (
    archive_folders,
    checkpoints,
    claims,
    commands,
    fifty,
    first_paint,
    git_part,
    http,
    idle,
    keys,
    latency,
    naps,
    offpeak,
    queue,
    savings,
    search,
    waiting,
)  # fmt: skip
from tests.bench.figures import Section, table
from tests.bench.plan import Plan

MEASUREMENTS: Mapping[str, Callable[[Plan], Section]] = {
    "first-paint": first_paint.measure,
    "commands": commands.measure,
    "naps": naps.measure,
    "checkpoints": checkpoints.measure,
    "folders": archive_folders.measure,
    "git": git_part.measure,
    "idle": idle.measure,
    "fifty": fifty.measure,
    "keys": keys.measure,
    "queue": queue.measure,
    "claims": claims.measure,
    "waiting": waiting.measure,
    "latency": latency.measure,
    "savings": savings.measure,
    "http": http.measure,
    "offpeak": offpeak.measure,
    "search": search.measure,
}


def main() -> int:
    """Measure what was asked for, one after the other, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(MEASUREMENTS)}; else all")
    parser.add_argument("--runs", type=int, default=5, help="rounds of each measurement (default 5)")
    parser.add_argument("--seconds", type=float, default=60.0, help="seconds that idling is watched (default 60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the values of all rounds there")
    options = parser.parse_args()
    unknown = set(options.names) - MEASUREMENTS.keys()
    if unknown:
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="hive-bench-") as folder:
        plan = Plan(Path(folder), max(1, options.runs), options.seconds)
        sections = [_measured(name, plan) for name in options.names or MEASUREMENTS]
    print(f"\n{table(sections)}\n\nload {_load()}; the machine may be shared: trust the ratios, not the times")
    if options.json:
        options.json.write_text(json.dumps([section.to_json() for section in sections], indent=1))
    return 0


def _measured(name: str, plan: Plan) -> Section:
    began = perf_counter()
    print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
    section = MEASUREMENTS[name](plan)
    print(f"{perf_counter() - began:.0f} s", file=sys.stderr)
    return section


def _load() -> str:
    return " ".join(f"{load:.2f}" for load in os.getloadavg()) + f" on {os.cpu_count()} cores"


if __name__ == "__main__":
    sys.exit(main())
