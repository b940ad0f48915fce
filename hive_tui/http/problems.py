"""What went wrong, as RFC 9457 has it: application/problem+json, with the sentence and the hint of our errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from hive_tui.domain.errors import (
    ConfigError,
    DiskFull,
    HiveError,
    NotFound,
    StoreError,
    StoreFull,
    StreamsError,
    TmuxError,
)
from hive_tui.http.messages import PROBLEM, Reply
from hive_tui.services.shapes import as_text

STATUSES: tuple[tuple[type[HiveError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (StoreFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (DiskFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (TmuxError, HTTPStatus.SERVICE_UNAVAILABLE),
    (StreamsError, HTTPStatus.SERVICE_UNAVAILABLE),
    (ConfigError, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""The first that fits; any other error says that it cannot be done as things are now."""


class Problem(HiveError):
    """A request that is answered with an error.

    Args:
        status: The HTTP status.
        what: What failed.
        hint: One thing that whoever asked can do.
        code: For programs, like `wrong-token`; else the words of the status.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        what: str,
        *,
        hint: str = "",
        code: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(what, hint=hint)
        self.status = status
        self.code = code or status.phrase.lower().replace(" ", "-").replace("'", "")
        self.headers = headers


def problem_of(error: HiveError) -> Problem:
    """The answer to an error of any part of the hive."""
    if isinstance(error, Problem):
        return error
    status = next((one for kind, one in STATUSES if isinstance(error, kind)), HTTPStatus.CONFLICT)
    name = NotFound.__name__ if isinstance(error, NotFound) else type(error).__name__
    code = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
    return Problem(status, error.what, hint=error.hint, code=code)


def problem_reply(problem: Problem) -> Reply:
    """Its document."""
    shape = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": int(problem.status),
        "detail": problem.what,
        "hint": problem.hint,
        "code": problem.code,
    }
    return Reply(problem.status, as_text(shape).encode("utf-8", "backslashreplace"), PROBLEM, problem.headers)


def bad_request(what: str, hint: str = "") -> Problem:
    """The request is none that could be answered."""
    return Problem(HTTPStatus.BAD_REQUEST, what, hint=hint)
