"""What a refused command must look like to a person, and that it cost nothing."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.store import agents as agent_store
from tests.stage import INTERPRETER, Stage, eventually

Done = subprocess.CompletedProcess[str]


def run(
    stage: Stage, *arguments: str, env: Mapping[str, str] | None = None, before: Callable[[], None] | None = None
) -> Done:
    """Run `hive-tui` with other variables, or after some preparation in its process, which takes a real start."""
    line = stage.command_line(*arguments)
    if before is None:
        return stage.python(*line[INTERPRETER:], env=env, cwd=stage.folder, timeout_s=90)
    return subprocess.run(
        line,
        env={**stage.environment, **(env or {})},
        preexec_fn=before,
        cwd=stage.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def refused(done: Done, *parts: str) -> None:
    """Exit code 1, one sentence and one hint on stderr, nothing on stdout, and each of the parts in it."""
    said = [line for line in done.stderr.splitlines() if not line.startswith("Note: ")]
    shown = f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    assert done.returncode == 1 and done.stdout == "", shown
    assert "Traceback" not in shown and "made a mistake" not in shown, shown
    assert len(said) == 2, shown
    assert said[0].startswith("Error: ") and said[0].endswith((".", "?", "!")), shown
    assert said[1].startswith("Hint: ") and len(said[1]) > len("Hint: x"), shown
    assert all(part in done.stderr for part in parts), shown


@dataclass(frozen=True)
class Bystander:
    """An agent that is awake and must stay so, whatever is typed wrong."""

    stage: Stage
    agent: Agent
    pane_id: str

    def is_unharmed(self) -> None:
        """The agent runs, the registry says so, and it can nap and wake."""
        stage, agent = self.stage, self.agent
        assert stage.processes_of_session(agent.session_id or "") == [agent.process.pid if agent.process else 0]
        assert stage.hive.database.integrity_errors() == []
        [stored] = stage.hive.database.read(agent_store.everyone)
        assert (stored.id, stored.name, stored.session_id) == (agent.id, agent.name, agent.session_id)
        assert stored.lifecycle is Lifecycle.AWAKE, stored.reason
        assert stored.process == agent.process

    def still_naps_and_wakes(self) -> None:
        """With the trouble gone, all works as if it had never been."""
        assert self.stage.json("nap", self.agent.name)["processes_ended"] >= 1
        assert self.stage.json("wake", self.agent.name)["session_id"] == self.agent.session_id
        eventually(lambda: "(resumed with 1 messages)" in self.stage.screen(self.pane_id))


def bystander(stage: Stage, name: str = "shop") -> Bystander:
    """An agent that is known and awake."""
    pane_id = stage.agent_in_shell(name, folder=stage.repository(name))
    return Bystander(stage, stage.look(name), pane_id)
