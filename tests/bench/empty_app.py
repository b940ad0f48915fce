"""The least that Textual can do: an app with one word on it. `python -m tests.bench.empty_app`."""

from textual.app import App, ComposeResult
from textual.widgets import Static

WORD = "nothing-else-is-here"


class EmptyApp(App[None]):
    """Draws a word and waits."""

    def compose(self) -> ComposeResult:
        yield Static(WORD)


if __name__ == "__main__":
    EmptyApp().run()
