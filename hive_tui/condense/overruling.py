"""Later statements overrule earlier ones: finds which, so that nobody acts on what was taken back."""

import re
from collections.abc import Callable, Sequence

from hive_tui.condense.atoms import weight
from hive_tui.condense.cues import CHANGE
from hive_tui.condense.sentences import sentences
from hive_tui.condense.shelf import POINTER_TOKENS, Entry, Section
from hive_tui.condense.tokens import count
from hive_tui.condense.writing import pointer

STATEMENTS = frozenset({Section.USER, Section.DECISION, Section.FINDING, Section.NOTE, Section.DEAD_END})
SETTING = re.compile(
    r"(?P<name>[A-Za-z_][\w.-]{0,60}[._-]\w{1,40}|[A-Z]{2,40}[A-Z_]{0,40}"
    r"|[A-Za-z]\w{1,40} (?:limit|timeout|size|port|version|ttl|delay|count|level|mode|budget))"
    r"\s*(?:=|:|to|is|at|becomes|from \S+ to)\s*[`\"']?(?P<value>\d[\w.]*)",
)
MOST = 5_000
_WORD = r"[`\"']?(?P<{}>[\w$@#~%](?:[\w./:@#$%~+*=-]*[\w$%)])?)"
TAKEN_BACK = re.compile(
    r"\b(?:instead of|rather than|forget(?: about)?|drop(?:ping)?|replac(?:e|ed|ing)|(?:switch|mov|chang"
    r"|migrat)\w* (?:away )?from"
    r"|away from|not|no longer(?: us(?:e|ing))?|stop using|(?:don.t|do not) use|scratch|ignore|in place of"
    r"|supersedes|retire|cancel|undo|rename"
    r")\s+(?:the |that |my |our |any |using |with |to )?"
    + _WORD.format("old")
    + r"|"
    + _WORD.format("gone")
    + r"[`\"']?\s+(?:is|was|are|were) (?:out|off|gone|wrong|no longer|dead|dropped|cancelled|obsolete|not)\b",
    re.IGNORECASE,
)
FORBIDS = re.compile(r"\b(?:never|not|no|avoid|without|forbidden|off[- ]limits)\b|n.t\b", re.IGNORECASE)


def mark_overruled(entries: Sequence[Entry], pointers: Callable[[int], str] = pointer) -> None:
    """Tie each statement that a later one takes back to that one.

    The earlier one stays readable, marked; it never stands without the later one.
    """
    statements = [entry for entry in entries if entry.section in STATEMENTS][-MOST:]
    by_word = _words_of(statements)
    for later in statements:
        if CHANGE.search(later.text):
            for word in _taken_back(later.text):
                for earlier in by_word.get(word, ()):
                    _overrule(earlier, later, word, pointers)
    _overrule_settings(statements, pointers)


def _taken_back(text: str) -> set[str]:
    """The words that a sentence takes back: what it names behind "instead of", "forget" and the like."""
    found = {match["old"] or match["gone"] for match in TAKEN_BACK.finditer(text)}
    return {word.rstrip(".,;:").lower() for word in found if weight(word) >= 0.5}


def _words_of(statements: Sequence[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in statements:
        for atom in entry.atoms:
            if weight(atom) >= 0.5:
                found.setdefault(atom, []).append(entry)
    return found


def _overrule(earlier: Entry, later: Entry, word: str, pointers: Callable[[int], str]) -> None:
    """Nothing that a user said is overruled by the agent, and no prohibition by another one."""
    is_right = later.section is Section.USER or earlier.section is not Section.USER
    if earlier.line >= later.line or earlier.overruled_by or not is_right:
        return
    said = next((one for one in sentences(earlier.text) if word in one.lower()), "")
    if said and not FORBIDS.search(said):
        _tie(earlier, later, said, pointers)


def _overrule_settings(statements: Sequence[Entry], pointers: Callable[[int], str]) -> None:
    """The same setting with another value later: the later value counts."""
    last: dict[str, tuple[str, Entry]] = {}
    for entry in reversed(statements):
        for found in SETTING.finditer(entry.text):
            name = found["name"].lower()
            value, later = last.setdefault(name, (found["value"], entry))
            both = later.section is Section.USER or entry.section is not Section.USER
            if value != found["value"] and later.line > entry.line and both and not entry.overruled_by:
                said = next((one for one in sentences(entry.text) if found[0] in one), "")
                # The sentence may set other things, too, and those still hold.
                _tie(entry, later, said, pointers, what=f"{found['name']} ")


def _tie(earlier: Entry, later: Entry, said: str, pointers: Callable[[int], str], *, what: str = "") -> None:
    """Mark the sentence of the earlier statement that is overruled."""
    earlier.overruled_by = later.line
    earlier.needs.append(later)
    mark = f" ({what}overruled, see {pointers(later.line)})"
    at = earlier.text.find(said) + len(said) if said and said in earlier.text else len(earlier.text)
    earlier.text = earlier.text[:at] + mark + earlier.text[at:]
    earlier.tokens += POINTER_TOKENS + 4 + (count(what) if what else 0)
    if earlier.section is not Section.USER:
        earlier.base *= 0.4
        earlier.factor *= 0.4
