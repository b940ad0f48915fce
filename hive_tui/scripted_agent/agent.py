"""How the scripted agent behaves."""

import os
import shlex
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hive_tui.scripted_agent.script import Script
from hive_tui.scripted_agent.session import Session, StatusFile
from hive_tui.scripted_agent.terminal import Terminal

if TYPE_CHECKING:
    import subprocess

PROMPT = "» "
COMMANDS = {
    "/work": "SECONDS: work, then answer",
    "/ask": "COMMAND: ask for permission to run it",
    "/question": "TEXT: ask a question",
    "/bg": "SECONDS: start a process in the background",
    "/limit": "SECONDS: hit a usage limit that resets after that time",
    "/error": "show an API error",
    "/grow": "MEGABYTES: use more memory",
    "/clear": "begin a new conversation",
    "/crash": "die like by kill -9",
    "/quit": "exit",
}


class Quit(Exception):
    """The agent ends by itself."""


class ScriptedAgent:
    """One conversation at a terminal."""

    def __init__(self, options: Namespace, home: Path, terminal: Terminal) -> None:
        self.session = Session(home, options.resume)
        self._home = home
        self._options = options
        self._terminal = terminal
        self._status_file = StatusFile(home)
        self._script = Script(home)
        self._answer_to_give = ""
        self._status = "starting"
        self._draft = ""
        self._until = 0.0
        self._asked = ""
        self._background: list[subprocess.Popen[bytes]] = []
        self._helpers = [_child("1000000") for _ in range(options.helpers)]
        self._ballast: list[bytes] = []
        self._interrupted_at = 0.0

    def run(self) -> None:
        """Live until told to quit."""
        self._start()
        while True:
            for key in self._terminal.keys(0.05):
                self._press(key)
            self._pass_time()

    def leave(self) -> None:
        """Exit gracefully: helpers ended, status file gone."""
        if not self._options.leave_helpers:
            for child in (*self._helpers, *self._background):
                child.kill()
        self._status_file.remove()

    def _start(self) -> None:
        self._note("starting")
        self._terminal.line("scripted agent · " + str(Path.cwd()).replace(str(Path.home()), "~", 1))
        time.sleep(self._options.slow_start)
        for text in self.session.user_messages:
            self._terminal.line(f"{PROMPT}{text}")
        if self.session.messages:
            self._terminal.line(f"(resumed with {len(self.session.user_messages)} messages)")
        if self._options.dialog:
            self._asked = "dialog"
            self._terminal.line("Do you trust the files in this folder?\n  1. Yes  2. No, exit")
            self._note("dialog")
        else:
            self._idle()

    def _press(self, key: str) -> None:
        if key == "\x03":
            self._interrupt()
        elif key == "\x04" and not self._draft:
            raise Quit
        elif self._status in ("permission", "question", "dialog"):
            self._answer(key)
        elif key in "\r\n" and len(key) == 1:
            text, self._draft = self._draft, ""
            if text.strip():
                self._submit(text.strip())
        elif key == "\x7f":
            self._draft = self._draft[:-1]
        elif key == "\x15":
            self._draft = ""
        elif key.isprintable() or len(key) > 1:
            self._draft += key
        self._draw()

    def _submit(self, text: str) -> None:
        self._terminal.line(f"{PROMPT}{text}")
        word, _, rest = text.partition(" ")
        if word == "/quit":
            raise Quit
        if word == "/clear":
            self.session = Session(self._home)
            self._idle()
            return
        self.session.say("user", text)
        part = self._script.part(text)
        self._answer_to_give = part.says
        word, _, rest = part.does.partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "/work": self._work,
            "/ask": lambda what: self._ask("permission", f"Allow to run `{what}`? (y/n)", what),
            "/question": lambda what: self._ask("question", f"{what} (type y or n)", what),
            "/bg": self._start_background,
            "/limit": self._limit,
            "/error": lambda _: self._fail(),
            "/grow": self._grow,
            "/crash": lambda _: os.kill(os.getpid(), signal.SIGKILL),
        }
        commands.get(word, self._reply)(rest)

    def _reply(self, _: str = "") -> None:
        said = self.session.user_messages
        self._tell(self._answer_to_give or f"I see {len(said)} message(s); the first was [{said[0]}]")

    def _tell(self, text: str) -> None:
        self.session.say("assistant", text)
        self._terminal.line(f"● {text}")
        self._idle()

    def _work(self, seconds: str) -> None:
        self._until = time.time() + float(seconds or 5)
        self._note("working")

    def _ask(self, status: str, text: str, what: str) -> None:
        self._asked = what
        self._terminal.line(text)
        self._note(status)

    def _answer(self, key: str) -> None:
        if key not in ("y", "n", "1", "2"):
            return
        if self._asked == "dialog":
            if key in ("2", "n"):
                raise Quit
            self._idle()
        else:
            self._tell(f"{'done' if key in ('y', '1') else 'not done'}: {self._asked}")

    def _start_background(self, seconds: str) -> None:
        self._background.append(_child(seconds or "30"))
        self._tell(f"started a background process for {seconds} s")

    def _limit(self, seconds: str) -> None:
        self._until = time.time() + float(seconds or 60)
        resets = time.strftime("%H:%M:%S", time.gmtime(self._until))
        self._terminal.line(f"You've hit your usage limit · resets {resets} (UTC)")
        self._note("limited", limitResetsAt=self._until)

    def _fail(self) -> None:
        self._terminal.line("API Error: 529 Overloaded")
        self._note("error")

    def _grow(self, megabytes: str) -> None:
        self._ballast.append(b"\x01" * (int(megabytes) * 1_000_000))
        self._tell(f"grown by {megabytes} MB")

    def _interrupt(self) -> None:
        if time.time() - self._interrupted_at < 1 or (self._status == "idle" and not self._draft):
            raise Quit
        self._interrupted_at, self._draft = time.time(), ""
        self._idle()

    def _pass_time(self) -> None:
        ended = [child for child in self._background if child.poll() is not None]
        if ended:
            self._background = [child for child in self._background if child not in ended]
            self._note(self._status)
        if self._status in ("working", "limited") and time.time() >= self._until:
            if self._status == "working":
                self._reply()
            else:
                self._idle()
        elif self._status == "working":
            self._draw()

    def _idle(self) -> None:
        self._note("idle")

    def _note(self, status: str, **more: object) -> None:
        self._status = status
        running = [f"sleep (pid {child.pid})" for child in self._background if child.poll() is None]
        self._status_file.write(self.session, status, background=running, **more)
        self._terminal.title(f"scripted · {status}")
        self._draw()

    def _draw(self) -> None:
        if self._status == "working":
            self._terminal.prompt(f"✻ Working… ({max(0, self._until - time.time()):.0f}s · esc to interrupt)")
        elif self._status in ("idle", "limited") or self._draft:
            self._terminal.prompt(PROMPT + self._draft.replace("\n", "⏎"))


def _child(seconds: str) -> "subprocess.Popen[bytes]":
    import subprocess

    return subprocess.Popen(["sleep", seconds], stdin=subprocess.DEVNULL)


def resume_line(session: Session) -> str:
    """What a graceful exit prints."""
    return f"To resume this conversation: {shlex.join(sys.orig_argv[:3])} --resume {session.id}"
