"""The forms that add a service, a webhook, or settings of one agent to the settings file."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hive_tui.services.settings_file import Look
from hive_tui.services.settings_text import Address
from hive_tui.settings import Settings
from hive_tui.settings.knobs import Knob, dotted, knobs
from hive_tui.settings.typed import text_of, value_of
from hive_tui.ui.dialogs import Choice, Form

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp
    from hive_tui.ui.setting_verbs import SettingVerbs

NEW = (("s", "services", "a service"), ("w", "webhooks", "a webhook"), ("a", "agents", "settings of one agent"))
ASKED = {
    "services": ("kind", "target", "start", "ports", "depends_on", "idle_minutes"),
    "webhooks": ("secret_file", "agents", "signature", "message"),
    "agents": ("needs", "models", "watch", "idle_after_minutes"),
}
"""What a new table is asked for; everything else has a default, and can be changed in its row."""
ALWAYS = ("kind",)
"""Written also where it is the default: a table with nothing in it would not be there."""
LABEL = 58
"""Letters that a label has room for on a screen of 80 columns; the row of the setting says more."""
SHORTER = {"ports": "TCP ports whose connections keep it running", "signature": "hive, or github for those of GitHub"}
NEEDED_BY = "needed_by"

Shown = Callable[[Address], None]


def ask_table(app: "HiveApp", verbs: "SettingVerbs", seen: Look, shown: Shown) -> None:
    """Ask what is to be added, then for what it needs.

    Args:
        app: The dashboard.
        verbs: What writes the file.
        seen: The file as it was read; it is not written if it is another one by then.
        shown: Told of the table once it was written.
    """

    def chosen(table: str | None) -> None:
        if table:
            ask_for(app, verbs, seen, table, shown)

    app.push_screen(Choice("What is to be added to the settings?", NEW), chosen)


def ask_for(app: "HiveApp", verbs: "SettingVerbs", seen: Look, table: str, shown: Shown = lambda _: None) -> None:
    """Ask for the name and the first settings of a new table; see `ask_table`."""
    title = f"Add {next(text for _, name, text in NEW if name == table)}"
    found = {one.key: one for one in knobs(Settings(), {table: [""]}) if one.table == (table, "")}
    asked = [found[key] for key in ASKED[table]]

    async def submit(said: dict[str, str]) -> None:
        address = (table, said["name"])
        values = values_of(address, asked, said) | _needs(seen.settings, said)
        name = dotted(address)
        await verbs.commit(seen, values, f"[{name}] was added; it counts at the next start", f"the new [{name}]")
        shown(address)

    fields = [("name", "name", ""), *((one.key, _label(one), text_of(one.default)) for one in asked)]
    if table == "services":
        fields.append((NEEDED_BY, "needed by: names of agents, with commas between them", ""))
    check = lambda said: _mistake(seen.settings, table, asked, said)  # noqa: E731 - as the other forms have it
    app.push_screen(Form(title, fields, "Add", check=check, submit=submit))


def values_of(table: Address, asked: list[Knob], said: Mapping[str, str]) -> dict[Address, Any]:
    """What is written: all that is not the default anyway."""
    return {
        (*table, one.key): value_of(one.kind, said[one.key])
        for one in asked
        if one.key in ALWAYS or said[one.key] not in ("", text_of(one.default))
    }


def _needs(settings: Settings, said: Mapping[str, str]) -> dict[Address, Any]:
    """The new service in what each agent needs, behind what it needs already."""
    needs: dict[Address, Any] = {}
    for agent in value_of(tuple[str, ...], said.get(NEEDED_BY, "")):
        known = settings.agents.get(agent)
        before = known.needs if known is not None else ()
        needs["agents", agent, "needs"] = [*before, said["name"]]
    return needs


def _label(one: Knob) -> str:
    what = SHORTER.get(one.key) or one.description.rstrip(".")
    while len(what) + len(one.key) > LABEL and (end := max(what.rfind(mark) for mark in ",;")) > 0:
        what = what[:end]
    is_word = what[1:2].islower()  # and not TCP
    return f"{one.key}: {what[:1].lower() if is_word else what[:1]}{what[1:]}"


def _mistake(settings: Settings, table: str, asked: list[Knob], said: Mapping[str, str]) -> str:
    name = said["name"]
    if not name:
        return "It needs a name."
    if name in getattr(settings, table):
        return f"There is [{dotted((table, name))}] already; Enter in its rows changes it."
    if not values_of((table, name), asked, said):
        return "Fill in one of them at least: settings that are all the default need no table."
    return ""
