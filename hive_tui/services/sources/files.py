"""Wakes agents whose files have changed while they slept.

What an agent writes itself is not among that: only what changed after it fell asleep counts. What
changed while nothing ran is found at the next start, since the file system remembers when.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.errors import HiveError
from hive_tui.domain.file_changes import Debounce, FileNews, FileWatch
from hive_tui.domain.ports import Clock
from hive_tui.domain.signals import Asked
from hive_tui.domain.wakeups import Trigger
from hive_tui.services.sources.intake import Delivery, Intake
from hive_tui.store import agents as agent_store
from hive_tui.store import settings
from hive_tui.store.database import Database
from hive_tui.store.values import to_us

FILE = "file"
SEEN = "files.seen"
LOOK_EVERY_S = 2.0
"""Between two looks at who sleeps."""


class FileChanges:
    """One watch for all agents.

    Args:
        wanted: Paths by agent name; relative ones are below the agent's folder.
        warn: Told why changes are noticed late, if they are.
        quiet_s: See `Debounce`.
        longest_s: See `Debounce`.
        poll_s: Between two looks at all files, where changes are not noticed at once.
        sweep_s: The same where they are.
    """

    name, place = "File changes", "File changes"

    def __init__(
        self,
        watch: FileWatch,
        wanted: Mapping[str, Sequence[str]],
        intake: Intake,
        database: Database,
        clock: Clock,
        warn: Callable[[str, HiveError | None], None],
        *,
        quiet_s: float,
        longest_s: float,
        poll_s: float,
        sweep_s: float,
    ) -> None:
        self._watch = watch
        self._wanted = wanted
        self._intake = intake
        self._database = database
        self._clock = clock
        self._warn = warn
        self._quiet_s, self._longest_s = quiet_s, longest_s
        self._poll_s, self._sweep_s = poll_s, sweep_s
        self._waiting: dict[str, Debounce] = {}
        self._news: dict[str, FileNews] = {}
        self._looked_at: dict[str, float] = {}

    def listen(self) -> None:
        """Wait a little for something to change, and ask for the wakes of what has settled."""
        agents = {one.id: one for one in self._database.read(agent_store.everyone) if self._is_wanted(one)}
        # Whoever falls asleep anew is looked at as if for the first time: what has changed until it is watched counts.
        for gone in self._looked_at.keys() - agents.keys():
            self._forget(gone)
            del self._looked_at[gone]
        trouble = self._watch.watch({path for agent in agents.values() for path in self._paths(agent)})
        hint = f"Files are looked at every {self._poll_s:g} s meanwhile."
        self._warn("File watch", HiveError(trouble, hint=hint) if trouble else None)
        touched = self._watch.touched(self._rest_s())
        every_s = self._poll_s if trouble else self._sweep_s
        for agent in agents.values():
            self._look(agent, touched, every_s)
            self._deliver(agent)

    def close(self) -> None:
        """See `Source`."""
        self._watch.close()

    def _is_wanted(self, agent: Agent) -> bool:
        return agent.lifecycle is Lifecycle.ASLEEP and bool(self._wanted.get(agent.name))

    def _paths(self, agent: Agent) -> list[Path]:
        return [Path(agent.cwd, Path(path).expanduser()) for path in self._wanted[agent.name]]

    def _look(self, agent: Agent, touched: frozenset[Path] | None, every_s: float) -> None:
        """Note what has changed since it fell asleep, and was not told."""
        paths, now = self._paths(agent), self._clock.monotonic()
        since_ns = max(to_us(agent.since_at) * 1000, self._seen().get(agent.id, 0))
        if touched is None or now - self._looked_at.get(agent.id, float("-inf")) >= every_s:
            self._looked_at[agent.id] = now
            news = self._watch.look_below(paths, since_ns)
        else:
            its = {one for one in touched if any(one == path or path in one.parents for path in paths)}
            news = self._watch.look_at(its, since_ns) if its else None
        known = self._news.get(agent.id)
        if news is not None and (known is None or news.newest_ns > known.newest_ns):
            self._news[agent.id] = news if known is None else _together(news, known)
            self._waiting.setdefault(agent.id, Debounce(self._quiet_s, self._longest_s)).note(now)

    def _deliver(self, agent: Agent) -> None:
        debounce, news = self._waiting.get(agent.id), self._news.get(agent.id)
        due_s = debounce.due_s() if debounce else None
        if news is None or due_s is None or self._clock.monotonic() < due_s:
            return
        key = f"{agent.id}:{news.newest_ns}"
        asked, context = Asked(news.message()), {"source": FILE, "files": list(news.paths)}
        self._intake.take(Delivery(FILE, key, agent.id, Trigger.FILE, asked, context))
        # Killed before this, the same files are found again, and known by the key.
        self._database.write(settings.put, SEEN, {**self._seen(), agent.id: news.newest_ns}, now=self._clock.now())
        self._forget(agent.id)

    def _seen(self) -> dict[str, int]:
        found: dict[str, int] = self._database.read(settings.get, SEEN, {})
        return found

    def _forget(self, agent_id: str) -> None:
        self._waiting.pop(agent_id, None)
        self._news.pop(agent_id, None)

    def _rest_s(self) -> float:
        now = self._clock.monotonic()
        dues = [due_s for one in self._waiting.values() if (due_s := one.due_s()) is not None]
        return max(0.0, min([LOOK_EVERY_S, *(due_s - now for due_s in dues)]))


def _together(news: FileNews, known: FileNews) -> FileNews:
    """Both, each path once."""
    paths = tuple(dict.fromkeys((*news.paths, *known.paths)))
    return FileNews(news.newest_ns, paths, max(len(paths), news.count, known.count))
