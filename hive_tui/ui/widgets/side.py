"""Everything about the selected agent: its live pane, retry timeline, generations, tasks and explanation."""

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from hive_tui.ui.format import detail_lines, printable
from hive_tui.ui.widgets.pane_preview import PanePreview
from hive_tui.ui.widgets.steady import Steady
from hive_tui.ui.widgets.tab_bar import TabBar

PANE, TIMELINE, GENERATIONS, TASKS, EXPLAIN = "Pane", "Timeline", "Generations", "Tasks and effects", "Explain"
TABS = (PANE, TIMELINE, GENERATIONS, TASKS, EXPLAIN)


class Page(VerticalScroll):
    """Lines of text."""

    can_focus = False

    def __init__(self, **options: str) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._text = Steady()

    def compose(self) -> ComposeResult:
        """One text that fills it."""
        yield self._text

    def show(self, lines: Sequence[Text | str]) -> None:
        """Draw the lines."""
        text = Text("\n").join(line if isinstance(line, Text) else Text(printable(line)) for line in lines)
        self._text.put(text)


class Side(Vertical):
    """Title, tabs, the chosen page, details."""

    def __init__(self, **options: str) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._tab = PANE
        self._details: Sequence[tuple[str, str]] = ()

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Steady(id="side-title")
        yield TabBar(TABS, id="tabs")
        yield PanePreview(id="preview")
        yield Steady(id="details")

    @property
    def tab(self) -> str:
        """The chosen one."""
        return self._tab

    @property
    def preview(self) -> PanePreview:
        """The live pane."""
        return self.query_one(PanePreview)

    @property
    def is_to_be_seen(self) -> bool:
        """Whether there is room for it on the screen."""
        return self.display and self.size.width > 0

    def choose(self, tab: str) -> None:
        """Show another tab."""
        if not self.query(Page):
            self.mount(Page(id="page"), after=self.preview)
        page = self.query_one(Page)
        if tab != self._tab:
            self._tab = tab
            page.show([])
        self.preview.display = tab == PANE
        page.display = tab != PANE
        self.query_one(TabBar).choose(tab)

    def turn(self, by: int) -> None:
        """Show the next tab, or the one before."""
        self.choose(TABS[(TABS.index(self.tab) + by) % len(TABS)])

    def show(self, tab: str, lines: Sequence[Text | str]) -> None:
        """Draw the lines of a tab, if it is still the chosen one."""
        if tab == self._tab:
            self.query_one(Page).show(lines)

    def head(self, title: str, details: Sequence[tuple[str, str]]) -> None:
        """Draw title and details."""
        self.query_one("#side-title", Steady).put(Text(printable(title), no_wrap=True, overflow="ellipsis"))
        if details != self._details:
            self._details = details
            self.on_resize()

    def on_resize(self) -> None:
        """Lay the details out for the room that there is."""
        lines = detail_lines(self._details, (self.size.width or self.app.size.width) - 2)
        self.query_one("#details", Steady).put(printable(lines))
