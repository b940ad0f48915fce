"""Whether a service is ready, as its own check says; and shell commands that may hang."""

import os
import signal
import subprocess
import tempfile
from contextlib import suppress

from hive_tui.adapters.json_http import HttpFailed, JsonHttp

CHECK_S = 5.0


def is_healthy(health: str) -> bool:
    """Ask a health check: an http(s) address that answers 2xx, or a shell command that ends with 0."""
    if not health.startswith(("http://", "https://")):
        return run(health, timeout_s=CHECK_S)[0] == 0
    scheme, rest = health.split("://", 1)
    host, slash, path = rest.partition("/")
    with suppress(HttpFailed):
        return JsonHttp(f"{scheme}://{host}", timeout_s=CHECK_S).ask("GET", slash + path or "/").is_good
    return False


def run(command: str, *, timeout_s: float) -> tuple[int | None, str]:
    """Run a shell command to its end.

    Returns:
        Its exit code, None if it did not end in time; and the last line of what it said on stderr.
    """
    with tempfile.TemporaryFile() as errors:
        # A file and no pipe: a child that stays in the background would hold a pipe open for ever.
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            code = None
            # The session is the one that was made for it a moment ago.
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        errors.seek(0)
        lines = errors.read(20_000).decode(errors="replace").strip().splitlines()
    return code, lines[-1][:200] if lines else ""
