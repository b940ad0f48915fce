"""Which project a folder belongs to: its repository, shared by all linked worktrees of it; else the folder itself."""

from pathlib import Path


class Projects:
    """Asks the disk once a folder."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, cwd: str) -> str:
        """The absolute path of the project around a folder."""
        if cwd not in self._known:
            self._known[cwd] = find_project(Path(cwd))
        return self._known[cwd]


def find_project(cwd: Path) -> str:
    """The work tree around a folder; for a linked one, that of its main repository."""
    for folder in (cwd, *cwd.parents):
        git = folder / ".git"
        try:
            if git.is_dir():
                return str(folder)
            if git.is_file():
                return _main_work_tree(git) or str(folder)
        except OSError:
            break
    return str(cwd)


def _main_work_tree(pointer: Path) -> str | None:
    """From `gitdir: /home/ada/shop/.git/worktrees/side` to `/home/ada/shop`."""
    text = pointer.read_text(errors="surrogateescape").removeprefix("gitdir:").strip()
    target = (pointer.parent / text).resolve()
    if target.parent.name == "worktrees" and target.parent.parent.name == ".git":
        return str(target.parent.parent.parent)
    return None
