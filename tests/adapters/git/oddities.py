"""What git can make of names, files and an index where one does not expect it."""

import os

from tests.adapters.git.conftest import Repo
from tests.adapters.git.states import Scene, another

ODDITIES: list[Scene] = []


def oddity(function: Scene) -> Scene:
    ODDITIES.append(function)
    return function


@oddity
def odd_names(repo: Repo) -> Repo:
    names = [b"new\nline", b'quo"te', b"back\\slash", b"latin-\xe9", b"-rf", b" leading", b"tab\there", b":(top)"]
    names.append(b'dir \n/"x\\')
    for name in names:
        repo.write(b"tracked-" + name, b"tracked " + name)
    repo.commit("odd")
    for name in names:
        repo.write(b"tracked-" + name, b"modified " + name)
        repo.write(name, b"untracked " + name)
    return repo


@oddity
def sha256(repo: Repo) -> Repo:
    other = another(repo, "sha256", "--object-format=sha256")
    other.write("a.txt", "a\n")
    other.commit("first")
    other.write("a.txt", "b\n")
    other.write("new.txt", "new\n")
    return other


@oddity
def crlf(repo: Repo) -> Repo:
    """Git converts line ends, and thinks that nothing is changed."""
    repo.git("config", "--global", "core.autocrlf", "true")
    repo.write("dos.txt", "one\r\ntwo\r\n")
    repo.commit("dos")
    return _settled(repo)


@oddity
def attributes(repo: Repo) -> Repo:
    """Conversions by attributes: line ends, keywords, encodings; one of them keeps the size."""
    repo.write(".gitattributes", "*.txt text eol=crlf\n*.id ident\n*.ru working-tree-encoding=KOI8-R\n")
    repo.write("a.txt", "one\r\ntwo\r\n")
    repo.write("version.id", "$Id$\n")
    repo.write("word.ru", "слово\n".encode("koi8-r"))
    repo.commit("attributes")
    for name in ("version.id", "a.txt"):
        (repo.root / name).unlink()
        repo.git("checkout", "--", name)
    return _settled(repo)


@oddity
def filtered(repo: Repo) -> Repo:
    """A filter that keeps the size of files."""
    for side in ("clean", "smudge"):
        repo.git("config", "--global", f"filter.rot13.{side}", "tr a-z n-za-m")
    repo.write(".gitattributes", "*.rot filter=rot13\n")
    repo.write("word.rot", "hello\n")
    repo.commit("filtered")
    return _settled(repo)


@oddity
def pointers(repo: Repo) -> Repo:
    """Large files by a filter, as git-lfs does it: git has a pointer, and the folder the content."""
    repo.git("config", "--global", "filter.lfs.clean", "git hash-object --stdin | sed 's/^/oid sha1:/'")
    repo.git("config", "--global", "filter.lfs.smudge", "cat")
    repo.git("config", "--global", "filter.lfs.required", "true")
    repo.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    repo.write("model.bin", os.urandom(50_000))
    repo.write("weights.bin", os.urandom(50_000))
    repo.commit("large")
    _settled(repo)
    repo.write("weights.bin", os.urandom(50_000))
    repo.write("new.bin", os.urandom(50_000))
    return repo


@oddity
def intent_to_add(repo: Repo) -> Repo:
    repo.write("intended.txt", "intended\n")
    repo.git("add", "--intent-to-add", "intended.txt")
    return repo


@oddity
def hidden(repo: Repo) -> Repo:
    """Changed files that the index tells git not to look at."""
    repo.write("skipped.txt", "skipped\n")
    repo.write("sparse.txt", "not on disk\n")
    repo.commit("second")
    repo.git("update-index", "--assume-unchanged", "src/main.py")
    repo.git("update-index", "--skip-worktree", "skipped.txt", "sparse.txt")
    repo.write("src/main.py", "changed behind git's back\n")
    repo.write("skipped.txt", "changed too\n")
    (repo.root / "sparse.txt").unlink()
    return repo


@oddity
def split_index(repo: Repo) -> Repo:
    repo.git("update-index", "--split-index")
    repo.write("more.txt", "more\n")
    repo.git("add", "more.txt")
    return repo


@oddity
def index_version_4(repo: Repo) -> Repo:
    repo.git("update-index", "--index-version", "4")
    repo.write("src/main.py", "changed\n")
    return repo


@oddity
def sparse_index(repo: Repo) -> Repo:
    for folder in ("in", "out/deep"):
        repo.write(f"{folder}/file", folder)
    repo.commit("folders")
    repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
    repo.write("in/file", "changed\n")
    assert b"sdir" in (repo.git_dir / "index").read_bytes()
    return repo


@oddity
def links(repo: Repo) -> Repo:
    (repo.root / "link").symlink_to("src/main.py")
    (repo.root / "dangling").symlink_to("/nowhere")
    repo.commit("links")
    (repo.root / "link").unlink()
    (repo.root / "link").symlink_to("README.md")
    (repo.root / "folder-link").symlink_to("src")
    return repo


@oddity
def turned_around(repo: Repo) -> Repo:
    """Files that became folders and links, and the other way round."""
    repo.write("file", "file\n")
    repo.write("folder/inside", "inside\n")
    repo.write("to-link/inside", "inside\n")
    repo.commit("second")
    (repo.root / "file").unlink()
    repo.write("file/inside", "now a folder\n")
    (repo.root / "folder/inside").unlink()
    (repo.root / "folder").rmdir()
    repo.write("folder", "now a file\n")
    (repo.root / "to-link").rename(repo.root / "moved")
    (repo.root / "to-link").symlink_to("moved")
    return repo


@oddity
def racy(repo: Repo) -> Repo:
    """A file that was changed in the moment of the last `git add`, to the same size."""
    repo.git("config", "core.trustctime", "false")
    place = repo.root / "src/main.py"
    repo.write("src/main.py", "print('two')\n" * 3)
    repo.age(place)
    repo.git("add", "src/main.py")
    stamp = place.stat().st_mtime_ns
    repo.write("src/main.py", "print('six')\n" * 3)
    for path in (place, repo.git_dir / "index"):
        os.utime(path, ns=(stamp, stamp))
    return repo


def _settled(repo: Repo) -> Repo:
    """Nothing is changed in the eyes of git, whatever the bytes on disk are."""
    for name in repo.git("ls-files", "-z").split(b"\0")[:-1]:
        repo.age(repo.root / os.fsdecode(name))
    repo.git("update-index", "--refresh")
    assert repo.git("diff-files") == b""
    return repo
