"""Keeps what only whoever mends hive-tui wants to see."""

import os
import tempfile
from contextlib import suppress


def keep_details(text: str) -> str:
    """Write the traceback of a mistake of our own to a file that only its person can read.

    Returns:
        A sentence that says where it is.
    """
    with suppress(OSError):
        descriptor, path = tempfile.mkstemp(prefix="hive-tui-error-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return f"Details are in {path}; please report it."
    return "Please report it; there was no place to write down the details."
