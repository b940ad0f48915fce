"""A small app with the dashboard's driver, in a terminal of its own: says what was typed, and sleeps meanwhile."""

import os
import threading
from pathlib import Path

from textual.app import App
from textual.events import Key

from hive_tui.ui import quiet_input


class TypingApp(App[None]):
    """Writes each key behind the one before; `s` gives the terminal away for a moment, `q` ends it."""

    def on_mount(self) -> None:
        """From now on keys are heard."""
        self.bell("ready")

    def on_key(self, event: Key) -> None:
        """Say it, and how often its thread has woken up so far."""
        if event.key == "s":
            with self.suspend():
                pass
        (thread,) = [one for one in threading.enumerate() if one.name == "textual-input"]
        status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
        woken = next(line.split()[1] for line in status.splitlines() if line.startswith("voluntary"))
        self.bell(f"{event.key}:{woken}")
        if event.key == "q":
            self.exit()

    def bell(self, said: str = "") -> None:
        """Beside the screen."""
        os.write(1, f"<{said}>".encode())


if __name__ == "__main__":
    quiet_input.AWAKE_S = 0.2
    app = TypingApp()
    app.driver_class = quiet_input.quiet(app.driver_class)
    app.run()
