"""Takes secrets out of whole structures: by what text shows, by the names under which it stands, and known ones."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from hive_tui.domain.redaction import REDACTED, SHORTEST_ANYWHERE, Redactor

NAMED = re.compile(
    r"^(?!.*_(?:for|env)$).*(?:passw|passphrase|secret|token(?!s)|credential|cookie|authori[sz]ation|(?:^|[_.-])(?:auth|identity|(?<!wake_)key)$|api_?key"
    r"|private|prelude|webhook|ntfy)",
    re.IGNORECASE,
)
"""Under such a name nothing is shown, whatever it looks like; but for lists of classes, and names of variables."""
LONGEST = 100_000


class Blotter:
    """First `learn` everything, then `clean` it: a secret that one place gives away is taken out everywhere.

    Args:
        known: Secrets that are known already, such as those of the environment.
        home: The user's own folder, which is shown as `~`.
    """

    def __init__(self, known: Iterable[str], home: str) -> None:
        self._known = {one for one in known if len(one) >= SHORTEST_ANYWHERE}
        self._home = home.rstrip("/")
        self._redactor = Redactor()

    def learn(self, value: Any, name: str = "") -> None:
        """Remember the secrets in a structure of JSON."""
        if isinstance(value, Mapping):
            for key, one in value.items():
                self.learn(one, str(key))
        elif isinstance(value, list | tuple):
            for one in value:
                self.learn(one, name)
        elif isinstance(value, str):
            self._redactor.note(value[:LONGEST])
            if NAMED.search(name) and len(value) >= SHORTEST_ANYWHERE and "{" not in value:
                self._known.add(value)
            self._known |= {one for one in of_address(value) if len(one) >= SHORTEST_ANYWHERE}

    def clean(self, value: Any, name: str = "") -> Any:
        """The structure without them."""
        if isinstance(value, Mapping):
            return {self._text(str(key)): self.clean(one, str(key)) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(one, name) for one in value]
        if isinstance(value, str):
            return REDACTED if value and NAMED.search(name) else self._text(value)
        return value

    def shows(self, text: str) -> bool:
        """Whether a secret that is known can be read in a text, also as JSON writes it."""
        return any(one in text or json.dumps(one)[1:-1] in text for one in self._known)

    def _text(self, text: str) -> str:
        for one in sorted(self._known, key=len, reverse=True):
            text = text.replace(one, REDACTED)
        text = self._redactor.redact(text[:LONGEST])
        return text.replace(self._home, "~") if len(self._home) > 1 else text


def of_environment(environ: Mapping[str, str]) -> set[str]:
    """What the environment holds under a suspicious name, or in an address."""
    found = {value for name, value in environ.items() if NAMED.search(name)}
    return found | {one for value in environ.values() for one in of_address(value)}


def of_address(text: str) -> set[str]:
    """The password in an address, as it stands there and as it is meant."""
    if "://" not in text or "@" not in text:
        return set()
    try:
        password = urlsplit(text.strip()).password
    except ValueError:
        return set()
    return {password, unquote(password)} if password else set()
