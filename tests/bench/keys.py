"""Keys: milliseconds from a key written to the pty to the bytes that show what it did.

200 agents are listed while the panes of 20 of them stream (see `streaming_app`); `j` and `k` walk
over these 20. The cursor has arrived when the row of the next agent is drawn in another style than
before; the preview, when the last line of that agent's pane comes. Percentiles are of each round of
presses. How long the event loop is blocked tells a timer in the app that should go off every 5 ms: how
late it is, over the app's whole life but the start.
Beside it: a plain Textual table of 200 rows in which nothing else happens, walked in the same way.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

from tests.bench.figures import Goal, Row, Section, percentile
from tests.bench.invented import STREAMING, mark_of, name_of
from tests.bench.plan import Plan
from tests.bench.probe import EVERY_S
from tests.bench.terminal import Terminal
from tests.stage import Stage

PRESSES = 100
SETTLING_S = 1.5
PAUSES_S = (0.02, 0.12)
"""Between two presses, so that they fall anywhere between two ticks of the app."""

Found = dict[str, list[float]]


def measure(plan: Plan) -> Section:
    """Walk through our list and through the plain one in turn."""
    ours: Found = defaultdict(list)
    beside: Found = defaultdict(list)
    rounds = min(plan.runs, 3)
    with Stage(plan.folder / "keys") as stage:
        for turn in range(rounds):
            result = stage.folder / f"ours-{turn}.json"
            home = str(stage.folder / f"home-{turn}")
            walk(stage, ("tests.bench.streaming_app", home, str(result)), result, ours, has_preview=True)
            result = stage.folder / f"plain-{turn}.json"
            walk(stage, ("tests.bench.table_app", str(result)), result, beside, has_preview=False)
    rows = [
        Row("key to cursor, p50", "ms", ours["cursor p50"], beside["cursor p50"]),
        Row("key to cursor, p99", "ms", ours["cursor p99"], beside["cursor p99"]),
        Row("key to preview, p50", "ms", ours["preview p50"]),
        Row("key to preview, p99", "ms", ours["preview p99"]),
        Row("loop blocked, p99", "ms", ours["late p99"], beside["late p99"], Goal("ours", 5)),
        Row("loop blocked, longest", "ms", ours["late max"], beside["late max"]),
    ]
    return Section("Keys over 200 agents, 20 stream", "a plain table of 200 rows", rows)


def walk(stage: Stage, module: Sequence[str], result: Path, found: Found, *, has_preview: bool) -> None:
    """One round in one app; adds its percentiles."""
    cursor, preview = [], []
    random = Random(3)
    with Terminal((sys.executable, "-m", *module), stage.environment, stage.folder) as terminal:
        terminal.until_drawn(*map(name_of, range(STREAMING)))
        terminal.watch(SETTLING_S)
        styles = Styles()
        for key, number in steps(PRESSES):
            terminal.watch(random.uniform(*PAUSES_S))
            styles.learn(terminal.output)
            terminal.output.clear()
            pressed_at = terminal.press(key)
            cursor.append(terminal.until(partial(styles.differs, number=number)) - pressed_at)
            if has_preview:
                preview.append(terminal.until_drawn(mark_of(number)) - pressed_at)
        terminal.leave(b"q")
    late_ms = json.loads(result.read_text())[int(SETTLING_S / 2 / EVERY_S) :]
    for name, values in (("cursor", cursor), ("preview", preview)):
        if values:
            found[f"{name} p50"].append(percentile(values, 0.5) * 1000)
            found[f"{name} p99"].append(percentile(values, 0.99) * 1000)
    found["late p99"].append(percentile(late_ms, 0.99))
    found["late max"].append(max(late_ms))


def steps(presses: int) -> Iterator[tuple[bytes, int]]:
    """Down to the last streaming agent, up again, and so on: the key, and where it leads."""
    at, by = 0, 1
    for _ in range(presses):
        if not 0 <= at + by < STREAMING:
            by = -by
        at += by
        yield (b"j" if by > 0 else b"k"), at


class Styles:
    """In which style the name of each row was drawn last."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def learn(self, output: bytearray) -> None:
        """Remember what was drawn."""
        for number in range(STREAMING):
            for style in self._drawn(output, number):
                self._known[number] = style

    def differs(self, output: bytearray, number: int) -> bool:
        """Whether the row has been drawn in another style than before."""
        return any(style != self._known.get(number) for style in self._drawn(output, number))

    def _drawn(self, output: bytearray, number: int) -> list[bytes]:
        # Only in the table is the name followed by nothing but blanks to the end of its piece of text.
        return re.findall(rb"\x1b\[([\d;]+)m *" + name_of(number).encode() + rb" *\x1b", output)
