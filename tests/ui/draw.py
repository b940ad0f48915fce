"""Draws the pictures of the README from an invented hive: `python -m tests.ui.draw FOLDER`, as SVG and PNG.

Textual's SVG names a font by its address on the net; here the viewer's own monospace font is named instead.
"""

import asyncio
import os
import random
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

os.environ.update(TZ="UTC", LANG="C.UTF-8", TEXTUAL_ANIMATIONS="none", TEXTUAL_COLOR_SYSTEM="truecolor")
os.environ.pop("NO_COLOR", None)

import resvg_py

from hive_tui.domain.workspaces import ChangeKind, FileChange, RestorePlan
from hive_tui.services.conversation import ConversationChange
from hive_tui.services.restore_views import Preview
from hive_tui.settings import Settings, UiSettings
from hive_tui.ui.app import HiveApp
from hive_tui.ui.dialogs import Confirm
from hive_tui.ui.restoring import course
from tests.clocks import FakeClock
from tests.ui.invented import PicturePanes, checkpoint, new_app, new_hive, settled, with_tasks, with_windows

USUAL, NARROW, WIDE = (120, 36), (80, 24), (200, 60)
PICTURES: dict[str, tuple[tuple[int, int], str, Sequence[str]]] = {
    "agents": (USUAL, "dark", ()),
    "timeline": (USUAL, "dark", ("end", "right_square_bracket")),
    "generations": (USUAL, "dark", ("end", "right_square_bracket", "right_square_bracket")),
    "queue": (USUAL, "dark", ("2", "j")),
    "checkpoints": (USUAL, "dark", ("3",)),
    "schedule": (USUAL, "dark", ("4",)),
    "tasks": (USUAL, "dark", (*["right_square_bracket"] * 3,)),
    "restore": (USUAL, "dark", ("question",)),
    "events": (USUAL, "dark", ("7",)),
    "help": (USUAL, "dark", ("question_mark",)),
    "palette": (USUAL, "dark", ("ctrl+p",)),
    "launch": (USUAL, "dark", ("n",)),
    "agents-narrow": (NARROW, "dark", ()),
    "agents-wide": (WIDE, "dark", ()),
    "agents-light": (USUAL, "light", ()),
    "agents-contrast": (USUAL, "contrast", ()),
}
CHANGED = (("src/shelf.py", "0"), ("src/loan.py", "0"), ("tests/test_loan.py", None))
"""Paths that a restore would write, and whether they are there now."""
PANE = (
    "\x1b[1m>\x1b[0m add a test for the empty basket\n\n"
    "\x1b[32m●\x1b[0m I will look at \x1b[36mbasket.py\x1b[0m first.\n"
    "  \x1b[2m└ Read\x1b[0m \x1b[1m48\x1b[0m \x1b[2mlines\x1b[0m\n\n"
    "\x1b[32m●\x1b[0m Edit \x1b[36mtests/test_basket.py\x1b[0m\n"
    "  \x1b[2m12\x1b[0m \x1b[32m+ def test_an_empty_basket_costs_nothing():\x1b[0m\n"
    "  \x1b[2m13\x1b[0m \x1b[32m+     assert Basket().total == 0\x1b[0m\n\n"
    "\x1b[1mDo you want to make this edit?\x1b[0m\n"
    "\x1b[36m> 1. Yes\x1b[0m\n"
    "  2. Yes, and do not ask again\n"
    "  3. No\n"
)
"""Only letters that every font has: a picture has no second font to fall back to."""
FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}\s*")
PNG_FONT = "DejaVu Sans Mono"
MONOSPACE = "'DejaVu Sans Mono', Menlo, Consolas, monospace"


def ask(app: HiveApp) -> None:
    """The question before a restore; there is no folder behind an invented agent that it could compare."""
    library = next(one.agent for one in app.view.agents if one.agent.name == "library") if app.view else None
    assert library is not None
    changes = tuple(FileChange(path, ChangeKind.WRITE, old, None, "1", "100644") for path, old in CHANGED)
    plan = RestorePlan("/home/ada/library", changes, ("notes.txt",), None, insertions=31, deletions=7)
    conversation = ConversationChange(True, False, lines_now=212, lines_then=187, size_then_bytes=182_000)
    wanted = structs.replace(checkpoint(2, library, app.hive.clock.now()), generation=1)
    lines = Preview(library, wanted, plan, conversation, ()).lines()
    app.push_screen(Confirm("Restore library to generation 1?", [*lines, "", *course(library)], "Restore"))


async def draw(name: str, folder: Path, home: Path) -> None:
    """One picture, as SVG and PNG."""
    size, theme, keys = PICTURES[name]
    clock = FakeClock()
    hive = new_hive(home, clock, Settings(ui=UiSettings(theme=theme)))
    hive.__dict__["panes"] = PicturePanes(PANE)
    app = with_tasks(with_windows(new_app(hive, clock)))
    async with app.run_test(size=size) as pilot:
        for key in ("", *keys):
            if key == "question":
                ask(app)
            elif key:
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
        os.urandom = random.Random(0).randbytes  # the Events screen shows ids: the same ones each time
        with tempfile.TemporaryDirectory() as home:
            asyncio.run(draw(name, folder, Path(home)))


if __name__ == "__main__":
    main()
