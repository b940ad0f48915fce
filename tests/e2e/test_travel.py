"""Enter takes a person to an agent's pane inside the same tmux server, and a key brings them back."""

from collections.abc import Iterator

import pytest
from libtmux import Server

from tests.stage import Stage, eventually


class Person:
    """Somebody who sits at a terminal: the pane of another tmux server, with a client of the stage's in it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._server = Server(socket_name=f"{stage.socket}-person", config_file="/dev/null")

    def attach(self, session: str) -> None:
        command = f"env -u TMUX TERM=xterm-256color tmux -L {self._stage.socket} -f /dev/null attach -t {session}"
        self._server.new_session("terminal", x=100, y=30, window_command=command, environment={})
        self._server.cmd("set-option", "-g", "prefix", "None")
        eventually(lambda: self.sees())

    def press(self, *keys: str) -> None:
        self._server.cmd("send-keys", "-t", "terminal", *keys)

    def sees(self) -> list[str]:
        """The pane that their client shows."""
        form = "#{client_control_mode} #{pane_id}"
        lines = self._stage.tmux("list-clients", "-F", form).splitlines()
        return [line.split()[1] for line in lines if line.startswith("0 ")]

    def leave(self) -> None:
        self._server.kill()


@pytest.fixture
def person(stage: Stage) -> Iterator[Person]:
    made = Person(stage)
    yield made
    made.leave()


def test_enter_goes_to_the_pane_and_a_key_comes_back(stage: Stage, person: Person):
    agent_pane = stage.agent_in_shell("shop")
    stage.shell(stage.folder, session="dash", command=f"exec {stage.quoted_command()}")
    (dashboard,) = stage.tmux("list-panes", "-t", "dash", "-F", "#{pane_id}").splitlines()
    person.attach("dash")
    eventually(lambda: "idle" in stage.screen(dashboard))
    person.press("Enter")
    eventually(lambda: person.sees() == [agent_pane], "the agent's pane is shown")
    person.press("C-b", "H")
    eventually(lambda: person.sees() == [dashboard], "the dashboard is shown again")
    person.press("q")
    eventually(lambda: dashboard not in stage.tmux("list-panes", "-a", "-F", "#{pane_id}"))
    assert "H" not in stage.tmux("list-keys", "-T", "prefix", "H", check=False), "the key is given back"


def test_a_key_that_the_person_has_bound_is_theirs(stage: Stage, person: Person):
    agent_pane = stage.agent_in_shell("shop")
    stage.tmux("bind-key", "-T", "prefix", "H", "display-message", "mine")
    stage.shell(stage.folder, session="dash", command=f"exec {stage.quoted_command()}")
    (dashboard,) = stage.tmux("list-panes", "-t", "dash", "-F", "#{pane_id}").splitlines()
    person.attach("dash")
    eventually(lambda: "idle" in stage.screen(dashboard))
    person.press("Enter")
    eventually(lambda: person.sees() == [agent_pane])
    person.press("C-b", "L")
    eventually(lambda: person.sees() == [dashboard], "tmux's own key for the last session leads back")
    assert "mine" in stage.tmux("list-keys", "-T", "prefix", "H")
