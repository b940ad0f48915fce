"""The tabs beside the list."""

from textual.events import Resize

from hive_tui.ui.widgets.one_line import OneLine, Part


class TabBar(OneLine):
    """Names of tabs, the chosen one reversed."""

    def __init__(self, names: tuple[str, ...], **options: str) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._names = names
        self._chosen = names[0]

    def choose(self, name: str) -> None:
        """Draw another tab as the chosen one."""
        self._chosen = name
        self._draw()

    def on_mount(self) -> None:
        """The first one is chosen."""
        self._draw()

    def on_resize(self, _: Resize) -> None:
        """There is more room, or less."""
        self._draw()

    def _draw(self) -> None:
        """All of them, closer to each other where there is little room."""
        room = self.size.width - 2
        wide = sum(len(name) + 4 for name in self._names)
        pad, gap = (" ", 2) if wide <= room else (" ", 0) if wide - 2 * len(self._names) <= room else ("", 1)
        self.lay(
            [
                Part(f"{pad}{name}{pad}", f"screen.tab('{name}')", "reverse bold" if name == self._chosen else "")
                for name in self._names
            ],
            gap=gap,
        )
