"""The commands that stand beside our checkpoints. Those that are not installed are left out."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

TAR = "tar -C {tree} -cf - . | zstd -q -T0 -3"


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a process and its children."""

    seconds: float
    cpu_s: float
    peak_mb: float
    """The largest resident set of a single process."""
    said: str = ""


def run(command: str | list[str], environment: Mapping[str, str] = os.environ) -> Ran:
    """Run a shell line or a program, which must succeed."""
    argv = ["bash", "-e", "-o", "pipefail", "-c", command] if isinstance(command, str) else command
    began = perf_counter()
    process = subprocess.Popen(argv, env=dict(environment), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took_s = perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv)
    return Ran(took_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


@dataclass(frozen=True, slots=True)
class Peers:
    """Writes beside us, in the same folder."""

    folder: Path
    tree: Path

    def tar(self) -> Ran:
        """`tar | zstd -T0 -3`: no hash, no wait for the disk."""
        return run(f"{self._tar()} > {self._out('tar.zst')}")

    def tar_hashed(self) -> Ran:
        """The same with `sha256sum` in the same pass and `sync` at the end."""
        out = self._out("tar.zst")
        return run(f"{self._tar()} | tee >(sha256sum > {out}.sha256) > {out}; sync {out}")

    def zstd_test(self, path: Path) -> Ran:
        """`zstd -t` and `sha256sum`."""
        quoted = shlex.quote(str(path))
        return run(f"zstd -tq {quoted} && sha256sum {quoted}")

    def untar(self, path: Path, into: Path) -> Ran:
        """GNU tar, from an archive of its own."""
        into.mkdir()
        return run(f"tar --zstd -xf {shlex.quote(str(path))} -C {shlex.quote(str(into))}")

    def single_frame_bytes(self) -> int:
        """Size of one zstd frame of level 3."""
        return int(run(f"{TAR.format(tree=shlex.quote(str(self.tree))).replace('-T0 ', '')} | wc -c").said)

    def restic(self) -> Ran | None:
        """One more snapshot in its repository."""
        if shutil.which("restic") is None:
            return None
        environment = os.environ | {
            "RESTIC_PASSWORD": "x",
            "RESTIC_CACHE_DIR": str(self.folder / "restic-cache"),
            "RESTIC_REPOSITORY": str(self.folder / "restic"),
        }
        if not (self.folder / "restic").exists():
            run(["restic", "-q", "init"], environment)
        return run(["restic", "-q", "backup", str(self.tree)], environment)

    def _tar(self) -> str:
        return TAR.format(tree=shlex.quote(str(self.tree)))

    def _out(self, name: str) -> str:
        return shlex.quote(str(self.folder / name))
