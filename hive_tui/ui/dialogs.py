"""Questions and help that cover the screen."""

from collections.abc import Awaitable, Callable, Sequence

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from hive_tui.domain.errors import HiveError
from hive_tui.ui.format import printable


class Confirm(ModalScreen[bool]):
    """One question with what would happen; y says yes, n, Escape and Enter say no."""

    BINDINGS = [Binding("y", "answer(True)", "Yes"), Binding("n,escape", "answer(False)", "No")]
    AUTO_FOCUS = "#no"
    """Enter by accident changes nothing."""

    def __init__(self, question: str, lines: Sequence[str], yes: str = "Yes") -> None:
        super().__init__()
        self._question = question
        self._lines = lines
        self._yes = yes

    def compose(self) -> ComposeResult:
        """Question, details, two buttons."""
        with Vertical(id="dialog"):
            yield Label(Text(printable(self._question)), id="question")
            with VerticalScroll(id="dialog-scroll"):
                yield Static(Text(printable("\n".join(self._lines))), id="dialog-text")
            with Horizontal(id="buttons"):
                yield Button(f"{self._yes} (y)", variant="primary", id="yes", compact=True)
                yield Button("No (n)", id="no", compact=True)

    def on_button_pressed(self, pressed: Button.Pressed) -> None:
        """The mouse, or Enter on a button."""
        self.dismiss(pressed.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """The keyboard."""
        self.dismiss(answer)


class Choice(ModalScreen[str]):
    """One of several; a letter, a click, or the arrows and Enter choose. Escape chooses nothing."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("down,j", "app.focus_next", "Down", show=False),
        Binding("up,k", "app.focus_previous", "Up", show=False),
    ]

    def __init__(self, question: str, options: Sequence[tuple[str, str, str]]) -> None:
        """Make the dialog.

        Args:
            question: What is to be chosen.
            options: Key, value and text of each.
        """
        super().__init__()
        self._question = question
        self._options = options

    def compose(self) -> ComposeResult:
        """Question, a button each, and one to cancel."""
        with VerticalScroll(id="dialog", can_focus=False):
            yield Label(Text(printable(self._question)), id="question")
            for key, _, text in self._options:
                yield Button(Text(printable(f"{key}  {text}")), id=f"choice-{key}", compact=True)
            yield Button("Cancel (Esc)", id="no", compact=True)

    @on(Button.Pressed)
    def _pressed(self, pressed: Button.Pressed) -> None:
        self._choose((pressed.button.id or "").removeprefix("choice-"))

    def on_key(self, event: Key) -> None:
        """A letter chooses at once, and is not a key of the screen below as well."""
        if self._choose(event.key):
            event.stop()
            event.prevent_default()

    def _choose(self, key: str) -> bool:
        found = {key: value for key, value, _ in self._options}
        is_one = key in found or key == "no"
        if is_one:
            self.dismiss(found.get(key))
        return is_one


class Form(ModalScreen[None]):
    """A few lines to fill in; Enter in the last one, or the button, sends them. What was filled in stays until then."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(
        self,
        title: str,
        fields: Sequence[tuple[str, str, str]],
        yes: str,
        *,
        check: Callable[[dict[str, str]], str],
        submit: Callable[[dict[str, str]], Awaitable[None]],
        note: str = "",
    ) -> None:
        """Make the form.

        Args:
            title: What it is for.
            fields: Name, label and first text of each line.
            yes: What the button says.
            check: What is wrong with what was filled in; empty for nothing.
            submit: Does what it is for. The form stays until that is done; a `HiveError` is shown in it.
            note: What is to be known before, below the title.
        """
        super().__init__()
        self._submit = submit
        self._note = note
        self._is_sent = False
        self._title = title
        self._fields = fields
        self._yes = yes
        self._check = check

    def compose(self) -> ComposeResult:
        """A label and a line each, then two buttons."""
        with VerticalScroll(id="dialog"):
            yield Label(Text(printable(self._title)), id="question")
            if self._note:
                yield Static(Text(printable(self._note)), id="form-note")
            for name, label, text in self._fields:
                yield Label(Text(printable(label)))
                yield Input(text, id=f"field-{name}", compact=True)
            yield Static(id="form-error")
            with Horizontal(id="buttons"):
                yield Button(self._yes, variant="primary", id="yes", compact=True)
                yield Button("Cancel (Esc)", id="no", compact=True)

    def on_mount(self) -> None:
        """Type into the first line that is empty."""
        for box in sorted(self.query(Input), key=lambda box: bool(box.value))[:1]:
            box.focus()

    @on(Input.Submitted)
    def _next(self, submitted: Input.Submitted) -> None:
        boxes = list(self.query(Input))
        at = boxes.index(submitted.input)
        if at + 1 < len(boxes):
            # At once: what is typed fast must not end up in the line before.
            self.set_focus(boxes[at + 1])
        else:
            self._send()

    @on(Button.Pressed)
    def _pressed(self, pressed: Button.Pressed) -> None:
        if pressed.button.id == "yes":
            self._send()
        else:
            self.dismiss(None)

    def _send(self) -> None:
        said = {name: self.query_one(f"#field-{name}", Input).value.strip() for name, _, _ in self._fields}
        wrong = self._check(said)
        self._say(wrong)
        if not wrong and not self._is_sent:
            self._is_sent = True
            # A worker of the app: the form may be closed before it has ended.
            self.app.run_worker(self._send_off(said), group="form")

    async def _send_off(self, said: dict[str, str]) -> None:
        self._say("One moment ...")
        try:
            await self._submit(said)
        except HiveError as error:
            self._is_sent = False
            if self.is_current:
                self._say(f"{error.what} {error.hint}".strip())
            else:
                self.app.notify(f"{error.what}\n{error.hint}".strip(), severity="error", timeout=12)
            return
        if self.is_current:
            self.dismiss(None)

    def _say(self, sentence: str) -> None:
        error = self.query_one("#form-error", Static)
        error.update(Text(printable(sentence)))
        error.scroll_visible(animate=False)


class Help(ModalScreen[None]):
    """The keys of the screen below."""

    BINDINGS = [Binding("escape,question_mark,q", "dismiss", "Close")]

    def __init__(self, title: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._keys = keys

    def compose(self) -> ComposeResult:
        """A line a key."""
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", style="bold", no_wrap=True)
        table.add_column()
        for key, description in self._keys:
            table.add_row(Text(key), Text(description))
        with VerticalScroll(id="dialog"):
            yield Label(self._title, id="question")
            yield Static(table, id="dialog-text")
