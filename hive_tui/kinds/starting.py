"""Whether an agent that draws its prompt has loaded what it goes on with: some draw the prompt first."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hive_tui.kinds.kind import Look

SETTLED_S = 10.0
"""A start that draws nothing for so long is over, whatever it shows."""
LINES = 12
"""So many of the last lines that are not blank hold the prompt, and what stands above it meanwhile."""


def has_prompt(look: "Look", pattern: str) -> bool:
    """Whether a line shows the prompt; never for a kind whose prompt is not known."""
    return bool(pattern) and any(re.search(pattern, line) for line in look.screen.bottom(LINES))


def is_loading(look: "Look", patterns: Iterable[str]) -> bool:
    """Whether a line says that it still loads: what is typed now may be lost, or stay in its box."""
    lines = look.screen.bottom(LINES)
    return not is_settled(look) and any(re.search(pattern, line) for pattern in patterns for line in lines)


def is_settled(look: "Look") -> bool:
    """Whether its pane has been quiet for so long that nothing more comes."""
    return look.now_s - look.pane.output_at >= SETTLED_S
