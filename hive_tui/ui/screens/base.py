"""What all screens of the hive have in common."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Mount, ScreenResume
from textual.screen import Screen

from hive_tui.domain.errors import HiveError
from hive_tui.ui.messages import HiveChanged
from hive_tui.ui.mishaps import Enduring
from hive_tui.ui.widgets.header_bar import HeaderBar
from hive_tui.ui.widgets.job_bar import JobBar
from hive_tui.ui.widgets.key_bar import Key, KeyBar
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.lines import Ground

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

FIRST_READ_S = 0.25
"""What takes longer is drawn when it comes."""
UNDO = Key("u", "Undo", "app.undo")


class HiveScreen(Enduring, Screen[None], Ground):
    """Header, body, what is in flight, keys; reads its view anew whenever the hive changes and it is shown."""

    TITLE_TEXT = ""
    _was_shown = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "cancel", "Cancel: stop what is in flight for the selected row"),
        Binding("j", "down", "Down", show=False),
        Binding("k", "up", "Up", show=False),
    ]

    @property
    def hive_app(self) -> "HiveApp":
        """The app, with its type."""
        from hive_tui.ui.app import HiveApp

        assert isinstance(self.app, HiveApp)
        return self.app

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield HeaderBar(id="header")
        yield from self.body()
        yield JobBar(id="jobs")
        if self.hive_app.guide is not None:
            from hive_tui.ui.widgets.guide_bar import GuideBar

            yield GuideBar(self.hive_app.guide, id="guide")
        yield KeyBar(id="keys")

    def body(self) -> ComposeResult:
        """What stands between header and keys."""
        raise NotImplementedError

    async def reload(self) -> None:
        """Read the view of this screen and draw it."""
        raise NotImplementedError

    def keys(self) -> Sequence[Key]:
        """The keys that do something now, the most wanted first."""
        return ()

    @property
    def subject(self) -> str | None:
        """The id of the agent that the selected row is about; None for no row, or for one about nobody."""
        agent_id = getattr(getattr(self, "selected", None), "agent_id", None)
        return str(agent_id) if agent_id else None

    def refuse(self, why: str) -> None:
        """Say why something cannot be done."""
        self.app.notify(why, severity="warning")

    def action_cancel(self) -> None:
        """Stop what is in flight for the agent of the selected row; where no row is about one, whatever is."""
        jobs, agent_id = self.hive_app.verbs.jobs, self.subject
        if not jobs.cancel(agent_id):
            self.refuse("Nothing is in flight that could be cancelled here; 2 lists the wakes that wait.")

    def action_down(self) -> None:
        """Cursor down."""
        for table in self.query(KeyedTable):
            table.action_cursor_down()

    def action_up(self) -> None:
        """Cursor up."""
        for table in self.query(KeyedTable):
            table.action_cursor_up()

    def draw_keys(self) -> None:
        """Draw the keys that apply to what is selected; the way back stands right behind the first one."""
        keys = list(self.keys())
        if self.hive_app.verbs.doing.can_undo:
            keys.insert(1, UNDO)
        self.query_one(KeyBar).show(keys)

    def draw_jobs(self) -> None:
        """Draw what is in flight."""
        self.query_one(JobBar).show(self.hive_app.verbs.jobs.running.values())

    @on(Mount)
    async def _read_first(self) -> None:
        """Have something to show before there is anything to see, so that one picture is drawn and not two."""
        read = asyncio.create_task(self._reload_all())
        read.add_done_callback(self._note_first_read)
        await asyncio.wait([read], timeout=FIRST_READ_S)

    def _note_first_read(self, read: "asyncio.Task[None]") -> None:
        """A bug in it ends the app like one in any other handler, also where it comes late."""
        if not read.cancelled() and read.exception() is not None:
            self.call_later(read.result)

    def on_screen_suspend(self) -> None:
        """A dialog covers it, or another screen is shown."""
        self.add_class("-covered")

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Shown again: what it shows may be old, and keys go to its list unless they went elsewhere."""
        # What was mounted a moment ago has its styles.
        event.refresh_styles = event.refresh_styles and self._was_shown
        self.remove_class("-covered")
        self.hive_app.dialog_was_closed()
        self._focus_list()
        if self._was_shown:
            self.post_message(HiveChanged())
        self._was_shown = True

    def _focus_list(self) -> None:
        """Give the keys to the list, unless they go elsewhere; a list that was hidden has lost them."""
        if self.focused is None:
            for table in self.query(KeyedTable):
                self.set_focus(table)

    @on(HiveChanged)
    async def _reload_all(self) -> None:
        if self.hive_app.screen is not self:
            return
        try:
            view = await self.hive_app.read_hive()
            self.query_one(HeaderBar).show(view, self.hive_app.screen_titles, self.TITLE_TEXT)
            await self.reload()
            self._focus_list()
        except HiveError as error:
            # What is shown stays; the next change, or the next look, reads again.
            self.query_one(HeaderBar).warn(error.what)
        self.draw_keys()
        self.draw_jobs()
        self.call_after_refresh(self.hive_app.begin)
