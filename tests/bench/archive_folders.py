"""Checkpoints of a whole folder beside tar, zstd and restic: `python -m tests.bench.archive_folders [--scale 1]`.

All in one run, in turn, each in processes of its own. Ours includes the start of Python; it hashes every
member, frame and the whole file, waits for the disk and reads back what it wrote. `tar | zstd` does none
of that, so there is a second row in which it hashes its output and waits for the disk.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench import archive_tree
from tests.bench.archive_peers import Peers, Ran, run
from tests.bench.figures import Goal, Row, Section, table
from tests.bench.plan import Plan

DROP_CACHES = Path("/proc/sys/vm/drop_caches")


def measure(plan: Plan, scale: float = 0.1) -> Section:
    """Make the folder, and go through all of it `plan.runs` times."""
    rounds = _Rounds(plan.folder, scale)
    rounds.turn()  # warms up
    rounds.found.clear()
    for _ in range(plan.runs):
        rounds.turn()
    return Section(f"Checkpoint of {rounds.tree.files:,} files", "tar | zstd -T0 -3, or as named", list(rounds.rows()))


class _Rounds:
    def __init__(self, folder: Path, scale: float) -> None:
        self.folder = folder
        self.tree = archive_tree.make(folder / "tree", scale)
        self.peers = Peers(folder, self.tree.root)
        self.found: dict[str, list[Ran]] = {}
        self.sizes: dict[str, list[float]] = {}
        self.number = 0

    def turn(self) -> None:
        """One round of everything; changes a hundredth of the files in the middle."""
        self.number += 1
        first, second, third = (self.folder / f"{self.number}-{part}.tar.zst" for part in "abc")
        self.note("tar", self.peers.tar())
        self.note("hashed", self.peers.tar_hashed())
        self.note("full", self.create(first))
        self.note("restic", self.peers.restic())
        self.note("nothing", self.create(third, first))
        archive_tree.change(self.tree.root, seed=self.number)
        self.note("changed", self.create(second, first))
        self.note("restic changed", self.peers.restic())
        self.note("tar changed", self.peers.tar_hashed())
        self.note("zstd -t", self.peers.zstd_test(second))
        for depth in ("fast", "deep"):
            self.note(depth, self.ours(depth, str(second)))
        self.restore(second)
        self.sizes.setdefault("ours", []).append(second.stat().st_size / 1e6)
        self.sizes.setdefault("single", []).append(self.peers.single_frame_bytes() / 1e6)
        if DROP_CACHES.exists() and self.cold():
            self.note("tar cold", self.peers.tar())
            self.cold()
            third.unlink()
            self.note("full cold", self.create(third))
        for path in (first, second, third):
            path.unlink()

    def restore(self, path: Path) -> None:
        """Ours and GNU tar's, each into a new folder."""
        for name, restored in (("ours", self.folder / "out ours"), ("tar", self.folder / "out tar")):
            if name == "ours":
                self.note("restore", self.ours("restore", str(path), str(restored)))
            else:
                self.note("untar", self.peers.untar(self.folder / "tar.zst", restored))
            shutil.rmtree(restored)

    def create(self, path: Path, previous: Path | None = None) -> Ran:
        """One of our checkpoints."""
        ran = self.ours("create", str(self.tree.root), str(path), *([str(previous)] if previous else []))
        if previous is not None:
            self.sizes.setdefault(f"new {path.stem}"[:4] + path.stem[-5], []).append(int(ran.said.split()[1]) / 1e6)
        return ran

    def ours(self, *arguments: str) -> Ran:
        """In a process of its own."""
        return run([sys.executable, "-m", "tests.bench.archive_ours", *arguments])

    def cold(self) -> bool:
        """Empty the system's file cache; whether that worked."""
        try:
            run(["sync"])
            DROP_CACHES.write_text("3")
        except OSError:
            return False
        return True

    def note(self, name: str, ran: Ran | None) -> None:
        """Keep it."""
        if ran is not None:
            self.found.setdefault(name, []).append(ran)

    def rows(self) -> list[Row]:
        """The table."""
        compared = [
            ("full", "full", "tar", Goal("ratio", 1.3)),
            ("full, against tar, hash and sync", "full", "hashed", Goal("ratio", 1.3)),
            ("full, cold", "full cold", "tar cold", Goal("ratio", 1.3)),
            ("full, against restic's newest", "full", "restic", None),
            ("1 % changed", "changed", "tar", Goal("ratio", 0.5)),
            ("1 % changed, against hash and sync", "changed", "tar changed", Goal("ratio", 0.5)),
            ("1 % changed, against restic", "changed", "restic changed", Goal("ratio", 1.3)),
            ("nothing changed", "nothing", "tar", Goal("ratio", 0.35)),
            ("nothing changed, hash and sync", "nothing", "hashed", Goal("ratio", 0.35)),
            ("verify, zstd -t and sha256sum", "fast", "zstd -t", Goal("ratio", 0.25)),
            ("verify deep, same", "deep", "zstd -t", Goal("ratio", 0.8)),
            ("restore, GNU tar", "restore", "untar", Goal("ratio", 1.2)),
        ]
        rows = [
            Row(name, "s", self.seconds(ours), self.seconds(beside), goal)
            for name, ours, beside, goal in compared
            if ours in self.found and beside in self.found
        ]
        rows.append(Row("size, single frame", "MB", self.sizes["ours"], self.sizes["single"], Goal("ratio", 1.05)))
        cpu = [(name, [ran.cpu_s for ran in self.found[name]]) for name in ("full", "changed", "nothing")]
        tar_cpu = [ran.cpu_s for ran in self.found["tar"]]
        rows += [Row(f"processor time, {name}", "s", values, tar_cpu) for name, values in cpu]
        rows += [Row(f"{name} bytes", "MB", values) for name, values in self.sizes.items() if name.startswith("new")]
        peak = [ran.peak_mb for name in ("full", "changed") for ran in self.found[name]]
        return [*rows, Row("peak memory", "MB", peak, (), Goal("ours", 256))]

    def seconds(self, name: str) -> list[float]:
        """Of all rounds."""
        return [ran.seconds for ran in self.found.get(name, [])]


def main() -> None:
    """Measure a folder of the size asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.archive_folders")
    parser.add_argument("--scale", type=float, default=1.0, help="share of 31,000 files and 1.1 GB (default 1)")
    parser.add_argument("--runs", type=int, default=2, help="rounds after one that warms up (default 2)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hive-bench-") as folder:
        section = measure(Plan(Path(folder), options.runs, 0), options.scale)
    print(table([section]))


if __name__ == "__main__":
    main()
