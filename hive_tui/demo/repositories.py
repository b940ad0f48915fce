"""Makes the repositories that the agents of the demo work in, so that their checkpoints have content."""

from collections.abc import Mapping
from pathlib import Path

from hive_tui.adapters.git.command import Git
from hive_tui.demo.script import Player


def make_repository(folder: Path, player: Player, *, home: Path) -> None:
    """A repository with the player's commits, and with changes since the last one.

    Args:
        folder: Where; it is made.
        player: Whose it is.
        home: Stands in for the user's home.

    Raises:
        WorkspaceError: There is no git, or it failed.
    """
    folder.mkdir(parents=True)
    git = Git(home, folder)
    git.run("-c", "init.defaultBranch=main", "init", "-q")
    for commit in player.commits:
        _write(folder, commit.files)
        git.run("add", "-A")
        git.run("commit", "-q", "--no-verify", "-m", commit.subject)
    _write(folder, player.changed)
    _write(folder, player.untracked)


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
