"""Goes through the steps of the script, and says what happens: the guide of the demo."""

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from hive_tui.adapters.clock import wait_until
from hive_tui.demo.deeds import Deeds
from hive_tui.demo.script import Deed, Script, Step
from hive_tui.domain.errors import Cancelled, HiveError
from hive_tui.domain.guide import GuideLine
from hive_tui.domain.ports import Clock
from hive_tui.hive import Hive

LOOK_EVERY_S = 0.15
AGAIN_EVERY_S = 0.5
STOP_PATIENCE_S = 5.0


class Story:
    """Runs in a thread of its own beside the screen. A person may do whatever they like meanwhile:
    a step that this makes impossible is given up after its time, and said to be.
    """

    def __init__(self, script: Script, deeds: Deeds, hive: Hive, clock: Clock) -> None:
        self._script = script
        self._deeds = deeds
        self._hive = hive
        self._clock = clock
        self._line = GuideLine(script.opening)
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="story", daemon=True)
        self.missed: dict[int, str] = {}
        """Steps that did not come off, counted from 1, with the reason."""

    @property
    def line(self) -> GuideLine:
        """What is said now."""
        return self._line

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever the line changes, in the story's thread; returns what ends that."""
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """Stop where it is; a nap that is under way is given up."""
        self._stopped.set()
        self._deeds.progress.cancelled.set()
        if self._thread.is_alive():
            self._thread.join(STOP_PATIENCE_S)

    def _run(self) -> None:
        try:
            self._tell()
        except Exception as error:
            # A bug, and nobody waits for this thread: the screen is where it is seen.
            self._say(GuideLine(f"The story broke off: {type(error).__name__}: {error}"))

    def _tell(self) -> None:
        steps = len(self._script.steps)
        with suppress(Cancelled):
            for number, step in enumerate(self._script.steps, 1):
                self._say(GuideLine(step.guide, "", number, steps))
                trouble = self._play(step)
                if trouble:
                    self.missed[number] = trouble
                text, more = (self._script.late, trouble) if trouble else (step.then, step.more)
                self._say(GuideLine(text, more, number, steps))
                self._pause(step.pause_s)
            self._say(GuideLine(self._script.ending, self._script.ending_more))

    def _play(self, step: Step) -> str:
        """Do the deeds, and wait; why it did not come off, or nothing."""
        deadline = self._clock.monotonic() + step.limit_s
        try:
            since = self._deeds.newest_event()
            for deed in step.deeds:
                self._do(deed, deadline)
            for wanted in step.until:
                self._wait(partial(self._deeds.has_come, wanted, since=since), deadline)
        except Cancelled:
            raise
        except HiveError as error:
            return error.what
        return ""

    def _do(self, deed: Deed, deadline: float) -> None:
        """Do it as soon as it can be done: an agent may still be busy, or a person be at it."""
        while True:
            try:
                self._deeds.do(deed)
                return
            except Cancelled:
                raise
            except HiveError:
                if self._clock.monotonic() >= deadline:
                    raise
                self._pause(AGAIN_EVERY_S)

    def _wait(self, condition: Callable[[], bool], deadline: float) -> None:
        def is_over() -> bool:
            return self._stopped.is_set() or condition()

        left_s = max(0.0, deadline - self._clock.monotonic())
        if not wait_until(is_over, timeout_s=left_s, clock=self._clock, every_s=LOOK_EVERY_S):
            raise HiveError("What the story waits for did not happen.")

    def _pause(self, seconds: float) -> None:
        wait_until(self._stopped.is_set, timeout_s=seconds, clock=self._clock)
        if self._stopped.is_set():
            raise Cancelled("The story was stopped.")

    def _say(self, line: GuideLine) -> None:
        self._line = line
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()
