"""Turns what is known of the work into entries: its last state, not its history."""

from hive_tui.condense.sentences import cut
from hive_tui.condense.shelf import Entry, Section
from hive_tui.condense.work import DONE, LETTERS_OF_COMMAND, Run, Touched, Work

RECENT = 0.15
"""The last part of a conversation whose commands and files count for more."""


def account(work: Work, cwd: str, last_line: int) -> list[Entry]:
    """Entries for files, commands, commits, failures and open things to do, as they are at the end."""
    since = last_line * (1 - RECENT)
    entries = [_file(touched, cwd, since) for touched in work.files.values()]
    failing = open_failures(list(work.runs.values()))
    for number, run in enumerate(reversed(failing)):
        entries.append(_failure(run, is_last=number == 0))
    entries += [_run(run, since) for run in work.runs.values() if run not in failing]
    for commit, (subject, line) in work.commits.items():
        entries.append(Entry(Section.COMMIT, f"{commit} {subject}".strip(), line, base=1.2, is_must=True))
    entries += _todos(work)
    return entries


def open_failures(runs: list[Run]) -> list[Run]:
    """Commands whose last run failed and which no later run of the same tool has made good, oldest first."""
    good: set[str] = set()
    failing: list[Run] = []
    for run in reversed(runs):
        tool = " ".join(run.command.split()[:3])
        if run.failed and not run.only_looks and tool not in good:
            failing.append(run)
        elif not run.failed:
            good.add(tool)
    return list(reversed(failing))


def _failure(run: Run, *, is_last: bool) -> Entry:
    """A failing command with its errors; of those before the last one the errors are told more briefly."""
    ended = f"exit {run.exit_code}" if run.exit_code is not None else "failed"
    errors = run.errors if is_last else run.errors[-3:]
    text = "\n".join([f"`{cut(run.command, LETTERS_OF_COMMAND)}` → {ended}", *errors])
    return Entry(Section.FAILING, text, run.line, base=3.0 if is_last else 1.8, factor=0.5, is_must=is_last)


def _run(run: Run, since: float) -> Entry:
    ended = "" if run.exit_code is None and not run.failed else f" → exit {run.exit_code}" if run.exit_code else ""
    if run.failed and not ended:
        ended = " → failed"
    times = f" (×{run.times})" if run.times > 1 else ""
    said = f" → {' ⏎ '.join(run.said.split(chr(10)))}" if run.said and any(map(str.isdigit, run.said)) else ""
    text = f"`{cut(run.command, LETTERS_OF_COMMAND)}`{times}{ended}{said}"
    base = 0.0 if run.only_looks else 0.7
    if run.line >= since:
        base += 0.2
    return Entry(Section.COMMAND, text, run.line, base=base, factor=0.12 if run.only_looks else 0.8)


def _file(touched: Touched, cwd: str, since: float) -> Entry:
    path = relative(touched.path, cwd)
    how = "deleted" if touched.is_deleted else "new" if touched.is_new else "changed"
    times = f" ×{touched.times}" if touched.times > 1 else ""
    last = f": {touched.last[-1]}" if touched.last and not touched.is_deleted else ""
    base = (1.2 if touched.is_new and touched.times == 1 else 2.0) + 0.5 * (touched.line >= since)
    return Entry(Section.FILE, f"{path} ({how}{times}){last}", touched.line, base=base, factor=0.4)


def _todos(work: Work) -> list[Entry]:
    entries = []
    for text, (status, line, is_listed) in work.todos.items():
        if status.lower() in DONE:
            continue
        if is_listed:
            mark = " (in progress)" if "progress" in status else ""
            entries.append(Entry(Section.OPEN, f"{cut(text, 400)}{mark}", line, base=3.0, is_must=True))
        else:
            told = f"{cut(text, 300)} (left the list without being done)"
            entries.append(Entry(Section.OPEN, told, line, base=1.0))
    return entries


def relative(path: str, cwd: str) -> str:
    """The path from the folder in which the agent works, where it lies below."""
    return path.removeprefix(cwd.rstrip("/") + "/") if cwd else path
