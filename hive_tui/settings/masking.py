"""Settings without the secrets that may be in them: what is shown may be pasted into a bug report."""

import re
from collections.abc import Mapping
from typing import Any

from hive_tui.domain.redaction import Redactor

HIDDEN = "***"
WHOLLY_SECRET = frozenset({("alerts", "ntfy"), ("alerts", "webhook")})
"""Addresses whose path is the secret: whoever knows it can read or write there."""
_NAMED = re.compile(r"://[^/@\s]*@")
_PATH = re.compile(r"(://[^/?#\s]+)[/?#]\S+")


def masked(address: tuple[str, ...], value: Any) -> Any:
    """The value of a setting; of a table, all of it."""
    if isinstance(value, Mapping):
        return {name: masked((*address, name), one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(masked(address, one) for one in value)
    if not isinstance(value, str):
        return value
    text = _NAMED.sub(f"://{HIDDEN}@", value)
    if (address[0], address[-1]) in WHOLLY_SECRET:
        text = _PATH.sub(rf"\1/{HIDDEN}", text)
    return Redactor().redact(text)


def is_secret(address: tuple[str, ...], value: Any) -> bool:
    """Whether something in it is not shown."""
    return bool(masked(address, value) != value)
