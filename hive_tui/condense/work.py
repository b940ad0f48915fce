"""What was done: commands with how they ended last, files with their last change, commits, open things to do."""

import re
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from hive_tui.condense import calls, outputs
from hive_tui.condense.atoms import atoms
from hive_tui.condense.records import Record
from hive_tui.condense.sentences import cut
from hive_tui.condense.shelf import Entry, Section, Shelf

MOST_COMMANDS, MOST_FILES = 4_000, 4_000
"""Of more, the oldest are forgotten; the archive has them."""
CALLS_WAITING = 2_000
DONE = frozenset({"completed", "done", "cancelled", "canceled", "complete", "deleted", "skipped", "finished"})
COUNTS = "zero one two three four five six seven eight nine ten eleven twelve".split()
GOING_ON = re.compile(
    r"\b(?:remain\w*|left|rest|others?|next|first|each|all|every|both|sites?|places?|occurrences?|call(?:s"
    r"|ers)?|hits?|matches|files|records"
    r"|entries|items|migrate|convert|update|replace|rename|port|these|those|them|list|work through|one by one"
    r"|later|pending|still)\b",
    re.IGNORECASE,
)
LETTERS_OF_COMMAND = 420
SHORT_OUTPUT = 220


@dataclass(slots=True)
class Run:
    """A command, by its text."""

    command: str
    line: int
    times: int = 0
    exit_code: int | None = None
    failed: bool = False
    errors: list[str] = field(default_factory=list)
    said: str = ""
    only_looks: bool = False


@dataclass(slots=True)
class Touched:
    """A file that the agent changed."""

    path: str
    line: int
    times: int = 0
    is_new: bool = False
    is_deleted: bool = False
    last: list[str] = field(default_factory=list)
    """The lines of the last changes, the newest last."""


@dataclass(slots=True)
class Listed:
    """A short list that a tool gave back, until it shows whether the agent works through it."""

    what: str
    lines: list[str]
    line: int
    said: str = ""


class Work:
    """Takes calls and results, in order."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._waiting: OrderedDict[str, Record] = OrderedDict()
        self._last_call: Record | None = None
        self.runs: OrderedDict[str, Run] = OrderedDict()
        self.files: OrderedDict[str, Touched] = OrderedDict()
        self.todos: dict[str, tuple[str, int, bool]] = {}
        """Status, line, and whether it stands in the newest list, by text."""
        self.commits: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._tasks: dict[str, str] = {}
        self._before: dict[str, list[tuple[str, Touched | None]]] = {}
        """How files were before a call whose end is not known, by its id."""
        self._lists: list[Listed] = []

    def call(self, record: Record) -> None:
        """The agent uses a tool."""
        if record.call_id:
            self._waiting[record.call_id] = record
            if len(self._waiting) > CALLS_WAITING:
                self._waiting.popitem(last=False)
        self._last_call = record
        self._keep_todos(record)
        changes = calls.changes_of(record)
        if changes and record.call_id:
            self._remember(record.call_id, changes)
        for change in changes:
            self._keep_change(change, record.line)
        command = calls.command_of(record)
        if command and not calls.is_patch(command):
            self._begin(command, record.line)

    def call_for(self, record: Record) -> Record | None:
        """The call whose result this is."""
        return self._waiting.pop(record.call_id, None) if record.call_id else self._last_call

    def result(self, record: Record, call: Record | None) -> None:
        """What a tool gave back."""
        if call is None:
            return
        before = self._before.pop(call.call_id, [])
        command = calls.command_of(call)
        # A shell that ran more than a patch may have failed behind it.
        is_edit = not command or calls.is_patch(command)
        has_failed = is_edit and bool(record.failed or record.exit_code)
        if before and (has_failed or outputs.PATCH_FAILED.search(record.text[:400])):
            self._put_back(before, call.line)
        if command:
            self._end(command, record)
        self._keep_task(call, record)
        self._keep_list(call, record)

    def forget(self, call: Record) -> None:
        """The user did not allow it: it was neither run nor failed, unless it was run before."""
        self._put_back(self._before.pop(call.call_id, []), call.line)
        run = self.runs.get(calls.command_of(call))
        if run is not None:
            run.times -= 1
            if run.times == 0:
                del self.runs[run.command]

    def _remember(self, call_id: str, changes: list[calls.Change]) -> None:
        known = {change.path: self.files.get(change.path) for change in changes}
        self._before[call_id] = [(path, replace(one, last=[*one.last]) if one else None) for path, one in known.items()]
        if len(self._before) > CALLS_WAITING:
            del self._before[next(iter(self._before))]

    def _put_back(self, before: list[tuple[str, Touched | None]], line: int) -> None:
        """A change that failed has changed nothing; where another one came after it, that one stays."""
        for path, one in before:
            now = self.files.get(path)
            if now is None or now.line != line:
                continue
            if one is None:
                self.files.pop(path, None)
            else:
                self.files[path] = one

    def said(self, text: str) -> None:
        """The agent spoke after a result: is it about the list that it got?"""
        for listed in self._lists[-3:]:
            if len(listed.said) < 1_000:
                listed.said += " " + text[:1_000]

    def _begin(self, command: str, line: int) -> None:
        run = self.runs.pop(command, None) or Run(command, line, only_looks=calls.only_looks(command))
        run.times += 1
        run.line = line
        self.runs[command] = run
        if len(self.runs) > MOST_COMMANDS:
            self.runs.popitem(last=False)

    def _end(self, command: str, record: Record) -> None:
        run = self.runs.get(command)
        if run is None:
            return
        run.exit_code = record.exit_code
        run.failed = record.failed or bool(record.exit_code)
        run.errors = outputs.failure_lines(record.text) if run.failed else []
        bare = record.text.strip()
        run.said = bare if len(bare) <= SHORT_OUTPUT and not run.failed else ""
        for warning in outputs.warnings(record.text) if not run.failed and not run.only_looks else ():
            self._shelf.add(Entry(Section.FINDING, warning, record.line, base=0.1, factor=0.25))
        for commit, subject in outputs.commits(command, record.text):
            self.commits[commit] = (cut(subject, 120), record.line)
        for link in outputs.links(command, record.text):
            self.commits[link] = ("", record.line)

    def _keep_change(self, change: calls.Change, line: int) -> None:
        touched = self.files.pop(change.path, None) or Touched(change.path, line)
        touched.times += 1
        touched.line = line
        touched.is_new = touched.is_new or change.is_new
        touched.is_deleted = change.is_deleted
        symbols = calls.SYMBOL.findall(change.come) if change.is_new else []
        added = [f"defines {', '.join(dict.fromkeys(symbols[:6]))}"] if symbols else calls.added_lines(change)
        if added:
            touched.last = [*touched.last, cut(" ⏎ ".join(added[:3]), 220)][-2:]
        self.files[change.path] = touched
        if len(self.files) > MOST_FILES:
            self.files.popitem(last=False)

    def _keep_todos(self, record: Record) -> None:
        listed = calls.todos_of(record)
        if listed is None:
            return
        self.todos = {text: (status, line, False) for text, (status, line, _) in self.todos.items()}
        for text, status in listed:
            self.todos.pop(text, None)
            self.todos[text] = (status, record.line, True)

    def _keep_task(self, call: Record, record: Record) -> None:
        """Lists of things to do that are changed one by one."""
        subject, task_id = call.arguments.get("subject"), str(call.arguments.get("taskId") or "")
        if call.tool == "TaskCreate" and isinstance(subject, str):
            made = re.search(r"#?(\d+)", record.text)
            self._tasks[made[1] if made else str(len(self._tasks) + 1)] = subject
            self.todos[subject] = ("pending", record.line, True)
        elif call.tool == "TaskUpdate" and task_id in self._tasks:
            status = str(call.arguments.get("status") or "")
            if status:
                self.todos[self._tasks[task_id]] = (status, record.line, True)

    def _keep_list(self, call: Record, record: Record) -> None:
        for item in outputs.open_items(record.text):
            self._shelf.add(Entry(Section.OPEN, item, record.line, base=0.6))
        if calls.changes_of(call) or calls.todos_of(call) is not None:
            return
        searched = calls.searched_for(call)
        found = outputs.places(record.text) or (outputs.items(record.text) if not record.failed else [])
        if found:
            what = searched or calls.command_of(call) or calls.signature(call)
            self._lists.append(Listed(what, found, record.line))
            if len(self._lists) > 4:
                self._settle(self._lists.pop(0))

    def settle(self) -> None:
        """At the end: no more is said about any list."""
        while self._lists:
            self._settle(self._lists.pop(0))

    def _settle(self, listed: Listed) -> None:
        """Keep a list that the agent speaks of as something to work through."""
        said = listed.said.lower()
        number = len(listed.lines)
        counts = {str(number), *COUNTS[number : number + 1], *(COUNTS[number - 1 : number] if number > 2 else [])}
        shared = set(atoms(listed.what)) & set(atoms(said))
        score = (
            0.9 * bool(counts & set(re.findall(r"\w+", said))) + 0.7 * bool(shared) + 0.3 * bool(GOING_ON.search(said))
        )
        if score < 0.9:
            return
        text = f"{cut(listed.what, 200)} → {', '.join(cut(line, 120) for line in listed.lines)}"
        self._shelf.add(Entry(Section.LIST, text, listed.line, base=2.0 * score, factor=0.3))
