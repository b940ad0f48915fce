"""The dashboard over 200 invented agents of which 20 stream: `python -m tests.bench.streaming_app HOME FILE`.

Rows and panes are invented, as for pictures, but the clock goes: the panes of the first 20 agents
show ten new lines a second, and each second brings a new look with other figures for these agents.
"""

import gc
import sys
import threading
from pathlib import Path
from time import perf_counter

from msgspec import structs

import hive_tui.ui
from hive_tui.cli.dashboard import SWITCH_S
from hive_tui.domain.agents import Activity, Agent
from hive_tui.hive import Hive
from hive_tui.services.observer import Observation
from hive_tui.settings import Settings
from hive_tui.store import agents as agent_store
from hive_tui.ui.app import HiveApp
from hive_tui.ui.messages import HiveChanged
from tests.bench.invented import AGENTS, STREAMING, mark_of, name_of
from tests.bench.probe import LoopProbe
from tests.stage import CLOCK, Heard
from tests.ui.invented import agent, observed

LOOK_EVERY_S = 1.0
LINES_A_SECOND = 10
LINES = 40


class StreamingPanes:
    """Shows coloured lines that scroll, or stand, by the number of the pane."""

    def capture(self, pane_id: str, *, history_lines: int = 0, colour: bool = True) -> str:
        number = int(pane_id.removeprefix("%"))
        last = int(perf_counter() * LINES_A_SECOND) if number < STREAMING else LINES
        lines = [
            f"\x1b[3{at % 7 + 1}m●\x1b[0m line {at} \x1b[1mof the work\x1b[0m in \x1b[36mbasket_{at}.py\x1b[0m"
            for at in range(last - LINES, last)
        ]
        return "\n".join([*lines, f"{mark_of(number)} at {last}"])


class StreamingApp(HiveApp):
    """The dashboard with a probe in its loop, and looks from a thread as a heartbeat's."""

    CSS_PATH = Path(hive_tui.ui.__path__[0]) / "hive.tcss"

    def __init__(self, hive: Hive, agents: list[Agent], result: Path) -> None:
        super().__init__(hive, beats=False, observation=observed(agents, CLOCK.now()))
        self._result = result
        self._agents = agents
        self._probe = LoopProbe()
        self._end = threading.Event()
        self._looks = threading.Thread(target=self._look_again, daemon=True)

    def on_mount(self) -> None:
        self._looks.start()
        self.run_worker(self._probe.run())

    async def on_unmount(self) -> None:
        self._end.set()
        self._probe.save(self._result)

    def _look_again(self) -> None:
        looks = 0
        while not self._end.wait(LOOK_EVERY_S):
            looks += 1
            self.see(observed([_grown(one, looks) for one in self._agents], CLOCK.now()))

    def see(self, observation: Observation) -> None:
        """A new look."""
        self._observation = observation
        self.post_message(HiveChanged())


def _grown(one: Agent, looks: int) -> Agent:
    streams = one.activity is Activity.WORKING
    return structs.replace(one, memory_bytes=one.memory_bytes + looks * 3_000_000) if streams else one


def main(home: Path, result: Path) -> None:
    """Run until `q`."""
    hive = Hive(home, Settings(), "hive-bench-no-such-server", notifier=Heard())
    hive.__dict__["panes"] = StreamingPanes()
    now = CLOCK.now()
    agents = [
        agent(number, name_of(number), now, activity=Activity.WORKING if number < STREAMING else Activity.IDLE)
        for number in range(AGENTS)
    ]
    for one in agents:
        hive.database.write(agent_store.add, one, now=now)
    sys.setswitchinterval(SWITCH_S)  # as the command does, and looks for garbage after the start only
    gc.disable()
    StreamingApp(hive, agents, result).run()
    hive.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
