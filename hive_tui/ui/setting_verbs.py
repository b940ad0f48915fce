"""What can be done to settings: the form that asks for a value, and changes of the file with their way back."""

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, get_args

from msgspec.structs import replace

from hive_tui.domain.errors import ConfigError, HiveError
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.services.settings_file import Change, Look, SettingsFile
from hive_tui.services.settings_text import UNSET, Address
from hive_tui.services.settings_view import SettingsView, SettingView, taken_up
from hive_tui.settings import Settings
from hive_tui.settings.knobs import dotted
from hive_tui.settings.masking import HIDDEN
from hive_tui.settings.measures import asked_with
from hive_tui.settings.typed import value_of
from hive_tui.ui.dialogs import Form
from hive_tui.ui.doing import Done
from hive_tui.ui.messages import HiveChanged
from hive_tui.ui.setting_rows import counts

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

NO_FILE = "This hive has no settings file, so nothing can be changed here."


class SettingVerbs:
    """Each change is checked, written and can be undone; refused where somebody else has written the file since."""

    def __init__(self, app: "HiveApp") -> None:
        self._app = app

    @property
    def file(self) -> SettingsFile:
        """The file that is changed.

        Raises:
            ConfigError: This hive has none.
        """
        path = self._app.hive.settings_file
        if path is None:
            raise ConfigError(NO_FILE, hint="Start the dashboard without `demo`.")
        return SettingsFile(path, self._app.hive.clock)

    def ask(self, view: SettingsView, one: SettingView) -> None:
        """Ask for the value of a setting, and of those that are right only together with it."""
        keys = asked_with(one.knob.table[0], one.knob.key)
        among = {other.knob.key: other for other in view.settings if other.knob.table == one.knob.table}
        asked = [among[key] for key in keys]

        async def submit(said: dict[str, str]) -> None:
            await self.write(view, values_of(asked, one, said))

        fields = [(each.knob.key, _label(each), "" if each.is_hidden else each.value) for each in asked]
        note = "\n".join(f"{each.knob.description}" for each in asked)
        form = Form(
            one.knob.name, fields, "Write", check=lambda said: _mistake(asked, said), submit=submit,
            note=f"{note}\nA change counts {counts(one)}.",
        )  # fmt: skip
        self._app.push_screen(form)

    async def write(self, view: SettingsView, values: Mapping[Address, Any]) -> None:
        """Write values into the file as it was seen.

        Raises:
            HiveError: It was changed meanwhile, a value is wrong, or it cannot be written; nothing was changed.
        """
        found = [one for one in view.settings if one.knob.address in values]
        names = " and ".join(one.knob.name for one in found)
        await self.commit(view.look, values, _said(found, values), f"the change of {names}")

    async def commit(self, seen: Look, values: Mapping[Address, Any], said: str, what: str) -> None:
        """The same, with words of its own for what was done."""
        written: list[Change] = []

        def work(_: MeasuredProgress) -> Done:
            change = self.file.change(values, seen=seen)
            written.append(change)
            return Done(said, undo=lambda: self._begin(self._take_back(change)))

        await self._app.verbs.doing.perform("", work, what=what)
        self._take_up(written[0].settings)

    def put_on(self, theme: str) -> None:
        """Change the theme, for good; where there is no file to write it into, until the end of the program."""
        hive = self._app.hive
        if hive.settings_file is None:
            hive.settings = replace(hive.settings, ui=replace(hive.settings.ui, theme=theme))
            self._app.dress()
        else:
            self._app.verbs.doing.press()
            self._begin(self._write_theme(theme))

    async def _write_theme(self, theme: str) -> None:
        seen = await self._app.in_thread(self.file.look)
        said = f"The theme is {theme} now; u undoes that"
        await self.commit(seen, {("ui", "theme"): theme}, said, "the change of ui.theme")

    def begin(self, view: SettingsView, values: Mapping[Address, Any]) -> None:
        """The same, told in toasts."""
        self._begin(self.write(view, values))

    def remove(self, view: SettingsView, table: Address) -> None:
        """Take a table that is named by a person out of the file, with all that stands in it."""
        said = f"[{dotted(table)}] was removed; it counts at the next start"
        self._begin(self.commit(view.look, {table: UNSET}, said, f"the removal of [{dotted(table)}]"))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        async def told() -> None:
            try:
                await work
            except HiveError as error:
                self._app.toast_error(error)
                self._app.post_message(HiveChanged())

        self._app.run_worker(told(), group="settings")

    async def _take_back(self, change: Change) -> None:
        self._take_up(await self._app.in_thread(lambda: self.file.put_back(change)))

    def _take_up(self, written: Settings) -> None:
        """Go by what may change at once."""
        hive = self._app.hive
        before, hive.settings = hive.settings, taken_up(hive.settings, written)
        if before.ui != hive.settings.ui:
            self._app.dress()
        self._app.post_message(HiveChanged())


def values_of(asked: list[SettingView], chosen: SettingView, said: Mapping[str, str]) -> dict[Address, Any]:
    """What a form says, of several settings only what was changed; what is hidden and was not written anew stays."""
    values: dict[Address, Any] = {}
    for one in asked:
        text = said[one.knob.key]
        before = "" if one.is_hidden else one.value
        if text != before or (len(asked) == 1 and not one.is_hidden):
            is_nothing = not text and type(None) in get_args(one.knob.kind)
            values[one.knob.address] = UNSET if is_nothing else value_of(one.knob.kind, text)
    return values or {chosen.knob.address: value_of(chosen.knob.kind, said[chosen.knob.key])}


def _mistake(asked: list[SettingView], said: Mapping[str, str]) -> str:
    if any(HIDDEN in text for text in said.values()):
        return f"{HIDDEN} stands for what is hidden. Write the whole value."
    if all(one.is_hidden and not said[one.knob.key] for one in asked):
        return "Write the whole value; it is hidden, so it cannot be changed in part. Escape leaves it as it is."
    return ""


def _label(one: SettingView) -> str:
    known = "hidden: write all of it anew" if one.is_hidden else f"default {one.default or 'empty'}"
    return f"{one.knob.key}: {one.knob.unit} ({known})"


def _said(found: list[SettingView], values: Mapping[Address, Any]) -> str:
    names = " and ".join(one.knob.name for one in found)
    is_default = all(value is UNSET for value in values.values())
    verb = "has its default again" if is_default else "was written"
    return f"{names} {verb}{'' if all(one.knob.is_at_once for one in found) else '; it counts at the next start'}"
