"""A message as it is shown, the ways that can show it, and how they fail."""

import unicodedata
from dataclasses import dataclass
from html import escape
from typing import Protocol

from hive_tui.domain.errors import HiveError

TITLE_CHARACTERS = 120
BODY_CHARACTERS = 1000


class NotDelivered(HiveError):
    """A message did not reach the desktop."""


class Unanswered(NotDelivered):
    """The message was sent and nobody confirmed it: it may still appear, so no other way may repeat it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that is ready to be shown; `notice_of` makes one from any text."""

    app_name: str
    title: str
    body: str
    urgent: bool
    sound: bool = False
    """Whether the desktop may make a noise with it."""

    @property
    def markup_body(self) -> str:
        """The body for a service that reads markup, so that it shows every character as it is."""
        return escape(self.body, quote=False)


class Way(Protocol):
    """One way to the desktop."""

    name: str

    def show(self, notice: Notice) -> str:
        """Show it; returns how it was delivered.

        Raises:
            NotDelivered: This way failed.
        """
        ...

    def probe(self) -> str:
        """What would show a message now; shows nothing.

        Raises:
            NotDelivered: This way would fail.
        """
        ...


def notice_of(title: str, body: str, *, app_name: str, urgent: bool, sound: bool = False) -> Notice:
    """A message of bounded length without control characters; only the body may have several lines."""
    title = bounded(printable(" ".join(title.split())), TITLE_CHARACTERS)
    lines = [printable(line.expandtabs(4)) for line in body.split("\n")]
    return Notice(app_name, title or app_name, bounded("\n".join(lines).strip(), BODY_CHARACTERS), urgent, sound)


def printable(text: str) -> str:
    """The text without control characters and lone surrogates, which terminals and servers stumble over."""
    return "".join(character for character in text if unicodedata.category(character) not in ("Cc", "Cs"))


def bounded(text: str, limit: int) -> str:
    """At most `limit` characters; an ellipsis stands for the rest."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
