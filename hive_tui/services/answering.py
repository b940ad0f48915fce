"""Who of the hive's processes answers by HTTP: whoever holds a lock, which says where."""

from pathlib import Path

from hive_tui.adapters.locks import FileLock


def lock_of(home: Path) -> FileLock:
    """Held by the process that answers; its purpose is the address."""
    return FileLock(home / "locks" / "http.lock")


def answers_at(home: Path) -> str:
    """Where any process of the hive answers now; empty if none does."""
    lock = lock_of(home)
    return str(lock.holder().get("purpose", "")) if lock.is_held() else ""
