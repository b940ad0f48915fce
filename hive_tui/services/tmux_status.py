"""Puts the hive into the status line of tmux, by its settings; only when a person asks for it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hive_tui.domain import tmux_status
from hive_tui.domain.ports import Clock
from hive_tui.services.hook_install import Change, HookInstaller, HooksRefused

KIND = "tmux-status"


class TmuxStatusInstaller(HookInstaller):
    """As for hooks: a change is seen first, made in one step, with a copy of the file, and can be undone."""

    by_hand = "`hive-tui install tmux-status --file FILE` takes the file that the link leads to."

    def __init__(
        self,
        home: Path,
        environ: Mapping[str, str],
        command: Sequence[str],
        clock: Clock,
        named: Path | None = None,
    ) -> None:
        super().__init__(home, environ, command, clock)
        self._named = named

    def file_of(self, kind: str) -> Path:
        """The file that tmux reads at its start: the one that is there, in its own order, or `~/.tmux.conf`."""
        if self._named is not None:
            return self._named
        own = Path(self._environ.get("HOME") or Path.home())
        folder = Path(self._environ.get("XDG_CONFIG_HOME") or own / ".config").expanduser()
        places = (own / ".tmux.conf", folder / "tmux" / "tmux.conf")
        return next((path for path in places if path.exists() or path.is_symlink()), places[0])

    def plan_install(self, kind: str = KIND) -> Change:
        """What has to change so that the status line shows the hive.

        Raises:
            HooksRefused: The file is a link or cannot be read, or the command cannot stand in it.
        """
        path = self.file_of(kind)
        before = self._read(path, kind)
        words = (*self._command, "status", "--tmux", "--home", str(self._home))
        try:
            after = tmux_status.added(before or "", words)
        except tmux_status.NotPlain as error:
            raise HooksRefused(
                f"The status line cannot run {str(error)!r}, which would have to be quoted in three languages at once.",
                hint="Use a --home, and a place of hive-tui, without blanks and special characters in its path.",
            ) from error
        original = tmux_status.removed(before) if before is not None else None
        return Change(kind, path, before, after, (tmux_status.block(words),), original)

    def plan_uninstall(self, kind: str = KIND) -> Change:
        """What has to change so that nothing of ours is in the file; one that we have made is removed.

        Raises:
            HooksRefused: The file is a link, or cannot be read.
        """
        path = self.file_of(kind)
        before = self._read(path, kind)
        if before is None:
            return Change(kind, path, None, None)
        known = self._state().get(str(path))
        if known is not None and known.after == before:
            return Change(kind, path, before, known.original)
        return Change(kind, path, before, tmux_status.removed(before))
