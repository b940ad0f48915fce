"""A process that does one effect through the log, and kills itself at a given point.

Usage: python -m tests.services.effect_worker HOME KIND KEY RECEIVER FATAL

FATAL is `sqlN` for "before the N-th statement on the database", `act0` to `act2` for a point within the act, or `-`.
KIND is `command`, `git` or `file`. It says `done` or `replayed`, or the name of the error.
With no arguments it reads them from standard input, a line of JSON each, and does each in a fork of its own, which
needs no time to import; then it says what that one has said, or `killed`.
"""

import json
import os
import signal
import sys
from itertools import count
from pathlib import Path

from hive_tui.adapters.effects import probes
from hive_tui.domain.effects import EffectKind, EffectState, Ending, NewEffect
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor
from hive_tui.hive import Hive
from hive_tui.services.effect_commands import Wanted
from hive_tui.services.effects import Attempt
from hive_tui.settings import Settings

ME = Actor.person("test")
COMMIT = "git -c user.name=t -c user.email=t@t commit -q --allow-empty -m x --trailer Hive-Effect:$HIVE_EFFECT_KEY"


def die_at(point: str, fatal: str) -> None:
    if point == fatal:
        os.kill(os.getpid(), signal.SIGKILL)


def main(home: Path, kind: str, key: str, receiver: Path, fatal: str) -> None:
    hive = Hive(home, Settings(), "hive-test-no-such-server")
    statements = count(1)
    hive.database._thawed_writer().set_trace_callback(lambda _: die_at(f"sql{next(statements)}", fatal))
    try:
        outcome = (
            in_process(hive, key, receiver, fatal) if kind == "file" else command(hive, kind, key, receiver, fatal)
        )
        print("replayed" if outcome else "done", flush=True)
    except HiveError as error:
        print(type(error).__name__, flush=True)
    hive.close()


def command(hive: Hive, kind: str, key: str, receiver: Path, fatal: str) -> bool:
    """A command that kills us, its parent, before, in or after what it does; it goes on by itself."""
    kills = [f"kill -9 {os.getpid()};" if fatal == f"act{at}" else "" for at in range(2)]
    if kind == "git":
        does, probe = COMMIT, probes.git_probe(receiver)
    else:
        does, probe = (
            f'printf "%s\\n" "$HIVE_EFFECT_KEY" >> {receiver}',
            probes.command_probe(f'grep -qxF "$HIVE_EFFECT_KEY" {receiver}; test $? -eq 0'),
        )
    # The number of our process is no part of what the key stands for.
    script = hive.home / f"{key}.sh"
    written = script.with_suffix(f".{os.getpid()}")
    written.write_text(f"{kills[0]} {does}; {kills[1]} true\n")
    written.replace(script)  # in one step: the shell of another process may be reading it
    folder = receiver if kind == "git" else receiver.parent
    os.chdir(folder)
    wanted = Wanted(key, ["/bin/sh", str(script)], folder, probe=probe, wait_s=20)
    return hive.effecting.commands.run(wanted, (None, None), ME).is_replay


def in_process(hive: Hive, key: str, receiver: Path, fatal: str) -> bool:
    """One line more in a file, whose hash then says so; without a probe where the key says so."""
    line = f"{key}\n".encode()
    from hashlib import sha256

    before = receiver.read_bytes() if receiver.exists() else b""
    wanted = sha256(before + line).hexdigest()
    probe = {} if key.startswith("blind") else probes.file_probe(receiver, wanted)

    def act(attempt: Attempt) -> Ending:
        die_at("act0", fatal)
        attempt.begins()
        die_at("act1", fatal)
        with receiver.open("ab") as file:
            file.write(line)
        die_at("act2", fatal)
        return Ending(EffectState.DONE)

    new = NewEffect(key, EffectKind.MESSAGE, str(receiver), {"line": key}, "append a line", probe=probe)
    return hive.effecting.log.run(new, act, ME, wait_s=20).is_replay


def begin(home: str, kind: str, key: str, receiver: str, fatal: str) -> None:
    main(Path(home), kind, key, Path(receiver), fatal)


def serve() -> None:
    """One fork for each line."""
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.dup2(writing, 1)
            begin(*json.loads(line))
            os._exit(0)
        os.close(writing)
        _, status = os.waitpid(pid, 0)
        # Not to the end of the pipe: a command that outlives us holds it open, too.
        os.set_blocking(reading, False)
        try:
            said = os.read(reading, 1000).decode().strip()
        except BlockingIOError:
            said = ""
        os.close(reading)
        print("killed" if os.WIFSIGNALED(status) else said or f"exit {status}", flush=True)


if __name__ == "__main__":
    begin(*sys.argv[1:]) if sys.argv[1:] else serve()
