"""Finds out whether an effect that was cut off has happened."""

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from typing import Any

from hive_tui.adapters.git.command import Git
from hive_tui.domain.effects import KEY_VARIABLE, TRAILER, Effect, Verdict
from hive_tui.domain.errors import HiveError
from hive_tui.domain.ports import Processes

COMMAND_TIMEOUT_S = 30.0
GIT_TIMEOUT_S = 30.0
NOWHERE = Path("/nonexistent")
ABSENT = "absent"


def git_probe(repository: Path) -> dict[str, Any]:
    """Looks for a commit with the trailer `Hive-Effect: KEY` in all branches, tags and reflogs."""
    return {"type": "git", "repository": str(repository.absolute())}


def file_probe(path: Path, sha256: str) -> dict[str, Any]:
    """Looks for a file with that hash; the hash of what is there now tells "not yet" from "something else"."""
    path = path.absolute()
    return {"type": "file", "path": str(path), "sha256": sha256.lower(), "before": hash_of(path)}


def command_probe(command: str) -> dict[str, Any]:
    """Asks a shell command: exit code 0 for "has happened", 1 for "has not", anything else for "cannot tell"."""
    return {"type": "command", "command": command, "cwd": str(Path.cwd())}


def look_into_git(effect: Effect) -> Verdict:
    """`git_probe`; nobody knows where the repository cannot be read."""
    repository = Path(str(effect.probe["repository"]))
    git = Git(NOWHERE, repository, GIT_TIMEOUT_S)
    pattern = f"--grep={TRAILER}: {effect.key}"
    wanted = f"--format=%(trailers:key={TRAILER},valueonly,unfold)"
    try:
        said = git.run("log", "--all", "--reflog", "--fixed-strings", pattern, wanted)
    except HiveError:
        return Verdict.NOBODY_KNOWS
    values = {line.strip() for line in said.decode(errors="replace").splitlines()}
    return Verdict.HAPPENED if effect.key in values else Verdict.DID_NOT


def look_at_file(effect: Effect) -> Verdict:
    """`file_probe`; nobody knows where it is neither what was wanted nor what was there before."""
    found = hash_of(Path(str(effect.probe["path"])))
    if found == effect.probe["sha256"]:
        return Verdict.HAPPENED
    return Verdict.DID_NOT if found is not None and found == effect.probe.get("before") else Verdict.NOBODY_KNOWS


def ask_command(effect: Effect, processes: Processes) -> Verdict:
    """`command_probe`; nobody knows where it cannot be run, hangs or dies."""
    words = ["/bin/sh", "-c", str(effect.probe["command"])]
    try:
        asked = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=str(effect.probe["cwd"]),
            env=os.environ | {KEY_VARIABLE: effect.key},
        )
    except OSError:
        return Verdict.NOBODY_KNOWS
    try:
        code = asked.wait(COMMAND_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        code = -1
    finally:
        if asked.poll() is None:
            for one in processes.table().tree(asked.pid):
                processes.signal(one.id, 9)
            asked.wait()
    return {0: Verdict.HAPPENED, 1: Verdict.DID_NOT}.get(code, Verdict.NOBODY_KNOWS)


def hash_of(path: Path) -> str | None:
    """SHA-256 of a file; `absent` if there is none, None if it cannot be read."""
    with suppress(OSError):
        if not path.exists():
            return ABSENT
        if path.is_file():
            with path.open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
    return None


def describe(probe: Mapping[str, Any]) -> str:
    """A probe in words."""
    kind = str(probe.get("type", ""))
    return {
        "git": f"a commit with its trailer in {probe.get('repository')}",
        "file": f"the hash of {probe.get('path')}",
        "command": f"`{probe.get('command')}`",
        "message": "what its pane and its conversation show",
    }.get(kind, "a person")
