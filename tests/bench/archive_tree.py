"""A folder like one developer's: packages, downloads, transcripts. The same on every machine."""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

FULL_FILES = 31_000
FULL_BYTES = 1_100_000_000
SYLLABLES = "an bel cor dis en fil gra hol in jun kel lim mor nex or pre qua res sol tra un ver wil xen yar zon".split()


@dataclass(frozen=True, slots=True)
class Tree:
    """What was made."""

    root: Path
    files: int
    size_bytes: int


def make(root: Path, scale: float = 1.0, seed: int = 11) -> Tree:
    """Fill a new folder.

    Args:
        root: Must not exist.
        scale: Share of 31,000 files and 1.1 GB.
        seed: Another one gives other content of the same kind.
    """
    random = Random(seed)
    packages(root / "workspace/site-packages", random, round(26_500 * scale), round(330_000_000 * scale))
    binaries(root / "workspace/lib", random, round(2_000 * scale), round(270_000_000 * scale))
    noise(root / "workspace/wheels", random, round(14 * scale) or 1, round(208_000_000 * scale))
    packages(root / "workspace/repo", random, round(2_400 * scale), round(50_000_000 * scale))
    transcripts(root / "sessions", random, round(80 * scale) or 1, round(210_000_000 * scale))
    database(root / "hive.sqlite", random, round(60_000 * scale))
    files = [path for path in root.rglob("*") if path.is_file()]
    return Tree(root, len(files), sum(path.stat().st_size for path in files))


def change(tree: Path, share: float = 0.01, seed: int = 1) -> int:
    """Insert a line into this share of the files, go on with 3 transcripts and the database; how many files changed."""
    random = Random(seed)
    files = sorted(path for path in (tree / "workspace").rglob("*") if path.suffix in (".py", ".so"))
    chosen = random.sample(files, round(len(files) * share))
    for path in chosen:
        content = path.read_bytes()
        at = random.randrange(len(content) + 1)
        path.write_bytes(content[:at] + b"# changed %d\n" % seed + content[at:])
    grown = random.sample(sorted((tree / "sessions").iterdir()), min(3, len(list((tree / "sessions").iterdir()))))
    for path in grown:
        with path.open("ab") as file:
            file.write(b'{"type": "user", "pad": "%s"}\n' % random.randbytes(20_000).hex().encode())
    with sqlite3.connect(tree / "hive.sqlite") as connection:
        connection.executemany("insert into events (body) values (?)", [("x" * random.randrange(400),)] * 500)
    connection.close()
    return len(chosen) + len(grown) + 1


def packages(root: Path, random: Random, files: int, size_bytes: int) -> None:
    """Many small files of text; most are far smaller than the mean, as sources are."""
    sizes = [random.lognormvariate(0, 1.3) for _ in range(files)]
    factor = size_bytes / sum(sizes)
    text = phrases(random)
    for number, size in enumerate(sizes):
        if number % 300 == 0:
            text = phrases(random)  # another package has other words
        folder = root / f"package{number // 300:03}/part{number // 25 % 12:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"module_{number:05}.py").write_bytes(text(round(size * factor)))


def binaries(root: Path, random: Random, files: int, size_bytes: int) -> None:
    """A quarter of each cannot be compressed."""
    root.mkdir(parents=True)
    text = phrases(random)
    sizes = [random.lognormvariate(0, 1.6) for _ in range(files)]
    for number, size in enumerate(sizes):
        half = round(size * size_bytes / sum(sizes) / 2)
        pieces = [text(6144) + random.randbytes(2048) for _ in range(half // 4096 + 1)]
        (root / f"lib{number:04}.so").write_bytes(b"".join(pieces)[: 2 * half])


def noise(root: Path, random: Random, files: int, size_bytes: int) -> None:
    """What is compressed already."""
    root.mkdir(parents=True)
    for number in range(files):
        with (root / f"wheel{number:02}.whl").open("wb") as file:
            for _ in range(size_bytes // files // 1_000_000 + 1):
                file.write(random.randbytes(1_000_000))


def transcripts(root: Path, random: Random, files: int, size_bytes: int) -> None:
    """Lines of JSON; some are many times longer than others."""
    root.mkdir(parents=True)
    text = phrases(random)
    shares = [random.choice([0.2, 0.5, 1, 1, 2.3]) for _ in range(files)]
    for number, share in enumerate(shares):
        left = round(size_bytes * share / sum(shares))
        with (root / f"{number:03}.jsonl").open("wb") as file:
            while left > 0:
                said = text(random.randrange(80, 3500)).replace(b"\n", b"\\n").replace(b'"', b"'")
                line = b'{"uuid": "%032x", "type": "assistant", "text": "%s"}\n' % (random.getrandbits(128), said)
                left -= file.write(line)


def database(path: Path, random: Random, rows: int) -> None:
    """Events as rows."""
    text = phrases(random)
    with sqlite3.connect(path) as connection:
        connection.execute("create table events (id integer primary key, body text)")
        bodies = ((text(random.randrange(900)).decode(),) for _ in range(rows))
        connection.executemany("insert into events (body) values (?)", bodies)
    connection.close()


def phrases(random: Random) -> Callable[[int], bytes]:
    """Gives text of any length in the words of one package: a third of it is left by zstd."""
    words = ["".join(random.choices(SYLLABLES, k=random.randint(1, 4))) for _ in range(1500)]
    weights = [1 / (rank + 2) for rank in range(len(words))]
    stock = random.choices(words, weights, k=12_000)
    marks = random.choices([" = ", ".", "(", ", ", "):\n    ", " ", "\n", " in ", '"'], k=len(stock))
    pieces = [(word + mark).encode() for word, mark in zip(stock, marks, strict=True)]

    def text(size: int) -> bytes:
        return b"".join(random.choices(pieces, k=size // 6 + 1))[:size].ljust(size, b"\n")

    return text


def copy(tree: Path, to: Path) -> Path:
    """The same files with the same times elsewhere."""
    return Path(shutil.copytree(tree, to, symlinks=True))
