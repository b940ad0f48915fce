"""Questions and help that cover the screen."""

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Label, Static


class Confirm(ModalScreen[bool]):
    """One question with what would happen; Enter or y says yes, Escape or n says no."""

    BINDINGS = [Binding("y", "answer(True)", "Yes"), Binding("n,escape", "answer(False)", "No")]

    def __init__(self, question: str, lines: Sequence[str], yes: str = "Yes") -> None:
        super().__init__()
        self._question = question
        self._lines = lines
        self._yes = yes

    def compose(self) -> ComposeResult:
        """Question, details, two buttons."""
        with VerticalScroll(id="dialog"):
            yield Label(self._question, id="question")
            yield Static(Text("\n".join(self._lines)), id="dialog-text")
            with Horizontal(id="buttons"):
                yield Button(f"{self._yes} (y)", variant="primary", id="yes")
                yield Button("No (n)", id="no")

    def on_mount(self) -> None:
        """No is the default: Enter by accident changes nothing."""
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, pressed: Button.Pressed) -> None:
        """The mouse, or Enter on a button."""
        self.dismiss(pressed.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """The keyboard."""
        self.dismiss(answer)


class Help(ModalScreen[None]):
    """The keys of the screen below."""

    BINDINGS = [Binding("escape,question_mark,q", "dismiss", "Close")]

    def __init__(self, title: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._keys = keys

    def compose(self) -> ComposeResult:
        """A line a key."""
        width = max(len(key) for key, _ in self._keys)
        text = Text()
        for key, description in self._keys:
            text.append(f"{key:>{width}}  ", style="bold")
            text.append(f"{description}\n")
        with VerticalScroll(id="dialog"):
            yield Label(self._title, id="question")
            yield Static(text, id="dialog-text")


class Reading(ModalScreen[None]):
    """Text to read: the explanation of an agent."""

    BINDINGS = [Binding("escape,q,e,enter", "dismiss", "Close")]

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Title and text."""
        with VerticalScroll(id="dialog"):
            yield Label(self._title, id="question")
            yield Static(Text("\n".join(self._lines)), id="dialog-text")
