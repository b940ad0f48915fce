"""Whether a shortened list of notes still says what the notes said: item by item, by the pointers that tie them."""

import re
from collections.abc import Iterable, Mapping

from hive_tui.condense.checking import POINTER, identifiers, stands_in

FORBIDS = re.compile(r"\b(?:never|not|no|none|nor|neither|cannot|without|avoid\w*|forbid\w*)\b|n.t\b", re.IGNORECASE)
ITEM = re.compile(r"[-*•]\s+")
WORD = re.compile(r"[^\W\d_]{4,}")
MOST_NEW = 0.35
"""Share of the longer words of an item that its source does not have, in any form."""
STEM = 4
"""Letters by which two forms of a word are taken for the same."""


def items(text: str) -> list[str]:
    """The items of a Markdown list, each with its further lines; headings between them are left out.

    Raises:
        ValueError: Something stands outside of the list.
    """
    found: list[str] = []
    for line in text.splitlines():
        head = ITEM.match(line)
        if head:
            found.append(line[head.end() :])
        elif line[:1].isspace() and found:
            found[-1] += f"\n{line.strip()}"
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"it is no list: {line.strip()[:60]!r}")
    return found


def unfaithful(text: str, source: str) -> str:
    """What is wrong with the shortened list; empty where it says no more and nothing else than its source."""
    try:
        said, known = by_pointer(items(text)), by_pointer(items(source))
    except ValueError as error:
        return str(error)
    for pointers, told in said.items():
        if not pointers:
            return "it has an item without a pointer"
        origin = " ".join(" ".join(texts) for key, texts in known.items() if key & pointers)
        wrong = next((why for one in told if (why := _wrong(one, origin))), "")
        if wrong:
            return wrong
    return _turned_around(said, known)


def by_pointer(listed: Iterable[str]) -> dict[frozenset[str], list[str]]:
    """The items, without their pointers, by those."""
    found: dict[frozenset[str], list[str]] = {}
    for item in listed:
        pointers = frozenset(match[0] for match in POINTER.finditer(item))
        found.setdefault(pointers, []).append(POINTER.sub(" ", item))
    return found


def _wrong(item: str, origin: str) -> str:
    low = origin.lower()
    made_up = sorted(one for one in identifiers(item) if not stands_in(one, low))
    if made_up:
        return f"it invented {made_up[0]!r}, or took it from another place"
    words = {word.lower() for word in WORD.findall(item)}
    stems = {word.lower()[:STEM] for word in WORD.findall(origin)}
    new = {word for word in words if word[:STEM] not in stems}
    if len(new) > max(1, MOST_NEW * len(words)):
        return f"it says something else: {', '.join(sorted(new)[:4])}"
    return ""


def _turned_around(said: Mapping[frozenset[str], list[str]], known: Mapping[frozenset[str], list[str]]) -> str:
    """A prohibition that became a permission, or the other way round."""
    for pointer in {one for key in known for one in key}:
        before = [text for key, texts in known.items() if pointer in key for text in texts]
        after = [text for key, texts in said.items() if pointer in key for text in texts]
        lone = all(len(key) == 1 for key in said if pointer in key)
        was, is_now = _any(before), _any(after)
        if was and not is_now:
            return f"it lost a negation at {pointer}"
        if is_now and not was and lone:
            return f"it added a negation at {pointer}"
    return ""


def _any(texts: Iterable[str]) -> bool:
    return any(FORBIDS.search(text) for text in texts)
