"""What the output of a command tells: errors, commits, lists of places."""

import re

from hive_tui.condense.atoms import atoms

ERROR = re.compile(
    r"\b(?:error|errors|exception|failed|failure|fail|fatal|panic(?:ked)?|assert\w*|traceback|undefined|unexpected"
    r"|cannot|can't|could not|couldn't|not found|no such|denied|refused|timed? ?out|segfault|segmentation"
    r"|abort(?:ed)?"
    r"|mismatch|missing|invalid|unresolved|killed|conflict|not ok|expected|unable|unavailable|illegal|overflow)\b"
    r"|\w(?:Error|Exception|Warning)\b|^E\s{2,}|^\s*(?:✗|×|✕|✘|❌|●)\s|^(?:FAIL|ERR!|---\s*FAIL|>\s)|^error\[",
    re.IGNORECASE | re.MULTILINE,
)
STRONG = re.compile(
    r"^E\s{2,}|\w(?:Error|Exception)\b\s*:|^\s*(?:FAILED|FAIL|ERROR|error|fatal|panic)\b|error(?:\[\w+\])?:|✗|×"
    r"|✕|✘|❌|--- FAIL"
    r"|thread '.*' panicked|AssertionError|expected .*(?:got|but|received|actual)|(?:left|right): ",
)
FINE = re.compile(r"\b(?:PASSED|passed|ok|✓|√|0 errors?|0 failed|no errors?)\b|✓|\bPASS\b")
CODE = re.compile(
    r"^\s*(?:\d+[:→|\t-])?\s*(?:if |raise |return |def |class |import |from |#|//|\*|log)|^\S+?:\d+:\s+(?:if|raise)"
)
COMMIT = re.compile(
    r"^\[(?P<branch>[^\]\s]+)(?: \(root-commit\))? (?P<hash>[0-9a-f]{7,40})\] (?P<subject>.+)$", re.MULTILINE
)
ONE_LINE = re.compile(r"^(?:\* )?(?P<hash>[0-9a-f]{7,40})(?: \([^)]*\))? (?P<subject>\S.{2,})$", re.MULTILINE)
LINK = re.compile(r"https?://\S+/(?:pull|pulls|issues|merge_requests|commit|-/merge_requests)/[\w-]+")
PLACE = re.compile(
    r"^(?P<place>(?:\.{0,2}/)?[\w@.+-]+(?:/[\w@.+-]+)*\.\w{1,8}(?::\d+(?::\d+)?)?|[\w@.+/-]+:\d+)(?=[:\s,]|$)"
)
OPEN_ITEM = re.compile(r"^[ \t]*[-*]\s\[ \]\s+(.+)$", re.MULTILINE)
COMPARES = re.compile(
    r"\w\.\w{1,5}[:(]\d+|\b(?:want|have|got|expect\w*|actual|received|left|right|found|diff|but|caused by"
    r"|reason|message)\b|^[-+>|] ",
    re.IGNORECASE,
)
WARNS = re.compile(
    r"\b(?:warning|deprecat\w+|breaking|caution|will be removed|goes away|obsolete|end of life)\b", re.IGNORECASE
)
PATCH_FAILED = re.compile(
    r"apply_patch verification failed|Failed to find (?:expected lines|context)|^Invalid patch", re.M
)
"""An edit that was refused by a program that does not call it failed."""
TRUNCATED = re.compile(r"truncated output|output truncated|lines (?:omitted|truncated)", re.IGNORECASE)
"""The agent's own program, about what it has cut."""
LIST_LINES = 25
TAIL_LETTERS, LINE_LETTERS = 60_000, 1_000


def error_lines(text: str, *, most: int = 8) -> list[str]:
    """The lines that say what went wrong, the clearest ones, in their order."""
    if len(text) > TAIL_LETTERS:
        text = text[: TAIL_LETTERS // 4] + "\n" + text[-TAIL_LETTERS:]
    graded: dict[str, tuple[int, int]] = {}
    for number, whole in enumerate(text.splitlines()):
        line = whole[:LINE_LETTERS]
        bare = line.strip()
        if not bare or not ERROR.search(line) or (FINE.search(line) and not STRONG.search(line)):
            continue
        grade = 2 if STRONG.search(line) else 1
        grade -= 2 if CODE.match(line) else 0
        if grade > 0:
            graded.setdefault(bare[:240], (grade, number))
    best = sorted(graded, key=lambda line: (-graded[line][0], -graded[line][1]))[:most]
    return sorted(best, key=lambda line: graded[line][1])


def failure_lines(text: str, *, most: int = 10) -> list[str]:
    """What a failed run says: its error lines, and between them those that name a place or compare two values."""
    errors = error_lines(text, most=most - 3)
    lines = [line.strip()[:240] for line in text[-TAIL_LETTERS:].splitlines() if line.strip()]
    if not errors:
        return last_lines(text, 5)
    at = {number for number, line in enumerate(lines) if line in errors}
    near = {number + step for number in at for step in (-2, -1, 1, 2)} - at
    telling = [number for number in sorted(near) if 0 <= number < len(lines) and COMPARES.search(lines[number])]
    wanted = at | set(telling[-(most - len(errors)) :] if len(errors) < most else ())
    return list(dict.fromkeys(lines[number] for number in sorted(wanted)))[-most:]


def warnings(text: str) -> list[str]:
    """Lines of an output that warn, without anything having failed."""
    text = text[:40_000]
    if WARNS.search(text) is None:  # most warn of nothing
        return []
    found = [line.strip() for line in text.splitlines() if len(line) < 300 and WARNS.search(line)]
    found = [line for line in found if not TRUNCATED.search(line)]
    return list(dict.fromkeys(found))[:3]


def last_lines(text: str, most: int = 3) -> list[str]:
    """The last lines that have something in them."""
    return [line.strip()[:200] for line in text[-4_000:].splitlines() if line.strip()][-most:]


def commits(command: str, text: str) -> list[tuple[str, str]]:
    """Hash and subject of the commits that the command made."""
    made = [(found["hash"], found["subject"]) for found in COMMIT.finditer(text[:20_000])]
    if not made and re.search(r"\bgit\b.*\b(?:commit|merge|cherry-pick|revert|rebase|am|tag)\b", command):
        made = [(found["hash"], found["subject"]) for found in ONE_LINE.finditer(text[:4_000])][:3]
    return made


def links(command: str, text: str) -> list[str]:
    """Addresses of pull requests and issues that the command made."""
    is_making = re.search(r"\b(?:gh|glab|hub)\b.*\b(?:create|merge|comment|close|edit)\b", command)
    return list(dict.fromkeys(LINK.findall(text[:20_000])))[:3] if is_making else []


def places(text: str) -> list[str]:
    """The places that a short search result lists; empty where it is no such list, or a long one."""
    lines = [line.strip() for line in text[:20_000].splitlines() if line.strip()]
    if not 2 <= len(lines) <= LIST_LINES:
        return []
    found = [match["place"] for line in lines if (match := PLACE.match(line))]
    return list(dict.fromkeys(found)) if len(found) >= 0.8 * len(lines) else []


def items(text: str) -> list[str]:
    """The lines of a short output that is a list, one item a line."""
    lines = [line.strip() for line in text[:6_000].splitlines() if line.strip()]
    if not 2 <= len(lines) <= LIST_LINES or any(len(line) > 160 for line in lines):
        return []
    return lines if all(atoms(line) for line in lines) else []


def open_items(text: str) -> list[str]:
    """The unticked boxes of a list in Markdown."""
    return [item.strip()[:200] for item in OPEN_ITEM.findall(text[:40_000])][:30]
