"""The table at the end of a run."""

from collections.abc import Iterator

import pytest

from tests.agents.model import Model

ROWS: list[dict[str, str]] = []


@pytest.fixture
def model() -> Iterator[Model]:
    """A pretended model on a port of its own."""
    with Model() as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was seen, a column a program."""
    if not ROWS:
        return
    names = list(dict.fromkeys(name for row in ROWS for name in row))
    left = max(map(len, names))
    widths = [max(8, *(len(value) for value in row.values())) for row in ROWS]
    terminalreporter.section("what was seen of the real programs")
    for name in names:
        cells = (row.get(name, "-").ljust(width) for row, width in zip(ROWS, widths, strict=True))
        terminalreporter.write_line(f"{name.ljust(left)}  {'  '.join(cells)}".rstrip())
