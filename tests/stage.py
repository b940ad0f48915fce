"""A stage for end-to-end tests: real tmux on a private socket, real agents, a real hive."""

import json
import os
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from libtmux import Pane, Server

from hive_tui.adapters.clock import SystemClock, wait_until
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.events import Actor, Event
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.hive import Hive
from hive_tui.services.nap import NapRequest, NapResult
from hive_tui.settings import QueueSettings, RetrySettings, Settings
from hive_tui.store import agents as agent_store
from tests import forked
from tests.migrated import home_with_database

ROOT = Path(__file__).parent.parent
CLOCK = SystemClock()
TESTER = Actor.person("test")
INTERPRETER = len([sys.executable])
AGENT = f"{sys.executable} -m hive_tui.scripted_agent"
PROMPT = "here$ "
SHELL = f"exec env 'PS1={PROMPT}' bash --norc --noprofile -i"
"""An interactive shell with a known prompt; an outer `sh -c` would drop an exported PS1."""


class Heard:
    """A notifier that keeps what it was told."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []

    def notify(self, title: str, body: str) -> str:
        self.messages.append((title, body))
        return "heard"

    def probe(self) -> str:
        return "a test listens"


def eventually(condition: Callable[[], object], what: str = "", *, timeout_s: float = 20.0) -> None:
    """Wait for a condition; fail with its name if it does not come true."""
    assert wait_until(lambda: bool(condition()), timeout_s=timeout_s, clock=CLOCK, every_s=0.03), (
        what or "the condition did not come true"
    )


class Stage:
    """Everything that an end-to-end test needs; what it starts, it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.agents_home = folder / "agents"
        self.socket = f"hive-test-{uuid.uuid4().hex[:8]}"
        self.notifier = Heard()
        self.events: list[Event] = []
        self.server = Server(socket_name=self.socket, config_file="/dev/null")
        self.hive = self.new_hive()

    def __enter__(self) -> Self:
        self.agents_home.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hive.close()
        started = self._agents_and_helpers()
        self.tmux("kill-server", check=False)
        Path(f"/tmp/tmux-{os.getuid()}/{self.socket}").unlink(missing_ok=True)
        for process in started:
            self.hive.processes.signal(process, signal.SIGKILL)

    def _agents_and_helpers(self) -> list[ProcessId]:
        """An agent that is killed cannot end its helpers, and the shell that loses it does not hang up on them."""
        table = self.hive.processes.table()
        pids = [int(file.stem) for file in self.agents_home.glob("sessions/*.json")]
        agents = [pid for pid in pids if "scripted_agent" in " ".join(self.hive.processes.argv(pid))]
        return [one.id for pid in agents for one in table.tree(pid)]

    @property
    def environment(self) -> dict[str, str]:
        """A small clean environment: nothing of the developer's."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "SHELL": "/bin/bash",
            "HIVE_SCRIPTED_HOME": str(self.agents_home),
            "PYTHONPATH": str(ROOT),
        }

    def new_hive(self, **settings: Any) -> Hive:
        """Another hive on the same home, as another process would have it."""
        # Waits that have tests of their own would make all the others slow.
        no_waits = QueueSettings(debounce_s=0, cooldown_s=0, stagger_s=0, breaker_failures=0)
        settings.setdefault("queue", no_waits)
        chosen = Settings(retry=RetrySettings(waits_s=(0.2, 0.2, 0.2, 0.2)), **settings)
        hive = Hive(self.home, chosen, self.socket, notifier=self.notifier)
        hive.hub.subscribe(self.events.append)
        return hive

    def tmux(self, *arguments: str, check: bool = True) -> str:
        """Run a tmux command on the private server."""
        command = ["tmux", "-L", self.socket, "-f", "/dev/null", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=20)
        assert not check or done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout.strip()

    def folder_for(self, name: str) -> Path:
        """A folder to work in."""
        folder = self.folder / "work" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def repository(self, name: str) -> Path:
        """A git repository with one commit, something staged, something changed and something untracked."""
        folder = self.folder_for(name)
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(folder)]
        (folder / "kept.txt").write_text("first\n")
        for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
            subprocess.run([*git, *arguments], check=True, capture_output=True, env=self.environment)
        (folder / "kept.txt").write_text("first\nchanged\n")
        (folder / "staged.txt").write_text("staged\n")
        subprocess.run([*git, "add", "staged.txt"], check=True, env=self.environment)
        (folder / "untracked.txt").write_text("untracked\n")
        return folder

    def shell(self, folder: Path, *, session: str = "", command: str = SHELL) -> str:
        """A new window with an interactive shell at its prompt; its pane id."""
        if session or self.tmux("list-sessions", check=False) == "":
            name = session or "main"
            made = self.tmux(
                "new-session",
                "-d",
                "-s",
                name,
                "-x",
                "100",
                "-y",
                "30",
                "-c",
                str(folder),
                "-PF",
                "#{pane_id}",
                command,
            )
        else:
            made = self.tmux("new-window", "-d", "-c", str(folder), "-PF", "#{pane_id}", command)
        if command == SHELL:
            eventually(lambda: self.screen(made).rstrip().endswith(PROMPT.strip()), "the shell shows its prompt")
        return made

    def agent_in_shell(self, name: str, *options: str, folder: Path | None = None, said: str = "hello") -> str:
        """A scripted agent that a shell hosts, with one message said; its pane id."""
        pane_id = self.shell(folder or self.folder_for(name))
        self.type(pane_id, f"{AGENT} {' '.join(options)}")
        return self._settled(pane_id, said)

    def agent_as_command(self, name: str, *options: str, folder: Path | None = None, said: str = "hello") -> str:
        """A scripted agent that is its pane's own command."""
        pane_id = self.shell(folder or self.folder_for(name), command=f"exec {AGENT} {' '.join(options)}")
        return self._settled(pane_id, said)

    def _settled(self, pane_id: str, said: str) -> str:
        eventually(lambda: "»" in self.screen(pane_id), "the agent shows its prompt")
        if said:
            self.say(pane_id, said)
        return pane_id

    def say(self, pane_id: str, text: str) -> None:
        """Say something to an agent and wait for its answer."""
        before = self.history(pane_id).count("●")
        self.type(pane_id, text)
        if not text.startswith("/"):
            eventually(lambda: self.history(pane_id).count("●") > before, "the agent answers")

    def history(self, pane_id: str) -> str:
        """What the pane shows and has shown."""
        return self.tmux("capture-pane", "-p", "-S", "-", "-t", pane_id, check=False)

    def type(self, pane_id: str, text: str, *, enter: bool = True) -> None:
        """Type into a pane as a person would."""
        self.tmux("send-keys", "-t", pane_id, "-l", "--", text)
        if enter:
            self.tmux("send-keys", "-t", pane_id, "Enter")

    def screen(self, pane_id: str) -> str:
        """What the pane shows."""
        return self.tmux("capture-pane", "-p", "-t", pane_id, check=False)

    def libtmux_pane(self, pane_id: str) -> Pane:
        """The pane as libtmux sees it: a witness that is not our own code."""
        return next(pane for pane in self.server.panes if pane.pane_id == pane_id)

    def look(self, name: str | None = None) -> Agent:
        """The agent as one more look finds it; the only one, if no name is given."""
        home_with_database(self.home)  # it is opened now, and not before
        agents = self.hive.observer.observe().agents
        found = [agent for agent in agents if name in (None, agent.name)]
        assert len(found) == 1, f"{name}: {[agent.name for agent in agents]}"
        return found[0]

    def nap(self, name: str | None = None, *, force: bool = False) -> NapResult:
        """Put the agent to sleep."""
        agent = self.look(name)
        return self.hive.napper.nap(agent.id, NapRequest("test", TESTER, force=force), Unwatched())

    def ask_wake(self, agent: Agent, **context: Any) -> Wakeup:
        """Enqueue a wake."""
        new = NewWakeup(agent.id, Trigger.MANUAL, CLOCK.now(), context=context)
        return self.hive.queue.enqueue(new, TESTER).wakeup

    def wake(self, agent: Agent, *, timeout_s: float = 40.0, **context: Any) -> Wakeup:
        """Wake the agent, by a heartbeat or in this process; the wakeup after its next attempt."""
        return self.hive.foreground.run([self.ask_wake(agent, **context)], timeout_s=timeout_s)[0]

    def stored(self, agent: Agent) -> Agent:
        """The agent as the registry has it, without a new look."""
        return self.hive.database.read(agent_store.get, agent.id)

    def processes_of_session(self, session_id: str) -> list[int]:
        """The live scripted agents that hold this conversation, by their own status files."""
        found = []
        for file in self.agents_home.glob("sessions/*.json"):
            status: Mapping[str, Any] = json.loads(file.read_text())
            pid = int(status["pid"])
            if status["sessionId"] == session_id and "scripted_agent" in " ".join(self.hive.processes.argv(pid)):
                found.append(pid)
        return found

    def command(self, *arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run `hive-tui` as a person would in a shell, in a process that is spared the imports."""
        return self.python(*self.command_line(*arguments)[INTERPRETER:], cwd=self.folder, timeout_s=timeout_s)

    def python(
        self, *words: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT, timeout_s: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with these words, `-m` or `-c` first, in such a process; with more variables than all have."""
        return forked.parent().run(words, env={**self.environment, **(env or {})}, cwd=cwd, timeout_s=timeout_s)

    def command_line(self, *arguments: str) -> list[str]:
        """The words of that command."""
        config = self.folder / "config.toml"
        if not config.exists():
            config.write_text(
                "[retry]\nwaits_s = [0.2, 0.2, 0.2, 0.2]\n[notify]\ndesktop = false\n"
                "[queue]\ndebounce_s = 0\ncooldown_s = 0\nstagger_s = 0\nbreaker_failures = 0\n"
            )
        return [
            *(sys.executable, "-m", "hive_tui", "--home", str(self.home)),
            *("--config", str(config), "--tmux-socket", self.socket, *arguments),
        ]

    def json(self, *arguments: str) -> Any:
        """The JSON that a command prints; it must succeed."""
        at = arguments.index("--") if "--" in arguments else len(arguments)
        done = self.command(*arguments[:at], "--json", *arguments[at:])
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout)

    def quoted_command(self, *arguments: str) -> str:
        """The command as a line for a shell."""
        return shlex.join(self.command_line(*arguments))


def process_of(agent: Agent) -> ProcessId:
    """The agent's process, which it must have."""
    assert agent.process is not None, f"{agent.name} is {agent.lifecycle}: {agent.reason}"
    return agent.process


def pane_of(agent: Agent) -> str:
    """The id of the agent's pane, which it must have."""
    assert agent.pane is not None
    return agent.pane.pane_id


def transcript_of(agent: Agent) -> Path:
    """The agent's transcript, which must be known."""
    assert agent.transcript is not None
    return Path(agent.transcript)


def is_asleep(agent: Agent) -> bool:
    """Whether the agent sleeps and has no process."""
    return agent.lifecycle is Lifecycle.ASLEEP and agent.process is None
