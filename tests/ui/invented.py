"""An invented hive that stands still, for pictures."""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from hive_tui.domain.agents import Activity, Agent, Hosting, Lifecycle, Origin, PaneRef
from hive_tui.domain.budget import Budget, BudgetMode
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason, Defect, ValidationError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.offsite import CopyState, OffsiteCopy
from hive_tui.domain.panes import Pane, PaneList
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import ServerState
from hive_tui.domain.schedule import SleepWindow, TickOutcome
from hive_tui.domain.tasks import TaskStatus
from hive_tui.domain.usage import Spent, Tokens
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.domain.windows import Edge, Tick, nights
from hive_tui.hive import Hive
from hive_tui.services.observer import Observation
from hive_tui.settings import Settings
from hive_tui.store import agents as agent_store
from hive_tui.store import budgets, checkpoints, claims, journal, ledger, offsite, unread, wakeups, windows
from hive_tui.ui.app import HiveApp
from tests.clocks import FakeClock
from tests.migrated import home_with_database
from tests.stage import TESTER, Heard

SERVER = "100:1767600000"
SCREEN = (
    "\x1b[1m❯\x1b[0m add a test for the empty basket\n\n"
    "\x1b[32m●\x1b[0m I will look at \x1b[36mbasket.py\x1b[0m first.\n\n"
    "  ⎿  Read \x1b[1m48\x1b[0m lines · 篮子 🧺\n\n"
    "\x1b[38;5;214m✻ Baking…\x1b[0m \x1b[2m(12s · esc to interrupt)\x1b[0m\n"
)


class PicturePanes:
    """Shows one screen in every pane."""

    def __init__(self, screen: str = SCREEN) -> None:
        self._screen = screen

    def capture(self, pane_id: str, *, history_lines: int = 0, colour: bool = True) -> str:
        return self._screen


def agent(number: int, name: str, now: datetime, **changes: object) -> Agent:
    values: dict[str, object] = {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "name": name,
        "kind": "claude",
        "lifecycle": Lifecycle.AWAKE,
        "activity": Activity.IDLE,
        "reason": "its status file says idle",
        "since_at": now - timedelta(minutes=number),
        "origin": Origin.FOUND,
        "cwd": f"/home/ada/{name}",
        "hosting": Hosting.SHELL,
        "pane": PaneRef(SERVER, f"%{number}"),
        "process": ProcessId(1000 + number, 1),
        "session_id": f"10000000-0000-4000-8000-{number:012d}",
        "memory_bytes": 180_000_000 + number * 7_000_000,
    }
    return Agent(**{**values, **changes})  # type: ignore[arg-type]


def invented_agents(now: datetime) -> list[Agent]:
    asleep = {"lifecycle": Lifecycle.ASLEEP, "activity": Activity.UNKNOWN, "process": None, "memory_bytes": 0}
    return [
        agent(1, "shop", now, activity=Activity.WORKING, reason="its status file says busy"),
        agent(2, "bakery", now, activity=Activity.PERMISSION, reason="it waits: permission prompt"),
        agent(3, "mill", now, kind="codex", reason="its last turn has ended", pinned=True),
        agent(4, "harbour", now, activity=Activity.LIMITED, reason="the usage limit is reached"),
        agent(5, "library", now, **asleep, reason="you asked for it", freed_bytes=412_000_000),
        agent(6, "museum", now, **{**asleep, "lifecycle": Lifecycle.FAILED}, reason="crashed: the tmux server ended"),
        agent(8, "garden", now, reason="its status file says idle"),
        agent(
            7, "bakery-2", now, cwd="/home/ada/bakery", activity=Activity.WORKING, reason="its status file says busy"
        ),
    ]


def checkpoint(number: int, of: Agent, now: datetime, *, damaged: bool = False) -> Checkpoint:
    errors = (ValidationError(Defect.HASH_MISMATCH, "the file is not the one that was written"),) if damaged else ()
    return Checkpoint(
        id=f"20000000-0000-4000-8000-{number:012d}",
        agent_id=of.id,
        generation=0,
        created_at=now - timedelta(hours=number),
        path=f"/home/ada/.local/share/hive-tui/checkpoints/{of.name}/{number}.tar.zst",
        sha256="0" * 64,
        size_bytes=4_200_000 * number,
        is_valid=not damaged,
        reason=CheckpointReason.NAP if number % 2 else CheckpointReason.MANUAL,
        validation_errors=errors,
        session_id=of.session_id,
        took_s=0.4 * number,
        new_bytes=90_000 * number,
        proven_at=now - timedelta(days=number) if number > 3 else None,
        proven_note="42 members, the work tree as it was" if number > 3 else "",
        drilled_at=now - timedelta(days=number) if number > 3 else None,
        summary={
            "transcript_bytes": 91_000 * number,
            "workspace": {"kind": "git", "branch": "main", "staged": 1, "modified": number, "untracked": 0},
        },
    )


def offsite_copy(number: int, state: CopyState, now: datetime) -> OffsiteCopy:
    is_good = state is CopyState.VERIFIED
    return OffsiteCopy(
        checkpoint_id=f"20000000-0000-4000-8000-{number:012d}",
        destination="/mnt/backup/hive",
        name=f"{number}.tar.zst.age",
        state=state,
        is_encrypted=True,
        attempts=0 if is_good else 3,
        error=None if is_good else "The second place /mnt/backup/hive cannot be used (write): No space left on device.",
        verified_at=now if is_good else None,
    )


def seed(hive: Hive, now: datetime) -> list[Agent]:
    agents = invented_agents(now)
    for one in agents:
        hive.database.write(agent_store.add, one, now=now)
    hive.database.write(unread.mark, agents[6].id, now=now)
    for number, of in ((5, agents[0]), (4, agents[4]), (3, agents[4]), (2, agents[4])):
        hive.database.write(checkpoints.add, checkpoint(number, of, now, damaged=number == 3))
    for number, state in ((5, CopyState.VERIFIED), (4, CopyState.VERIFIED), (2, CopyState.FAILED)):
        hive.database.write(offsite.put, offsite_copy(number, state, now), now=now)
    spend(hive, agents, now)
    key = iter(range(1, 99))

    def enqueue(of: Agent, trigger: Trigger, at: datetime, asked_at: datetime = now) -> str:
        wakeup_id = f"30000000-0000-4000-8000-{next(key):012d}"
        hive.database.write(wakeups.enqueue, NewWakeup(of.id, trigger, at), wakeup_id, now=asked_at)
        return wakeup_id

    failing = enqueue(agents[4], Trigger.SCHEDULE, now - timedelta(minutes=30), now - timedelta(minutes=30))
    for began, ended, again in ((-8.5, -8.4, -6.0), (-6.0, -5.9, 3.0)):
        claimed = hive.database.write(claims.claim_one, failing, by="picture", now=now + timedelta(minutes=began))
        assert claimed is not None
        hive.database.write(
            claims.fail,
            claimed,
            now=now + timedelta(minutes=ended),
            error="the pane is in copy mode (pane %5, work:4.0).",
            next_at=now + timedelta(minutes=again),
        )
    enqueue(agents[5], Trigger.RECOVER, now + timedelta(hours=2))
    happened = (
        (40, EventKind.AGENT_FOUND, Severity.INFO, agents[1], "Found bakery: claude in pane %2 (work:1.0)"),
        (30, EventKind.CHECKPOINT_TAKEN, Severity.INFO, agents[4], "Checkpoint of library taken (nap, 8400000 bytes)"),
        (
            29,
            EventKind.AGENT_SLEEPING,
            Severity.INFO,
            agents[4],
            "library sleeps: you asked for it (3 processes ended)",
        ),
        (6, EventKind.AGENT_CRASHED, Severity.FAILURE, agents[5], "museum crashed: the tmux server ended"),
        (3, EventKind.WAKEUP_RETRY, Severity.FAILURE, agents[4], "library was not woken: the pane is in copy mode"),
    )
    for ago, kind, severity, of, text in happened:
        event = Event(kind, text, of.id, HEARTBEAT, severity)
        hive.database.write(journal.log, event, now=now - timedelta(minutes=ago))
    return agents


def spend(hive: Hive, agents: list[Agent], now: datetime) -> None:
    """Two have spent something today, and one of them has a budget."""
    for number, tokens, context in ((1, Tokens(40_000, 90_000, 1_480_000, 21_000), 61_000), (4, Tokens(9_000), 48_200)):
        of = agents[number]
        spent = Spent(f"answer-{number}", now, tokens, of.session_id or "", "a-model", context)
        hive.database.write(ledger.add, of.id, [spent], now=now)
    hive.database.write(budgets.put, agents[1].id, Budget(2_000_000, BudgetMode.SOFT), now=now)


def observed(agents: list[Agent], now: datetime) -> Observation:
    """What a look would have seen: every agent's pane."""
    panes = tuple(
        Pane(
            ref=one.pane, session_id="$0", session_name="work", window_id=f"@{at}", window_index=at,
            window_name=one.name, pane_index=0, pid=1, tty="/dev/pts/1", width=80, height=24,
            window_size=(80, 24), is_active=False, is_watched=False, in_mode=False, is_synchronized=False,
            is_dead=False, alternate_on=False, cursor_x=0, cursor_y=0, is_zoomed=False, output_at=0,
            history_size=0, layout="", agent_id=one.id, wakeup_id="", is_rebuilt=False, title="", cwd=one.cwd,
        )
        for at, one in enumerate(agents)
        if one.pane is not None
    )  # fmt: skip
    return Observation(now, ServerState.UP, "", tuple(agents), {}, PaneList(SERVER, panes))


def new_hive(home: Path, clock: FakeClock, settings: Settings | None = None) -> Hive:
    """A hive with nobody in it, no tmux and a clock that stands."""
    hive = Hive(
        home_with_database(home), settings or Settings(), "hive-test-no-such-server", clock=clock, notifier=Heard()
    )
    hive.__dict__["panes"] = PicturePanes()
    return hive


def new_app(hive: Hive, clock: FakeClock) -> HiveApp:
    """A dashboard over the invented agents, whose heart does not beat."""
    agents = seed(hive, clock.now())
    app = HiveApp(hive, beats=False, observation=observed(agents, clock.now()))
    app._heartbeat.beat.is_working, app._heartbeat.beat.beat_at = True, clock.now()
    return app


def with_windows(app: HiveApp) -> HiveApp:
    """One window for all with a past, one for an agent, which is off."""
    schedule, clock = app.hive.schedule, app.hive.clock
    first = schedule.add(SleepWindow("", None, "23:00", "06:30", "Europe/Berlin", active=True), TESTER)
    schedule.add(SleepWindow("", app.observation.agents[0].id, "02:00", "04:00", "UTC"), TESTER)  # type: ignore[union-attr]
    outcomes = (TickOutcome.LATE, TickOutcome.MISSED, TickOutcome.DONE)
    past = list(nights(first, clock.now() - timedelta(days=4), clock.now()))[-3:]
    for night, outcome in zip(past, outcomes, strict=True):
        for edge in Edge:
            agents = 0 if outcome is TickOutcome.MISSED else 4
            app.hive.database.write(windows.note, Tick(night, edge), outcome, agents, now=night.at(edge))
    return app


def with_tasks(app: HiveApp) -> HiveApp:
    """The first agent in the list works on a part of a goal."""
    hive = app.hive
    asks = next(one for one in app.observation.agents if one.name == "bakery")  # type: ignore[union-attr]
    goal = hive.tasks.add("Ship version 1.0 of the shop", TESTER).task
    part = hive.tasks.add("Baskets can be paid by card", TESTER, parent_id=goal.id).task
    own = hive.tasks.add("Write the payment form", TESTER, parent_id=part.id, agent_id=asks.id).task
    hive.tasks.set_status(own.id, TaskStatus.DOING, TESTER)
    hive.tasks.note(
        asks,
        TESTER,
        done=["read the API of the bank", "sketch the form"],
        step="check the card number while it is typed",
        next_steps=["test a card that is refused", "translate the labels"],
        failed=["timeout", "timeout"],
    )
    for wakeup in hive.database.read(wakeups.unfinished_wakes, asks.id):
        hive.queue.cancel(wakeup, TESTER)
    return app


async def settled(pilot: Pilot[None]) -> None:
    """Everything is read and drawn; a read that a newer one has replaced counts as done."""
    with suppress(WorkerCancelled):
        await pilot.app.workers.wait_for_complete()
    while any(not worker.is_finished for worker in pilot.app.workers):
        await pilot.pause(0.01)
    await pilot.pause()
