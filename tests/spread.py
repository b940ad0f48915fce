"""Which cases of a large table run with each test run, and which with the slow ones."""

from collections.abc import Iterable
from typing import Any

import pytest


def spread(cases: Iterable[Any], *, every: int) -> list[Any]:
    """Each `every`-th case always, the others by `make test-faults`; a tuple is one value for each name."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=[pytest.mark.faults] if at % every else [])
        for at, case in enumerate(cases)
    ]
