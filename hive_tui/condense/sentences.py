"""Cuts text into sentences, and long pasted blocks down to what tells something."""

import re

from hive_tui.condense.outputs import error_lines

END = re.compile(
    r"(?<=[.!?:])[\"'`)*_]{0,3}\s+(?=[\"'`(\[*_#-]{0,3}[A-Z0-9À-ÖØ-ÞΑ-ΩА-Я\u3040-\u30ff\u4e00-\u9fff])"
    r"|(?<=[.!?])\s+(?=`)|(?<=[。！？])\s*(?=.)|(?<=;)\s+(?=I |the |we )"
)
NO_END = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|no|fig|resp)\.|\b[A-Z]\.)$", re.IGNORECASE)
LEANS = re.compile(
    r"(?:that|it|its|this|these|those|they|not|so|which|because|instead|otherwise|hence|but|and|reverted|no|same|both"
    r"|neither|either|also|only|too|without|with|since)\b",
    re.IGNORECASE,
)
SHORT, TOGETHER = 110, 260
"""A short sentence that leans on the one before stays with it, and what one before announces, up to so many letters
together."""
LONGEST = 900
ENDLESS = re.compile(r"[!-~]{400,}|\S{4000,}")
KEPT_OF_WORD = 120
BULLET = re.compile(r"\s*(?:[-*•+]|\d{1,2}[.)]|#{1,5})\s+")
FENCE = re.compile(r"^(```|~~~)", re.MULTILINE)
PASTED_LINES, PASTED_LETTERS = 8, 400
LOG_LIKE = re.compile(
    r"^\s*(?:\d{2,4}[-/:.]\d\d|\[|at |File \"|[-drwx]{10}|\+|-|\||>|\$|#|<|E |\S+:\d+)"
    r"|[{}();=]\s*$"
)


def without_endless_words(text: str) -> str:
    """The text with words cut that no person wrote: encoded data, mostly."""
    return ENDLESS.sub(lambda found: f"{found[0][:KEPT_OF_WORD]} …", text)


def sentences(text: str) -> list[str]:
    """The sentences of a text; one that leans on the one before stands with it, a code block is one."""
    found: list[str] = []
    for number, part in enumerate(re.split(r"^(?:```|~~~)[^\n]*\n?", text, flags=re.MULTILINE)):
        if number % 2:
            found.append(cut(" ⏎ ".join(line.strip() for line in part.splitlines() if line.strip()), 240))
            continue
        for line in part.splitlines():
            found += _of_line(line)
    return [sentence for sentence in found if sentence]


def _of_line(line: str) -> list[str]:
    bullet = BULLET.match(line)
    bare = line[bullet.end() :].strip() if bullet else line.strip()
    if not bare or set(bare) <= set("-=*|_ "):
        return []
    found: list[str] = []
    for piece in _split(bare):
        is_behind = found and ((LEANS.match(piece) and len(piece) < SHORT) or _announces(found[-1]))
        if is_behind and len(found[-1]) + len(piece) < TOGETHER:
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(cut(piece, LONGEST))
    return found


def _announces(sentence: str) -> bool:
    """Whether it is only the head of what follows, as in "Ruled out freezegun: 40 times slower"."""
    return sentence.endswith(":") and len(sentence) < SHORT


def pieces(sentence: str) -> list[str]:
    """The single sentences of one that others lean on; a block of code is one."""
    return [sentence] if "⏎" in sentence else [piece for piece in _split(sentence) if piece]


def _split(line: str) -> list[str]:
    found: list[str] = []
    begin = 0
    for end in END.finditer(line):
        if not NO_END.search(line[begin : end.start()]):
            found.append(line[begin : end.start()].strip())
            begin = end.end()
    return [*found, line[begin:].strip()]


def cut(text: str, letters: int) -> str:
    """The text, or its beginning up to a blank, with a sign that something is missing."""
    if len(text) <= letters:
        return text
    head = text[:letters]
    at = max(head.rfind(" "), head.rfind("\n"))
    return f"{head[: at if at > letters // 2 else letters].rstrip()} …"


def squeezed(text: str) -> str:
    """A message with its long pasted blocks cut to their first, their last and their error lines."""
    parts: list[str] = []
    for block in _blocks(text):
        lines = block.splitlines()
        is_pasted = len(lines) >= PASTED_LINES and (len(block) >= PASTED_LETTERS or len(lines) > 3 * PASTED_LINES)
        parts.append(_squeezed_block(lines) if is_pasted and _looks_pasted(lines) else block)
    return "\n".join(parts)


def _blocks(text: str) -> list[str]:
    """Paragraphs, and code blocks as a whole."""
    blocks: list[str] = []
    is_code = False
    pending: list[str] = []
    for line in text.splitlines():
        if FENCE.match(line):
            if not is_code and pending:
                blocks.append("\n".join(pending))
                pending = []
            pending.append(line)
            if is_code:
                blocks.append("\n".join(pending))
                pending = []
            is_code = not is_code
        else:
            pending.append(line)
            if not line.strip() and not is_code:
                blocks.append("\n".join(pending))
                pending = []
    return [*blocks, "\n".join(pending)] if pending else blocks


def _looks_pasted(lines: list[str]) -> bool:
    if FENCE.match(lines[0]):
        return True
    like = sum(bool(LOG_LIKE.search(line)) for line in lines)
    return like >= len(lines) * 0.5 or len(lines) > 60


def _squeezed_block(lines: list[str]) -> str:
    kept = {*lines[:3], *lines[-2:], *error_lines("\n".join(lines[3:-2]), most=3)}
    shown = [cut(line, 200) for line in lines if line in kept][:9]
    return "\n".join([*shown[:-1], f"[… {len(lines) - len(shown)} lines left out]", *shown[-1:]])
