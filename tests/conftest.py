"""Fixtures for all tests: a clean environment, a private tmux server, a hive in a folder of its own."""

import gc
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.stage import Stage

# Colours, zone and language of the developer's terminal must not reach a test.
for name in ("NO_COLOR", "TMUX", "TMUX_PANE", "HIVE_HOME", "HIVE_CONFIG", "HIVE_TMUX_SOCKET", "GIT_DIR"):
    os.environ.pop(name, None)
os.environ.update(TZ="UTC", LANG="C.UTF-8", LC_ALL="C.UTF-8", TEXTUAL_ANIMATIONS="none")

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples each time: a run without a change of the code ends as the one before. The slow tests go on looking.
settings.register_profile("same", settings.get_profile("any machine"), derandomize=True)


def pytest_configure(config: pytest.Config) -> None:
    """Choose before any test is imported, since decorators take over what is chosen then."""
    settings.load_profile("any machine" if config.getoption("markexpr").startswith("faults") else "same")


@pytest.hookimpl(wrapper=True, specname="pytest_collection")
def without_garbage() -> Generator[None, object, object]:
    """What is imported and collected stays to the end; looking through it again and again is a tenth of a run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection(session: pytest.Session) -> None:
    """Of tests that were never compiled, as on a clean clone, each worker compiles its share first, not each all.

    What cannot be imported is told of by the collection itself, which comes next and finds the others' work done.
    """
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", ""), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if not worker or session.config.args != session.config.getini("testpaths"):
        return
    files = sorted(Path(__file__).parent.rglob("test_*.py"))
    for file in files[int(worker.removeprefix("gw")) :: workers]:
        with suppress(Exception, pytest.skip.Exception):
            import_module(".".join(file.relative_to(session.config.rootpath).with_suffix("").parts))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A private tmux server, a hive that looks at it, and helpers to start scripted agents there."""
    with Stage(tmp_path) as made:
        yield made
