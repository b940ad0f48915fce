"""Work as somebody else than root: file modes and other users' processes bind root in nothing."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65534
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION = 0x20080522
"""Two 32-bit words for each set, as capset(2) has it."""


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


@contextmanager
def obeying_file_modes() -> Iterator[None]:
    """This thread, until the end of the block, may not read what its file mode forbids, also as root on Linux."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the upper halves
    before = (ctypes.c_uint32 * 6)()
    for one in (sets, before):
        if libc.capget(head, one) != 0:
            raise OSError(ctypes.get_errno(), "the rights of this thread cannot be read")
    sets[0] &= ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
    try:
        if libc.capset(head, sets) != 0:
            raise OSError(ctypes.get_errno(), "root may not give up its rights here")
        yield
    finally:
        libc.capset(head, before)


def bound_by_file_modes() -> None:
    """For `preexec_fn`: the program that is started then must obey file modes, also as root."""
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0:
        raise PermissionError("root may not give up its rights here")
