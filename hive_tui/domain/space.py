"""How much of a disk stays free, whatever is written: a full disk stops everybody."""

RESERVE_BYTES = 256 * 1024 * 1024
RESERVE_SHARE = 0.02
"""In bytes or as a share of the disk, whichever is less."""


def reserve_bytes(disk_bytes: int) -> int:
    """What must stay free of a disk of that size."""
    return min(RESERVE_BYTES, int(disk_bytes * RESERVE_SHARE))
