"""What all screens of the hive have in common."""

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from hive_tui.ui.messages import HiveChanged
from hive_tui.ui.widgets.header_bar import HeaderBar

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp


class HiveScreen(Screen[None]):
    """Header, body, footer; reads its view anew whenever the hive changes and it is shown."""

    TITLE_TEXT = ""

    @property
    def hive_app(self) -> "HiveApp":
        """The app, with its type."""
        from hive_tui.ui.app import HiveApp

        assert isinstance(self.app, HiveApp)
        return self.app

    def compose(self) -> ComposeResult:
        """Header, body, footer."""
        yield HeaderBar(id="header")
        yield from self.body()
        yield Footer(show_command_palette=False)

    def body(self) -> ComposeResult:
        """What stands between header and footer."""
        raise NotImplementedError

    async def reload(self) -> None:
        """Read the view of this screen and draw it."""
        raise NotImplementedError

    def on_screen_resume(self) -> None:
        """Shown again: what it shows may be old."""
        self.post_message(HiveChanged())

    @on(HiveChanged)
    async def _reload_all(self) -> None:
        if self.hive_app.screen is self:
            view = await self.hive_app.read_hive()
            self.query_one(HeaderBar).show(view, self.hive_app.screen_titles, self.TITLE_TEXT)
            await self.reload()
