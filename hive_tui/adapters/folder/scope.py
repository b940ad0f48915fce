"""Which folders are a piece of work, and where they end."""

import os
import re
from pathlib import Path

NAMES = "bin boot dev etc lib lib64 media mnt opt proc root run sbin srv sys tmp usr var".split()
SYSTEM = frozenset(Path("/", name) for name in NAMES)
"""Folders of the system that are nobody's work as a whole; what lies in them may well be."""


def is_too_wide(root: Path) -> bool:
    """Whether a folder holds far more than one piece of work: the home, what is around it, a folder of the system."""
    home = Path(os.environ.get("HOME") or "/nowhere")
    homes = {home, home.resolve()}
    return root in SYSTEM or any(each == root or root in each.parents for each in homes)


def mount_points(root: Path) -> frozenset[str]:
    """Where other file systems begin below a folder, bind mounts too; empty where the system does not tell."""
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return frozenset()
    found = (os.fsdecode(_unescaped(line.split(b" ")[4])) for line in lines if line.count(b" ") > 4)
    return frozenset(point for point in found if Path(point).is_relative_to(root) and point != str(root))


def _unescaped(point: bytes) -> bytes:
    r"""A path of the mount table, in which a space is `\040`."""
    return re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), point)
