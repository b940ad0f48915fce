"""Rules of the house that no linter knows."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "hive_tui"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50

HEAVY = (
    "apscheduler",
    "h11",
    "libtmux",
    "plyer",
    "psutil",
    "redis",
    "rich",
    "sqlalchemy",
    "sqlmodel",
    "textual",
    "tomlkit",
)
"""Packages whose import a person would feel in a short command."""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_is_short_enough_to_be_read_at_once(path: Path):
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES
    long = [node.name for node in functions(path) if (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES]
    assert long == [], f"functions with more than {MAX_FUNCTION_LINES} lines"


def test_no_module_is_a_drawer_for_everything():
    drawers = {"util", "utils", "helper", "helpers", "common", "misc", "tools"}
    assert [name_of(path) for path in SOURCES if {path.stem, path.parent.name} & drawers] == []


def test_only_the_clock_reads_the_time():
    readers = ("time.time(", "time.monotonic(", "time.sleep(", "perf_counter(", "datetime.now(", "asyncio.sleep(")
    allowed = {"adapters/clock.py"}
    found = [
        f"{name_of(path)}: {reader}"
        for path in SOURCES
        for reader in readers
        if reader in path.read_text() and name_of(path) not in allowed and "scripted_agent" not in name_of(path)
    ]
    assert found == []


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["agents", "--json"], ["agents", "--help"], ["queue", "list", "--json"]],
    ids=" ".join,
)
def test_a_short_command_imports_nothing_heavy(arguments: list[str], tmp_path: Path):
    script = (
        "import sys\n"
        f"sys.argv = {['hive-tui', *arguments]!r}\n"
        "from hive_tui.__main__ import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    code = end.code\n"
        f"print('imported', sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"HIVE_HOME": str(tmp_path), "HIVE_TMUX_SOCKET": str(tmp_path / "no-server")},
        check=False,
    )
    said = done.stderr.splitlines()
    assert said[-1] == "imported []", done.stderr
    assert done.returncode == 0, done.stderr
