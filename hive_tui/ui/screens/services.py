"""The services and models of the machine, and why each is not put to sleep."""

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from hive_tui.domain.models import ModelRecord
from hive_tui.services.machine_view import MachineView, ServiceView
from hive_tui.ui.format import detail_lines
from hive_tui.ui.messages import HiveChanged
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.service_rows import MODEL, SERVICE_COLUMNS, machine_rows, model_details, policy_line, service_details
from hive_tui.ui.service_verbs import ask_force, ask_preset, ask_switch
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady

LOOK_EVERY_S = 10.0
NOTHING = "There is no service and no model here; a adds a service, and the text above says more."
EMPTY = """No services and no model servers yet.

Agents need more than their own process: a vector database in a
container, a browser, a model in VRAM. hive-tui puts them to sleep while
nobody uses them, and has them ready when an agent that needs them wakes.
a  adds a service, as it would stand in the settings file:

  [services.qdrant]
  kind = "docker"                      # or systemd, or command

  [models]
  ollama = "http://127.0.0.1:11434"

  [agents.shop]
  needs = ["qdrant"]

Nothing is put to sleep before you switch it on here.
"""


class ServicesScreen(HiveScreen):
    """What the agents need beside their own processes."""

    TITLE_TEXT = "Services"
    BINDINGS = [
        Binding("w", "start", "Start the selected service, and what it depends on"),
        Binding("z", "sleep", "Stop the selected service unless it is in use, or unload the selected model"),
        Binding("Z", "force", "Stop the selected service although it is in use, after a question"),
        Binding("a", "add", "Add a service to the settings file"),
        Binding("d", "desired", "What is wanted of the selected service: auto, on, off"),
        Binding("b", "preset", "Choose the figures of the idle sleep"),
        Binding("o", "switch", "Switch idle sleep on or off, after a question"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: MachineView | None = None
        self._looked_s = float("-inf")

    def body(self) -> ComposeResult:
        """What holds for all, the table, and the selected one."""
        yield Static(EMPTY, id="no-services", markup=False)
        yield Steady(id="policy")
        yield KeyedTable(SERVICE_COLUMNS, id="services")
        yield Steady(id="service")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw what is known; what was not looked at for a while is looked at beside it."""
        machine = self.hive_app.hive.machine
        is_on = machine.is_on
        self.query_one("#no-services").display = not is_on
        for name in ("#policy", "#services"):
            self.query_one(name).display = is_on
        self._view = await self.hive_app.in_thread(machine.view) if is_on else None
        if self._view is not None:
            self.query_one(KeyedTable).show(machine_rows(self._view))
            line, enabled = policy_line(self._view)
            self.query_one("#policy", Steady).put(Text(line, style="bold" if enabled else "", no_wrap=True))
            self._look_if_due()
        self._draw_details()

    def _look_if_due(self) -> None:
        now = self.hive_app.hive.clock.monotonic()
        if now - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = now
            self.run_worker(self._look(), group="look", exclusive=True)

    async def _look(self) -> None:
        await self.hive_app.in_background(self.hive_app.hive.machine.refresh)
        self.post_message(HiveChanged())

    def keys(self) -> list[Key]:
        """What can be done with the selected one."""
        add = Key("a", "Add", "screen.add")
        if self._view is None:
            return [add]
        switch = Key("o", "Switch off" if self._view.policy.enabled else "Switch on", "screen.switch")
        common = [Key("b", "Preset", "screen.preset"), switch, add]
        if self.model is not None:
            return [Key("z", "Unload", "screen.sleep"), *common]
        service = self.service
        if service is None:
            return common
        first = Key("w", "Start", "screen.start")
        if service.record.actual in ("running", "starting"):
            first = Key("z", "Stop", "screen.sleep")
        return [first, Key("d", "Desired", "screen.desired"), *common]

    @property
    def service(self) -> ServiceView | None:
        """The service under the cursor."""
        key = self.query_one(KeyedTable).selected_key
        found = self._view.services if self._view else ()
        return next((one for one in found if one.service.name == key), None)

    @property
    def model(self) -> ModelRecord | None:
        """The model under the cursor."""
        key = self.query_one(KeyedTable).selected_key
        found = self._view.models if self._view else ()
        return next((one for one in found if MODEL + one.key == key), None)

    @on(KeyedTable.RowHighlighted)
    def _selected(self) -> None:
        self._draw_details()
        self.draw_keys()

    def _draw_details(self) -> None:
        service, model, view = self.service, self.model, self._view
        lines: list[tuple[str, str]] = []
        if view is not None and service is not None:
            lines += service_details(service, view)
        if view is not None and model is not None:
            lines += model_details(model, view.at)
        if view is not None:
            lines += [("!", said) for said in view.trouble.values()]
        box = self.query_one("#service", Steady)
        box.display = bool(lines)
        box.put(detail_lines(lines, self.size.width - 2))

    def action_start(self) -> None:
        """Start the selected service."""
        if one := self._service_or_refused():
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.services.start(one.service.name)

    def action_sleep(self) -> None:
        """Stop the selected service, or unload the selected model."""
        if model := self.model:
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.services.unload(model)
        elif one := self._service_or_refused():
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.services.stop(one.service.name)

    def action_force(self) -> None:
        """Stop the selected service although it is in use."""
        if one := self._service_or_refused():
            ask_force(self.hive_app, one)

    async def action_add(self) -> None:
        """Ask for a service that the settings file is to name."""
        from hive_tui.ui.setting_verbs import NO_FILE, SettingVerbs
        from hive_tui.ui.table_forms import ask_for

        if self.hive_app.hive.settings_file is None:
            self.refuse(NO_FILE)
            return
        self.hive_app.verbs.doing.press()
        verbs = SettingVerbs(self.hive_app)
        ask_for(self.hive_app, verbs, await self.hive_app.in_thread(verbs.file.look), "services")

    def action_desired(self) -> None:
        """What is wanted of the selected service."""
        if one := self._service_or_refused():
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.services.cycle(one)

    def action_preset(self) -> None:
        """Choose the figures of the idle sleep."""
        if self._view is None:
            self.refuse(NOTHING)
        else:
            ask_preset(self.hive_app)

    def action_switch(self) -> None:
        """Switch idle sleep on or off."""
        if self._view is None:
            self.refuse(NOTHING)
        else:
            ask_switch(self.hive_app, self._view)

    def _service_or_refused(self) -> ServiceView | None:
        one = self.service
        if one is None:
            self.refuse(NOTHING if self.model is None else "That is a model; z unloads it.")
        return one
