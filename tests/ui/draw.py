"""Draws the pictures of the README from an invented hive: `python -m tests.ui.draw FOLDER`, as SVG and PNG.

Textual's SVG names a font by its address on the net; here the viewer's own monospace font is named instead.
"""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.update(TZ="UTC", LANG="C.UTF-8", TEXTUAL_ANIMATIONS="none", TEXTUAL_COLOR_SYSTEM="truecolor")
os.environ.pop("NO_COLOR", None)

import resvg_py

from hive_tui.config import Settings, UiSettings
from tests.clocks import FakeClock
from tests.ui.invented import new_app, new_hive, settled

USUAL, NARROW, WIDE = (120, 36), (80, 24), (200, 60)
PICTURES: dict[str, tuple[tuple[int, int], str, Sequence[str]]] = {
    "agents": (USUAL, "dark", ()),
    "timeline": (USUAL, "dark", ("end", "right_square_bracket")),
    "generations": (USUAL, "dark", ("end", "right_square_bracket", "right_square_bracket")),
    "queue": (USUAL, "dark", ("2", "j")),
    "checkpoints": (USUAL, "dark", ("3",)),
    "events": (USUAL, "dark", ("7",)),
    "help": (USUAL, "dark", ("question_mark",)),
    "palette": (USUAL, "dark", ("ctrl+p",)),
    "launch": (USUAL, "dark", ("n",)),
    "agents-narrow": (NARROW, "dark", ()),
    "agents-wide": (WIDE, "dark", ()),
    "agents-light": (USUAL, "light", ()),
    "agents-contrast": (USUAL, "contrast", ()),
}
FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}\s*")
PNG_FONT = "DejaVu Sans Mono"
MONOSPACE = "'DejaVu Sans Mono', Menlo, Consolas, monospace"


async def draw(name: str, folder: Path, home: Path) -> None:
    """One picture, as SVG and PNG."""
    size, theme, keys = PICTURES[name]
    clock = FakeClock()
    hive = new_hive(home, clock, Settings(ui=UiSettings(theme=theme)))
    app = new_app(hive, clock)
    async with app.run_test(size=size) as pilot:
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            await settled(pilot)
        svg = app.export_screenshot(title="hive-tui")
    hive.close()
    svg = re.sub(r"Fira Code, monospace|Fira Code", MONOSPACE, FONT_FACE.sub("", svg))
    (folder / f"{name}.svg").write_text(svg)
    png = resvg_py.svg_to_bytes(svg_string=svg.replace(MONOSPACE, PNG_FONT), monospace_family=PNG_FONT)
    (folder / f"{name}.png").write_bytes(bytes(png))


def main() -> None:
    """All pictures."""
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for name in PICTURES:
        with tempfile.TemporaryDirectory() as home:
            asyncio.run(draw(name, folder, Path(home)))


if __name__ == "__main__":
    main()
