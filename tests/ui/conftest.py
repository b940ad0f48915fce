"""A dashboard over an invented hive that stands still."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.css import parse as parsing
from textual.css.model import RuleSet
from textual.css.tokenizer import Token
from textual.notifications import Notification
from textual.widgets import Input

from hive_tui.hive import Hive
from hive_tui.ui.app import HiveApp
from tests.clocks import FakeClock
from tests.ui.invented import new_app, new_hive


@pytest.fixture(autouse=True, scope="session")
def rules_are_parsed_once() -> Iterator[None]:
    """Each app parses the same styles, with the same variables, which takes a seventh of the time of its test.

    Within an app Textual keeps and shares rules in the same way.
    """
    parsed: dict[tuple[object, ...], list[RuleSet]] = {}
    numbers: dict[tuple[object, ...], int] = {}
    last: tuple[dict[str, list[Token]], int] = {}, -1
    parse = parsing.parse

    def number_of(variables: dict[str, list[Token]]) -> int:
        nonlocal last
        if last[0] is not variables:  # most calls are about the one of the call before
            words = tuple((name, *tokens) for name, tokens in variables.items())
            last = variables, numbers.setdefault(words, len(numbers))
        return last[1]

    def once(scope: str, css: str, place: Any, *, variable_tokens: Any, **how: Any) -> list[RuleSet]:
        key = (scope, css, place, number_of(variable_tokens), *how.items())
        if key not in parsed:
            parsed[key] = list(parse(scope, css, place, variable_tokens=variable_tokens, **how))
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textual.css.stylesheet.parse", once)
        yield


@pytest.fixture(autouse=True)
def no_cursor_blink(monkeypatch: pytest.MonkeyPatch) -> None:
    """A blinking cursor makes a picture differ from itself."""
    monkeypatch.setattr(Input, "cursor_blink", False)


@pytest.fixture(autouse=True)
def toasts_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine one would be gone before it is looked at."""
    monkeypatch.setattr(Notification, "time_left", 600.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def empty_hive(tmp_path: Path, clock: FakeClock) -> Iterator[Hive]:
    """A hive with nobody in it, no tmux and a clock that stands."""
    hive = new_hive(tmp_path / "home", clock)
    yield hive
    hive.close()


@pytest.fixture
def demo_app(empty_hive: Hive, clock: FakeClock) -> Callable[[], HiveApp]:
    """Makes a dashboard over the invented agents."""
    return lambda: new_app(empty_hive, clock)
