"""Work as somebody else than root: file modes and other users' processes bind root in nothing."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65534
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1


@contextmanager
def without_root() -> Iterator[None]:
    """This process as a user without rights, until the end of the block; no change where we are one."""
    is_root = os.geteuid() == 0
    if is_root:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if is_root:
            os.setresuid(0, 0, 0)


def bound_by_file_modes() -> None:
    """For `preexec_fn`: the program that is started then must obey file modes, also as root."""
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0:
        raise PermissionError("root may not give up its rights here")
