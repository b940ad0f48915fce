"""What the steps of the story can do: what a person does at the keyboard, by the same services."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from hive_tui.adapters.clock import wait_until
from hive_tui.demo.script import Deed, Player, Wanted
from hive_tui.demo.surroundings import shell
from hive_tui.domain.agents import Agent, Hosting, Lifecycle
from hive_tui.domain.errors import HiveError, NotFound
from hive_tui.domain.events import Actor
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.quoting import quoted
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.hive import Hive
from hive_tui.services.nap import NapRequest
from hive_tui.services.registry import SESSION
from hive_tui.services.shell_pane import ShellPane
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal

NARRATOR = Actor.person("the demo")
AGENT_MODULE = "hive_tui.scripted_agent"
PROMPT = r"\W \$ "


class Deeds:
    """Each public method is a deed of `story.toml`. A deed that raises HiveError may be tried again.

    Args:
        hive: The demo's hive.
        players: Who can be started.
        folders: Where each of them works, by name.
    """

    def __init__(self, hive: Hive, players: Sequence[Player], folders: Mapping[str, Path]) -> None:
        self._hive = hive
        self._players = {player.name: player for player in players}
        self._folders = folders
        self._ids: dict[str, str] = {}
        self._said_at: dict[str, datetime] = {}
        self.progress = Unwatched()
        """Stops a nap that is under way."""

    def do(self, deed: Deed) -> None:
        """Do one deed.

        Raises:
            HiveError: It cannot be done, or not yet.
        """
        known: dict[str, Callable[..., None]] = {
            "start": self.start,
            "say": self.say,
            "await": self.await_state,
            "nap": self.nap,
            "wake": self.wake,
            "type": self.type,
            "clear": self.clear,
            "damage": self.damage,
        }
        if deed.name not in known:
            raise HiveError(f"The story has a deed {deed.name!r}, which nobody can do.")
        details = {"state" if key == "is" else key: value for key, value in deed.details.items()}
        known[deed.name](deed.agent, **details)

    def has_come(self, wanted: Wanted, *, since: int) -> bool:
        """Whether what a step waits for is so; events count from the number `since` of the log on."""
        if wanted.event:
            agent_id = self._agent(wanted.agent).id
            after = 0 if wanted.ever else since
            logged = self._hive.database.read(journal.events, agent_id=agent_id, after_seq=after, limit=1000)
            return any(one.event.kind == wanted.event for one in logged)
        return self._is(wanted.agent, wanted.state)

    def newest_event(self) -> int:
        """The number of the newest event in the log; 0 for none."""
        return max((one.seq for one in self._hive.database.read(journal.events, limit=1)), default=0)

    def start(self, name: str) -> None:
        """Start the agent as its player says: typed into a shell, or as the command of a pane."""
        folder = self._folders[name]
        if self._players[name].hosting is Hosting.COMMAND:
            self._hive.registry.launch(name, folder, [sys.executable, "-m", AGENT_MODULE], NARRATOR)
            return
        line = quoted(["exec", "env", f"PS1={PROMPT}", *shell()], "sh")
        panes, processes, clock = self._hive.panes, self._hive.processes, self._hive.clock
        pane_id = self._hive.layouts.open_pane(session=SESSION, window=name, cwd=str(folder), command=line, env={})
        ShellPane(pane_id, panes, processes, clock).settled_prompt()
        panes.type_line(pane_id, "scripted-agent", {})

    def say(self, name: str, text: str) -> None:
        """Type something into the agent's input box, once it waits for that."""
        self.await_state(name, "idle")
        self._hive.panes.type_line(self._pane_id(name), text, {})
        self._said_at[name] = self._hive.clock.now()

    def await_state(self, name: str, state: str) -> None:
        """Raise until the agent is in that state."""
        if not self._is(name, state):
            raise HiveError(f"{name} is not {state}.")

    def nap(self, name: str, reason: str) -> None:
        """Put the agent to sleep."""
        agent = self._agent(name)
        if agent.lifecycle is not Lifecycle.ASLEEP:
            self._hive.napper.nap(agent.id, NapRequest(reason, NARRATOR), self.progress)

    def wake(
        self, name: str, message: str = "", trigger: str = Trigger.MANUAL, after_said_s: float | None = None
    ) -> None:
        """Ask for a wake: now, or so many seconds after something was said to the agent."""
        at = self._hive.clock.now()
        if after_said_s is not None and name in self._said_at:
            at = self._said_at[name] + timedelta(seconds=after_said_s)
        context = {"message": message} if message else {}
        self._hive.queue.enqueue(NewWakeup(self._agent(name).id, Trigger(trigger), at, context=context), NARRATOR)

    def type(self, name: str, text: str) -> None:
        """Leave something at the prompt of the shell in the agent's pane."""
        pane_id = self._pane_id(name)
        shell_pane = ShellPane(pane_id, self._hive.panes, self._hive.processes, self._hive.clock)
        self._hive.panes.send_keys(pane_id, ["-l", "--", text])

        def is_shown() -> bool:
            pane = shell_pane.pane()
            return pane is not None and text in shell_pane.line(pane).before

        wait_until(is_shown, timeout_s=2, clock=self._hive.clock)

    def clear(self, name: str) -> None:
        """Take back what was left there."""
        self._hive.panes.send_keys(self._pane_id(name), ["C-u"])

    def damage(self, name: str) -> None:
        """Flip a bit of the agent's newest checkpoint, and lose the transcript of its conversation."""
        agent = self._agent(name)
        newest = self._hive.database.read(checkpoints.of_agent, agent.id)[0]
        path = Path(newest.path)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0x40
        path.write_bytes(content)
        if agent.transcript is not None:
            Path(agent.transcript).unlink(missing_ok=True)

    def _is(self, name: str, state: str) -> bool:
        try:
            agent = self._agent(name)
        except NotFound:
            return False
        return state == (agent.activity if agent.lifecycle is Lifecycle.AWAKE and state != "awake" else agent.lifecycle)

    def _agent(self, name: str) -> Agent:
        """The agent, also after a person has renamed it."""
        if name not in self._ids:
            self._ids[name] = self._hive.database.read(agent_store.find, name).id
        return self._hive.database.read(agent_store.get, self._ids[name])

    def _pane_id(self, name: str) -> str:
        pane = self._agent(name).pane
        if pane is None:
            raise NotFound(f"{name} has no pane.")
        return pane.pane_id
