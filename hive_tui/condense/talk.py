"""What was said: the user's messages word for word, and the agent's sentences that tell something."""

import re
from collections.abc import Sequence

from hive_tui.condense.cues import WEIGHT, Topic, is_filler, is_ordinary, is_rule
from hive_tui.condense.digesting import Sentence
from hive_tui.condense.records import Record
from hive_tui.condense.sentences import cut, squeezed
from hive_tui.condense.shelf import Entry, Section, Shelf
from hive_tui.condense.templates import Templates

SECTION = {
    Topic.DEAD_END: Section.DEAD_END,
    Topic.CAUSE: Section.CAUSE,
    Topic.DECISION: Section.DECISION,
    Topic.NEXT: Section.NOTE,
    Topic.FINDING: Section.FINDING,
    Topic.NOTE: Section.NOTE,
}
SHORT_ANSWER = 90
ORDINARY_FACTOR = 0.3
ENOUGH_WORDS = 7
"""A sentence without any identifier or rare word tells something only if it is at least so long."""
OPTION = re.compile(
    r"^[ \t]*(?:[-*]\s*)?(?:\**\(?(?:option\s+)?(?P<mark>\d{1,2}|[A-Za-z])[.):]\**|[-*•])\s+(?P<text>\S.*)$",
    re.MULTILINE | re.IGNORECASE,
)
ORDINALS = (("first", "1st", "former"), ("second", "2nd"), ("third", "3rd"), ("fourth", "4th"), ("fifth", "5th"))
NUMBERS = ("one", "two", "three", "four", "five")
BESIDE_NUMBER = frozenset(
    "option number choice variant go with for take use do lets let s please the i d want prefer".split()
)
OWN_WORDS = re.compile(r"(?:[Tt]he user said:|following reason for the rejection:|user feedback:)\s*(.+)", re.DOTALL)
REFUSED = re.compile(r"doesn't want to (?:proceed|take this action)|tool use was rejected|rejected by (?:the )?user")
QUESTION_LETTERS = 700
NEXT_HOLDS = 2
"""After so many further messages of the user it is what was next then."""
NEXT_STEP = re.compile(r"(?:the |my )?next(?! time| to\b)(?:[ -]steps?)?(?: up)?\b[:,]?\s*[\w–—-]", re.IGNORECASE)
"""A sentence that says what is to be done next."""


class Talk:
    """Takes what was said, in order."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._said = ""
        self._said_on = 0
        self._known: set[int] = set()
        self.last_agent: tuple[int, str] = (0, "")
        self._next_step: tuple[Entry, int] | None = None
        """What the agent said last that it would do next, and after how many messages of the user."""
        self.user_count = 0
        self.templates = Templates()

    def user(self, record: Record) -> Entry:
        """A message of the user. An answer to a question brings the question with it."""
        self.user_count += 1
        text = squeezed(record.text)
        entry = Entry(Section.USER, text, record.line, base=2.0 + 2.0 * is_rule(text), is_must=True)
        if self._said and len(record.text) <= SHORT_ANSWER:
            self._add_question(entry, record.text)
        self._said = ""
        return self._shelf.add(entry)

    def agent(self, record: Record, said: Sequence[Sentence]) -> None:
        """What the agent said to the user: each sentence that tells something."""
        self._said, self._said_on = record.text, record.line
        self.last_agent = (record.line, record.text)
        for sentence in said:
            self._sentence(sentence, record.line)

    def refused(self, record: Record, what: str) -> bool:
        """Whether the user did not allow a call, perhaps with words of their own."""
        if not REFUSED.search(record.text[:2_000]):
            return False
        self._shelf.add(Entry(Section.USER, f"(refused: {cut(what, 200)})", record.line, base=1.5))
        own = OWN_WORDS.search(record.text)
        if own is not None:
            self._shelf.add(Entry(Section.USER, squeezed(own[1].strip()), record.line, base=3.0, is_must=True))
        return True

    def answered(self, record: Record) -> None:
        """The user answered questions that the agent asked with a tool."""
        self._shelf.add(Entry(Section.USER, cut(record.text, 1_500), record.line, base=3.0, is_must=True))

    @property
    def next_step(self) -> Entry | None:
        """What the agent said last that it would do next; None once the user has said much since."""
        if self._next_step is None or self.user_count - self._next_step[1] > NEXT_HOLDS:
            return None
        return self._next_step[0]

    def _sentence(self, said: Sentence, line: int) -> None:
        sentence, topic = said.text, said.topic
        key = hash(sentence)
        if key in self._known:
            return
        if len(self._known) < 500_000:
            self._known.add(key)
        self.templates.note(said.shapes)
        entry = Entry(SECTION[topic], sentence, line, base=WEIGHT[topic], atoms=said.atoms, tokens=said.tokens)
        tells = topic in (Topic.DECISION, Topic.DEAD_END, Topic.CAUSE) and len(sentence.split()) >= ENOUGH_WORDS
        if not entry.atoms and not tells:
            return
        if is_filler(sentence) and len(entry.atoms) < 2:
            entry.base = 0.0
        if topic in (Topic.FINDING, Topic.NOTE) and is_ordinary(sentence):
            entry.base, entry.factor = 0.0, ORDINARY_FACTOR
        self._shelf.add(entry)
        if NEXT_STEP.match(sentence):
            self._next_step = (entry, self.user_count)

    def _add_question(self, entry: Entry, answer: str) -> None:
        """Say what was asked, and which of the options the answer means."""
        if "?" not in self._said and not OPTION.search(self._said):
            return
        chosen = chosen_option(self._said, answer)
        if chosen:
            entry.text += f"\n(they chose: {cut(chosen, 300)})"
        asked = self._said if len(self._said) <= QUESTION_LETTERS else "… " + self._said[-QUESTION_LETTERS:]
        question = Entry(Section.USER, f"(the agent had asked: {asked})", self._said_on, base=0.8, is_must=not chosen)
        self._shelf.add(question)
        entry.measure()


def chosen_option(question: str, answer: str) -> str:
    """The option that a short answer means: by its mark, by its place in the list, or by its words."""
    options = [(found["mark"] or "", found["text"].strip()) for found in OPTION.finditer(question)]
    words = re.findall(r"\w+", answer.lower())
    meant = {place for place, names in enumerate(ORDINALS[: len(options)]) if set(names) & set(words)}
    meant |= {len(options) - 1} if options and {"last", "latter"} & set(words) else set()
    if not meant:
        meant = {place for place, (mark, _) in enumerate(options) if mark.lower() in words and _is_mark(mark, words)}
    if not meant and len(set(words) - BESIDE_NUMBER) == 1:
        meant = {place for place, name in enumerate(NUMBERS[: len(options)]) if name in words}
    return options[meant.pop()][1] if len(meant) == 1 else ""


def _is_mark(mark: str, words: list[str]) -> bool:
    """Whether a word that looks like the mark of an option is one; `a` is a word of its own."""
    return mark.isdigit() or (bool(mark) and len(set(words) - BESIDE_NUMBER) == 1)
