"""The index over a million lines of conversation: how soon it answers, and whether what was said once is found."""

from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from time import perf_counter, process_time

from hive_tui.adapters.embeddings import Embedded
from hive_tui.condense.chunks import Chunk
from hive_tui.services.context_search import ContextSearch, Found
from hive_tui.services.hybrid import HybridSearch
from hive_tui.services.meaning import Meaning
from hive_tui.settings.vectors import VectorSettings
from hive_tui.store.context_index import ContextIndex
from hive_tui.store.vectors import Vectors, hash_of
from tests.bench.figures import Goal, Row, Section, percentile
from tests.bench.plan import Plan

LINES, CONVERSATIONS, EVERY = 1_000_000, 40, 2_000
BATCH = 5_000
AGENTS, PIECES, DIMENSIONS = 10, 3_000, 384
LETTERS = "abcdefghijklmnoprstuvwz"
WORDS = (
    "error parse token build cache retry queue index shard worker file line test value path branch commit merge return"
    " import class def async await client server route handler module config session checkpoint restore pane"
).split()
FIRST_AT_ONCE = Goal("ours", 50.0)


def measure(plan: Plan) -> Section:
    """Each round asks for every planted identifier once, and for pairs of frequent words."""
    random = Random(5)
    index = ContextIndex(plan.folder / "context.db")
    planted = _fill(index, random)
    searching = ContextSearch(index)
    pairs = [" ".join(random.sample(WORDS, 2)) for _ in range(len(planted))]
    found, rows = 0, []
    for name, questions in (("an identifier that was said once", planted), ("two frequent words", pairs)):
        wall: list[float] = []
        cpu: list[float] = []
        late: list[float] = []
        for _ in range(plan.runs):
            told = [_ask(lambda text: searching.search(text, limit=5), question) for question in questions]
            found += sum(hit for _, _, hit in told) if questions is planted else 0
            wall.append(percentile([one for one, _, _ in told], 0.5))
            late.append(percentile([one for one, _, _ in told], 0.95))
            cpu.append(percentile([one for _, one, _ in told], 0.95))
        rows.append(Row(f"{name}: median", "ms", wall, goal=FIRST_AT_ONCE))
        rows.append(Row(f"{name}: slowest of 20", "ms", late, goal=FIRST_AT_ONCE))
        rows.append(Row(f"{name}: slowest of 20, CPU", "ms", cpu, goal=FIRST_AT_ONCE))
    rows += _by_meaning(plan, index, searching, planted, random)
    recall = found / (len(planted) * plan.runs)
    rows.append(Row("identifiers among the first five", "share", [recall], goal=Goal("ours", 0.99, is_least=True)))
    notes = [
        f"{LINES:,} lines of {CONVERSATIONS} conversations; {len(planted)} identifiers stand in one of them each",
        f"by words and meaning: {AGENTS * PIECES:,} vectors of {DIMENSIONS} numbers, without the time of the endpoint",
    ]
    return Section("Search over a million lines", "nothing", rows, notes)


class _AtOnce:
    """An endpoint that takes no time: what a model needs is not ours."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def embed(self, texts: Sequence[str], *, timeout_s: float | None = None) -> Embedded:
        return Embedded(tuple(_vector(self._random) for _ in texts), DIMENSIONS, 0)


def _by_meaning(
    plan: Plan, index: ContextIndex, searching: ContextSearch, planted: Sequence[str], random: Random
) -> list[Row]:
    """The same questions, answered by words and by as many vectors as ten agents have."""
    vectors = Vectors(plan.folder / "vectors.db")
    vectors.begin("m", DIMENSIONS)
    for number in range(AGENTS):
        texts = {hash_of(text): at for at, text in index.newest(f"a{number}", PIECES, only_talk=False)}
        vectors.place(f"a{number}", texts, index.identity())
        vectors.put(f"a{number}", [(hashed, at, _vector(random)) for hashed, at in texts.items()])
    wanted = VectorSettings("http://127.0.0.1:9", "m")
    meaning = Meaning(index, vectors, wanted, lambda: _AtOnce(random))  # type: ignore[arg-type,return-value]
    hybrid = HybridSearch(searching, index, meaning)
    assert any(one.by != "words" for one in hybrid.search(planted[0]).found)
    told = [_ask(lambda text: hybrid.search(text, limit=5).found, question) for question in planted]
    name = "the same by words and meaning"
    recall = sum(hit for _, _, hit in told) / len(told)
    return [
        Row(f"{name}: median", "ms", [percentile([one for one, _, _ in told], 0.5)], goal=FIRST_AT_ONCE),
        Row(f"{name}: median, CPU", "ms", [percentile([one for _, one, _ in told], 0.5)], goal=FIRST_AT_ONCE),
        Row(f"{name}: among the first five", "share", [recall], goal=Goal("ours", 0.99, is_least=True)),
    ]


def _vector(random: Random) -> bytes:
    return array("f", array("b", random.randbytes(DIMENSIONS))).tobytes()


def _ask(search: Callable[[str], Sequence[Found]], question: str) -> tuple[float, float, bool]:
    """Milliseconds on the wall and of CPU, and whether it is among the first five."""
    begun, begun_cpu = perf_counter(), process_time()
    hits = search(question)
    took, cpu = perf_counter() - begun, process_time() - begun_cpu
    return took * 1e3, cpu * 1e3, any(question.lower() in one.hit.text.lower() for one in hits)


def _fill(index: ContextIndex, random: Random) -> list[str]:
    """The index, and the identifiers that stand in one line each."""
    frequent = [_identifier(random) for _ in range(3_000)]
    planted: list[str] = []
    each = LINES // CONVERSATIONS
    for number in range(CONVERSATIONS):
        source = index.begin(f"a{number % 10}", f"s{number}", "archive", Path(), str(number))
        for first in range(0, each, BATCH):
            pieces = []
            for line in range(first, first + BATCH):
                text = f"{' '.join(random.choices(WORDS, k=7))} {random.choice(frequent)} = {line}"
                if line % EVERY == 7:
                    planted.append(_identifier(random))
                    text += f" and {planted[-1]} too"
                pieces.append(Chunk(line + 1, 0, "result", None, text))
            index.add(source, pieces, size_bytes=first + BATCH, lines=first + BATCH)
            source = index.source(f"a{number % 10}", f"s{number}", "archive") or source
    return planted


def _identifier(random: Random) -> str:
    """A path, a name, a hash, a name with a point or a version."""
    first, second = ("".join(random.choices(LETTERS, k=length)) for length in (6, 5))
    shapes = (
        f"src/{first}/{second}_{random.choice(WORDS)}.py",
        f"{first}_{second}_{random.choice(WORDS)}",
        f"{random.getrandbits(40):010x}",
        f"{first.title()}{second.title()}.{random.choice(WORDS)}",
        f"{random.randrange(9)}.{random.randrange(30)}.{random.randrange(99)}-rc{random.randrange(9)}{first[:2]}",
    )
    return random.choice(shapes)
