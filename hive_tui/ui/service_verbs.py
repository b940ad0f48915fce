"""What can be done to services and models, and the questions before it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from hive_tui.domain.events import Actor
from hive_tui.domain.idle_sleep import PRESETS, WIRE_NAMES, IdleSleepPolicy
from hive_tui.domain.models import ModelRecord
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.domain.services import Desired
from hive_tui.hive import Hive
from hive_tui.services.machine_view import MachineView, ServiceView
from hive_tui.ui.dialogs import Choice, Confirm
from hive_tui.ui.doing import Doing, Done

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

NEXT = {Desired.AUTO: Desired.ON, Desired.ON: Desired.OFF, Desired.OFF: Desired.AUTO}
MEANING = {
    Desired.AUTO: "it runs for the agents that need it",
    Desired.ON: "it always runs",
    Desired.OFF: "it is stopped once nobody uses it, and no agent wakes it",
}


class ServiceVerbs:
    """Start, stop, unload, and what holds for all, each with its way back."""

    def __init__(self, doing: Doing, hive: Hive, actor: Actor) -> None:
        self._doing = doing
        self._hive = hive
        self._actor = actor

    def start(self, name: str) -> None:
        """Start a service and what it depends on, and wait until it is ready."""

        def work(_: MeasuredProgress) -> Done:
            self._hive.machine.start_service(name, self._actor)
            self._look_again()
            return Done(f"{name} runs and is ready", undo=lambda: self.stop(name))

        self._doing.begin(f"start {name}", work, what=f"the start of {name}")

    def stop(self, name: str, *, force: bool = False) -> None:
        """Stop a service, unless it is in use."""

        def work(_: MeasuredProgress) -> Done:
            did = self._hive.machine.sleep_service(name, self._actor, force=force)
            self._look_again()
            if not did:
                return Done(f"{name} did not run", refusal="nothing was changed.")
            note = self._hive.machine.comes_back(name)
            said = f"{name} has stopped{f'; {note}' if note else ''}"
            return Done(said, undo=lambda: self.start(name))

        self._doing.begin(f"stop {name}", work, what=f"the stop of {name}")

    def cycle(self, one: ServiceView) -> None:
        """The next of auto, on and off."""
        name, before = one.service.name, one.record.desired
        wanted = NEXT[before]

        def set_to(desired: Desired) -> Callable[[], object]:
            return lambda: self._hive.machine.keeper.set_desired(name, desired, self._actor)

        def work(_: MeasuredProgress) -> Done:
            set_to(wanted)()
            return Done(f"{name} is to be {wanted}: {MEANING[wanted]}", undo=lambda: self._doing.change(set_to(before)))

        self._doing.begin("", work, what=f"the wish for {name}")

    def unload(self, model: ModelRecord) -> None:
        """Unload a model, and see that it is gone."""

        def work(_: MeasuredProgress) -> Done:
            self._hive.machine.unload_model(model.key, self._actor)
            return Done(f"{model.key} was unloaded", undo=lambda: self.load(model.key))

        self._doing.begin(f"unload {model.key}", work, what=f"the unload of {model.key}")

    def load(self, key: str) -> None:
        """Load a model, and wait for that."""

        def work(_: MeasuredProgress) -> Done:
            self._hive.machine.models.preload([key], self._actor)
            self._look_again()
            return Done(f"{key} is loaded", refusal="z unloads it.")

        self._doing.begin(f"load {key}", work, what=f"the load of {key}")

    def preset(self, name: str) -> None:
        """Take all figures of a preset, with its switch."""

        def work(_: MeasuredProgress) -> Done:
            before = self._hive.machine.policy()
            policy = self._hive.machine.use_preset(name, self._actor)
            return Done(f"Idle sleep is {_on(policy)}, {name}", undo=self._put_back(before))

        self._doing.begin("", work, what=f"the preset {name}")

    def switch(self, enabled: bool) -> None:
        """Switch idle sleep on or off."""

        def work(_: MeasuredProgress) -> Done:
            before = self._hive.machine.policy()
            policy = self._hive.machine.change_settings(self._actor, idleSleepEnabled=enabled)
            return Done(f"Idle sleep is {_on(policy)}", undo=self._put_back(before))

        self._doing.begin("", work, what="the switch of idle sleep")

    def _put_back(self, before: IdleSleepPolicy) -> Callable[[], None]:
        figures = {wire: getattr(before, name) for wire, name in WIRE_NAMES.items()}
        return lambda: self._doing.change(lambda: self._hive.machine.change_settings(self._actor, **figures))

    def _look_again(self) -> None:
        self._hive.machine.refresh()


def ask_force(app: "HiveApp", one: ServiceView) -> None:
    """Stop a service although it may be in use, after a question."""
    lines = [one.record.reason or one.record.detail or "It was not looked at yet."]
    lines += [f"Agents that need it and are awake: {', '.join(one.awake)}."] if one.awake else []
    lines += ["Whatever it does now is lost."]

    def answered(yes: bool | None) -> None:
        if yes:
            app.verbs.doing.press()
            app.verbs.services.stop(one.service.name, force=True)

    app.push_screen(Confirm(f"Stop {one.service.name} although it may be in use?", lines, "Stop"), answered)


def ask_switch(app: "HiveApp", view: MachineView) -> None:
    """Switch idle sleep on or off, after a question."""
    policy, is_on = view.policy, view.policy.enabled
    if is_on:
        question, lines = "Switch idle sleep off?", ["Services and models then run until somebody stops them."]
    else:
        question = "Switch idle sleep on?"
        sleepers = [one.service.name for one in view.services if one.sleeps_unasked]
        lines = [
            f"Stopped after {policy.idle_minutes:g} min without any use: {', '.join(sleepers) or 'no service'}.",
            f"Unloaded after {policy.model_keep_alive_hours:g} h: models of {', '.join(view.servers) or 'no server'}.",
        ]

    def answered(yes: bool | None) -> None:
        if yes:
            app.verbs.doing.press()
            app.verbs.services.switch(not is_on)

    app.push_screen(Confirm(question, lines, "Switch off" if is_on else "Switch on"), answered)


def ask_preset(app: "HiveApp") -> None:
    """Choose a preset."""
    options = [
        (
            name[0],
            name,
            f"{name}: {figures['idle_minutes']:g} min, models {figures['model_keep_alive_hours']:g} h, "
            f"look each {figures['check_minutes']:g} min, {'on' if figures['enabled'] else 'off'}",
        )
        for name, figures in PRESETS.items()
    ]

    def chosen(name: str | None) -> None:
        if name:
            app.verbs.doing.press()
            app.verbs.services.preset(name)

    app.push_screen(Choice("Figures of the idle sleep", options), chosen)


def _on(policy: IdleSleepPolicy) -> str:
    return "on" if policy.enabled else "off"
