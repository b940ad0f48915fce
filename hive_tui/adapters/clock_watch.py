"""Tells that the wall clock was set, or the machine woke up from a suspend, without looking all the time.

On Linux by a timer of the kernel that ends as soon as its clock makes a jump. Elsewhere, and where no such
timer can be had, whoever waits must look now and then (`is_watching` is False).
"""

import ctypes
import os
import sys
from contextlib import suppress

CLOCK_REALTIME = 0
TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET = 1, 2
NEVER_S = 1 << 33
"""Seconds since the epoch, in the year 2242."""


class TimerSpec(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (
        ("every_s", ctypes.c_long),
        ("every_ns", ctypes.c_long),
        ("at_s", ctypes.c_long),
        ("at_ns", ctypes.c_long),
    )


class ClockWatch:
    """Readable as soon as the wall clock was set."""

    def __init__(self) -> None:
        self._library: ctypes.CDLL | None = None
        self._descriptor = -1
        if sys.platform == "linux" and ctypes.sizeof(ctypes.c_long) == 8:  # else the kernel's times have another shape
            with suppress(OSError, AttributeError):
                self._library = ctypes.CDLL(None, use_errno=True)
                self._descriptor = int(self._library.timerfd_create(CLOCK_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC))
        if not self._set():
            self.close()

    @property
    def is_watching(self) -> bool:
        """Whether a jump is noticed at once."""
        return self._descriptor >= 0

    def fileno(self) -> int:
        """A descriptor that is readable after a jump; -1 for none."""
        return self._descriptor

    def drain(self) -> bool:
        """Take note of what has come, and wait for the next; whether the clock has jumped."""
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:
            return False
        except OSError:  # cancelled, as it is to be
            pass
        if not self._set():
            self.close()
        return True

    def close(self) -> None:
        """Watch no longer; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _set(self) -> bool:
        if self._library is None or self._descriptor < 0:
            return False
        spec = TimerSpec(0, 0, NEVER_S, 0)
        flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET
        return int(self._library.timerfd_settime(self._descriptor, flags, ctypes.byref(spec), None)) == 0
