"""The ledger of a conversation: what matters of it, made from its transcript alone; the same each time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hive_tui.condense.account import account
from hive_tui.condense.calls import command_of
from hive_tui.condense.choosing import choose
from hive_tui.condense.digesting import Digest, digest, texts
from hive_tui.condense.opening import without_handoff
from hive_tui.condense.overruling import mark_overruled
from hive_tui.condense.reading import read
from hive_tui.condense.records import Reading, Record, Says
from hive_tui.condense.sentences import cut, squeezed, without_endless_words
from hive_tui.condense.sharding import Helpers, Shards
from hive_tui.condense.shelf import Entry, Section, Shelf
from hive_tui.condense.talk import Talk
from hive_tui.condense.tokens import count
from hive_tui.condense.work import Work
from hive_tui.condense.writing import Pointers, write
from hive_tui.domain.redaction import Redactor

LAST_WORDS = 900
MARGIN = 0.96
"""Share of the budget that is filled: tokens are estimated, and headings cost some."""
HEADING_TOKENS = 160
LONG_BYTES = 4_000_000
"""A transcript that is shorter is read by one process: it takes a second or two."""
TOLD_EVERY_BYTES = 4_000_000
ALONE = Helpers()


@dataclass(frozen=True, slots=True)
class Budget:
    """How large a ledger may be."""

    share: float = 0.2
    """Of the transcript's tokens."""
    least: int = 2_000
    """Tokens that are always allowed."""
    most: int = 12_000

    def tokens_for(self, raw_tokens: int) -> int:
        """Tokens that the ledger of a transcript of so many may have."""
        return min(max(int(raw_tokens * self.share), self.least), self.most)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What matters of one conversation."""

    text: str
    """Markdown. What it quotes is data, whatever it says."""
    tokens: int
    raw_tokens: int
    """Of what was said, called and given back; not of the file, which holds more."""
    reading: Reading
    secrets: int
    """How many different secrets were taken out."""
    entries: int
    candidates: int
    first_at: datetime | None
    last_at: datetime | None
    cwd: str
    branch: str
    last_words: str
    """The end of what the agent said last."""


class Builder:
    """Takes the records of a transcript, in order, in bounded memory."""

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._talk = Talk(self._shelf)
        self._work = Work(self._shelf)
        self._redactor = Redactor()
        self._places: dict[str, None] = {}
        self.cwd = self.branch = ""
        self.raw_tokens = self.last_line = 0
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None

    def feed(self, record: Record, known: Digest | None = None) -> None:
        """The next record.

        Args:
            record: In the order of the conversation.
            known: Its digest, where somebody has made it.
        """
        known = known or digest(record)
        self.last_line = record.line
        if record.at is not None:
            self.first_at = self.first_at or record.at
            self.last_at = record.at
        if record.says in (Says.USER, Says.AGENT):
            record = replace(record, text=without_endless_words(record.text))
        self.raw_tokens += known.tokens
        self._redactor.remember(known.secrets)
        if record.says is Says.AGENT:
            self._work.said(record.text)
            self._talk.agent(record, known.said)
            return
        {
            Says.PLACE: self._moved,
            Says.USER: self._user,
            Says.CALL: self._work.call,
            Says.RESULT: self._result,
        }[record.says](record)

    def _moved(self, record: Record) -> None:
        self.cwd = self.cwd or str(record.arguments["cwd"])
        branch = str(record.arguments["branch"])
        if branch:
            self.branch = branch
            self._places[branch] = None

    def _user(self, record: Record) -> None:
        self._work.settle()
        said = without_handoff(record.text)
        if said:
            self._talk.user(replace(record, text=said))

    def _result(self, record: Record) -> None:
        call = self._work.call_for(record)
        if call is not None and record.failed and self._talk.refused(record, _what(call)):
            self._work.forget(call)
            return
        if call is not None and call.tool in ("AskUserQuestion", "ExitPlanMode", "request_user_input"):
            self._talk.answered(record)
        self._work.result(record, call)

    def finish(self, reading: Reading, budget: Budget, pointers: Pointers) -> Ledger:
        """The ledger."""
        self._work.settle()
        step = self._talk.next_step
        if step is not None:
            step.section, step.base, step.is_must = Section.OPEN, 3.0, True
        entries = [
            *self._talk.templates.told_apart(self._shelf.entries()),
            *account(self._work, self.cwd, self.last_line),
        ]
        entries += self._closing()
        mark_overruled(entries, pointers)
        for entry in entries:
            self._clean(entry)
        allowed = budget.tokens_for(self.raw_tokens)
        chosen, text = self._fitted(entries, allowed, pointers)
        return Ledger(
            text,
            count(text),
            self.raw_tokens,
            reading,
            self._redactor.count,
            len(chosen),
            len(entries),
            self.first_at,
            self.last_at,
            self.cwd,
            self.branch,
            self._redactor.redact(cut(self._talk.last_agent[1], LAST_WORDS)),
        )

    def _fitted(self, entries: list[Entry], allowed: int, pointers: Pointers) -> tuple[list[Entry], str]:
        """The best entries, and their text, which is never larger than allowed: headings and pointers cost, too."""
        room = int(allowed * MARGIN) - min(HEADING_TOKENS, allowed // 10)
        while True:
            chosen = choose(entries, room)
            text = self._redactor.redact(self._head() + write(chosen, pointers))
            size = count(text)
            if size <= allowed or not chosen:
                return chosen, text
            room = min(room - 1, room * allowed // size)

    def _clean(self, entry: Entry) -> None:
        """Take the secrets out before the cost of the entry is counted."""
        clean = self._redactor.redact(entry.text)
        if clean != entry.text:
            entry.text = clean
            entry.measure()

    def _closing(self) -> list[Entry]:
        line, text = self._talk.last_agent
        return [Entry(Section.LAST, squeezed(cut(text, LAST_WORDS)), line, base=1.5, is_must=True)] if text else []

    def _head(self) -> str:
        branches = list(self._places)[-6:]
        lines = [f"Folder: {self.cwd}"] if self.cwd else []
        lines += [f"Branch: {branches[-1]}"] if branches else []
        lines += [f"Branches before: {', '.join(branches[:-1])}"] if branches[1:] else []
        return "\n".join(lines) + "\n\n" if lines else ""


def condense(
    path: Path,
    budget: Budget | None = None,
    *,
    before: Sequence[Path] = (),
    helpers: Helpers = ALONE,
    on_progress: Callable[[float], None] = lambda done: None,
) -> Ledger:
    """The ledger of a conversation.

    Args:
        path: Its transcript.
        budget: How large the ledger may be.
        before: Transcripts of the conversations that led to it by handoffs, oldest first. What the handoffs told is
            not used: all is made anew from what was said then. `[2#12]` points to line 12 of the second of them.
        helpers: Who may work on it beside this process; the result is the same with any number of them.
        on_progress: Told now and then how much is done: 0 to 1.

    Raises:
        OSError: The transcript cannot be read. An earlier one that cannot is counted as skipped.
    """
    reading = Reading()
    builder = Builder()
    ends: list[int] = []
    for earlier in before:
        try:
            _feed(builder, earlier, reading, sum(ends[-1:]), helpers)
        except OSError:
            reading.skip("an earlier conversation whose transcript is gone")
        ends.append(reading.lines)
    _feed(builder, path, reading, sum(ends[-1:]), helpers, on_progress)
    return builder.finish(reading, budget or Budget(), Pointers(tuple(ends)))


def _what(call: Record) -> str:
    """What a call would have done."""
    return command_of(call) or " ".join(texts(call.arguments))


def _feed(
    builder: Builder,
    path: Path,
    reading: Reading,
    offset: int,
    helpers: Helpers,
    on_progress: Callable[[float], None] = lambda done: None,
) -> None:
    """Read one transcript; its lines are numbered on from those before."""
    own = Reading(skipped=reading.skipped)
    size = path.stat().st_size
    told = 0
    try:
        with Shards(path, helpers if size >= LONG_BYTES else ALONE) as shards:
            for record in read(path, own):
                known = shards.digest(record, own.size_bytes)
                builder.feed(replace(record, line=record.line + offset), known)
                if own.size_bytes - told >= TOLD_EVERY_BYTES:
                    told = own.size_bytes
                    on_progress(min(1.0, told / size))
    finally:
        reading.lines = offset + own.lines
        reading.size_bytes += own.size_bytes
