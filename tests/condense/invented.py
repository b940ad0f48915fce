"""Invents conversations with planted facts, for Claude Code and for Codex: phrasings and structures of their own.

Never tune the program on this alone: it is here to notice what was lost.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = "quill tern brack osprey lumen varga sorrel dune heron pike flint maple corvid tansy".split()
TAILS = "ion ette ald mere ward lith crest moor beck fen".split()
PLAIN = (
    "Most of the layer below only forwards what it is given.",
    "There is some repetition between the two branches, which does no harm.",
    "The tests around this part are thorough enough.",
    "Nothing surprising in here so far.",
    "I read the callers too, and they look fine.",
)
LANGUAGES = {"go": "go", "rs": "cargo", "java": "mvn"}


@dataclass(frozen=True)
class Fact:
    """What has to stand in the ledger: all of it near each other."""

    kind: str
    atoms: tuple[str, ...]
    near: int = 400


@dataclass
class Conversation:
    """A transcript as rows, with what it hides."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    stale: list[tuple[str, str]] = field(default_factory=list)
    """An overruled word, and the one that took its place."""

    def write(self, path: Path) -> Path:
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows))
        return path


class Inventor:
    """Makes one conversation; the same seed makes the same one."""

    def __init__(self, seed: int, kind: str) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.kind = kind
        self.made = Conversation()
        self.used: set[str] = set()
        self.ids = 0
        self.language = self.random.choice(list(LANGUAGES))
        self.cwd = f"/home/ada/{self.word()}"
        if kind == "codex":
            meta = {"id": "s", "cwd": self.cwd, "git": {"branch": "topic"}}
            self.made.rows.append({"type": "session_meta", "timestamp": "2026-03-02T08:00:00Z", "payload": meta})

    def word(self) -> str:
        while True:
            word = self.random.choice(NAMES) + self.random.choice(TAILS) + self.random.choice(("", "a", "o", "is"))
            if word not in self.used:
                self.used.add(word)
                return word

    def camel(self) -> str:
        return self.word().title() + self.word().title()

    def number(self) -> int:
        return self.random.randint(1_100, 98_000)

    def path(self) -> str:
        return f"internal/{self.word()}/{self.word()}.{self.language}"

    def fact(self, kind: str, *atoms: object, near: int = 400) -> None:
        self.made.facts.append(Fact(kind, tuple(str(atom).lower() for atom in atoms), near))

    # -- rows -----------------------------------------------------------
    def _id(self) -> str:
        self.ids += 1
        return f"id{self.seed}-{self.ids}"

    def _row(self, role: str, content: Any) -> None:
        self.made.rows.append(
            {
                "type": role,
                "uuid": self._id(),
                "isSidechain": False,
                "cwd": self.cwd,
                "gitBranch": "topic",
                "timestamp": "2026-03-02T08:00:00.000Z",
                "message": {"role": role, "content": content},
            }
        )

    def _item(self, **payload: Any) -> None:
        self.made.rows.append({"type": "response_item", "timestamp": "2026-03-02T08:00:00Z", "payload": payload})

    def user(self, text: str) -> None:
        if self.kind == "codex":
            self._item(type="message", role="user", content=[{"type": "input_text", "text": text}])
        else:
            self._row("user", [{"type": "text", "text": text}])

    def say(self, *parts: str) -> None:
        text = "\n\n".join(parts)
        if self.kind == "codex":
            self._item(type="message", role="assistant", content=[{"type": "output_text", "text": text}])
        else:
            self._row("assistant", [{"type": "text", "text": text}])

    def run(self, command: str, output: str, code: int = 0) -> None:
        call_id = self._id()
        if self.kind == "codex":
            arguments = json.dumps({"cmd": command})
            self._item(type="function_call", name="exec_command", arguments=arguments, call_id=call_id)
            head = f"Chunk ID: 0a1b2c\nWall time: 0.5 seconds\nProcess exited with code {code}\nOutput:\n"
            self._item(type="function_call_output", call_id=call_id, output=head + output)
            return
        self._row("assistant", [{"type": "tool_use", "id": call_id, "name": "Bash", "input": {"command": command}}])
        text = f"Exit code {code}\n{output}" if code else output
        result = {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": bool(code)}
        self._row("user", [result])

    def change(self, path: str, old: str, new: str) -> None:
        call_id = self._id()
        if self.kind == "codex":
            patch = f"*** Begin Patch\n*** Update File: {path}\n@@\n-{old}\n+{new}\n*** End Patch"
            self._item(type="custom_tool_call", name="apply_patch", input=patch, call_id=call_id)
            self._item(type="custom_tool_call_output", call_id=call_id, output="Success. Updated the files")
            return
        given = {"file_path": f"{self.cwd}/{path}", "edits": [{"old_string": old, "new_string": new}]}
        self._row("assistant", [{"type": "tool_use", "id": call_id, "name": "MultiEdit", "input": given}])
        self._row(
            "user", [{"type": "tool_result", "tool_use_id": call_id, "content": [{"type": "text", "text": "ok"}]}]
        )

    def plan(self, steps: list[tuple[str, str]]) -> None:
        call_id = self._id()
        if self.kind == "codex":
            given = json.dumps({"plan": [{"step": text, "status": status} for text, status in steps]})
            self._item(type="function_call", name="update_plan", arguments=given, call_id=call_id)
            self._item(type="function_call_output", call_id=call_id, output="Plan updated")
            return
        given_todos = {"todos": [{"content": text, "status": status, "activeForm": text} for text, status in steps]}
        self._row("assistant", [{"type": "tool_use", "id": call_id, "name": "TodoWrite", "input": given_todos}])
        self._row("user", [{"type": "tool_result", "tool_use_id": call_id, "content": "ok"}])

    # -- what is not planted ----------------------------------------------
    def noise(self) -> None:
        lines = self.random.randint(30, 90)
        kind = self.random.randrange(3)
        if kind == 0:
            text = "\n".join(f"    {i}: let {self._common()} = {self._common()}({i % 97});" for i in range(lines))
            self.run(f"sed -n '1,{lines}p' {self.path()}", text)
        elif kind == 1:
            text = "\n".join(f"08:{i % 60:02d}:11 INFO {self._common()} took {i * 7 % 991} ms" for i in range(lines))
            self.run("journalctl -u app -n 90", text)
        else:
            text = "\n".join(f"ok  \t{self._common()}/{self._common()}\t0.{i:03d}s" for i in range(lines))
            self.run("go test ./...", text)
        if self.random.random() < 0.5:
            self.say(*self.random.sample(PLAIN, 2))

    def _common(self) -> str:
        return self.random.choice("row item node page user total value entry buffer result".split())


def _rules(inventor: Inventor) -> Iterator[Callable[[], str]]:
    """Things that users want kept, each a function that plants one and gives its sentence."""
    word, number, camel, fact = inventor.word, inventor.number, inventor.camel, inventor.fact

    def frozen() -> str:
        folder = f"third_party/{word()}/"
        fact("rule", folder, "hands off")
        return f"Hands off {folder} - another team owns that."

    def ceiling() -> str:
        limit, place = number(), word()
        fact("rule", limit, place)
        return f"The {place} container gets killed above {limit} kB, so mind the footprint."

    def license_() -> str:
        bad, good = word(), word()
        fact("rule", bad, good)
        return f"We can't ship {bad} (GPL). {good} is fine."

    def german() -> str:
        name = camel()
        fact("rule", name, "niemals")
        return f"Bitte niemals {name} anfassen, das ist eingefroren."

    def review() -> str:
        name = word()
        fact("rule", name, "before")
        return f"Show me the migration plan for {name} before you touch the schema."

    yield from (frozen, ceiling, license_, german, review)


def _beliefs(inventor: Inventor) -> Iterator[Callable[[], str]]:
    """Things that agents find out or decide."""
    word, number, camel, fact = inventor.word, inventor.number, inventor.camel, inventor.fact

    def table() -> str:
        first, second, ms = word(), word(), number()
        fact("finding", first, ms)
        return f"| backend | p99 |\n|---|---|\n| {first} | {ms} us |\n| {second} | timeouts |"

    def bullet() -> str:
        name, limit = camel(), number()
        fact("decision", name, limit)
        return f"Summary:\n- **{name}** now owns the retry loop, capped at {limit} tries\n- no change for callers"

    def culprit() -> str:
        first, second = camel(), camel()
        fact("cause", first, second)
        return f"Got it: {first} frees the arena while {second} is still iterating over it."

    def wasted() -> str:
        name, place = word(), word()
        fact("dead_end", name, place)
        return f"Moving the lookup into {name} was a waste of time; {place} contends on the same mutex anyway."

    def undone() -> str:
        name, number_ = camel(), number()
        fact("dead_end", name, number_)
        return f"Bumped {name} to {number_}, saw the very same stall, put it back."

    def chosen() -> str:
        first, second = word(), word()
        fact("decision", first, second)
        return f"Between {first} and {second} I take {first}: one dependency fewer."

    yield from (table, bullet, culprit, wasted, undone, chosen)


def invent(seed: int, kind: str = "claude") -> Conversation:
    """A conversation of about 30,000 tokens with about 25 facts in it."""
    inventor = Inventor(seed, kind)
    rules, beliefs = list(_rules(inventor)), list(_beliefs(inventor))
    inventor.random.shuffle(rules)
    inventor.random.shuffle(beliefs)
    old, new = inventor.camel(), inventor.camel()
    files = [inventor.path() for _ in range(3)]
    for episode in range(5):
        _episode(inventor, episode, files[episode % 3], rules, beliefs, old=old, new=new)
    _end(inventor)
    return inventor.made


def _episode(
    inventor: Inventor,
    episode: int,
    path: str,
    rules: list[Callable[[], str]],
    beliefs: list[Callable[[], str]],
    *,
    old: str,
    new: str,
) -> None:
    wish = (
        f"please look after {path}" if episode else f"{path} loses updates under load, fix that. Call the type {old}."
    )
    if episode == 3:
        wish += f" Scratch {old}: the type is called {new}."
        inventor.made.stale.append((old, new))
        inventor.fact("changed_mind", new)
    inventor.user("\n".join([wish, *(rules.pop()() for _ in range(1) if rules)]))
    for _ in range(5):
        inventor.noise()
    if episode == 1:
        _secrets(inventor)
    for _ in range(2):
        if beliefs:
            inventor.say(inventor.random.choice(PLAIN), beliefs.pop()())
    inventor.noise()
    symbol, value = inventor.camel(), inventor.number()
    inventor.change(path, "return nil", f"return {symbol}(ctx, {value})")
    inventor.made.facts = [fact for fact in inventor.made.facts if not (fact.kind == "file" and fact.atoms[0] == path)]
    inventor.fact("file", path, symbol, near=700)
    if episode in (1, 3):
        command = f"{inventor.word()}ctl rotate --ring {inventor.number()} --zone {inventor.word()}"
        inventor.run(command, "rotated")
        inventor.fact("command", command, near=200)
    if episode == 2:
        commit = f"{inventor.random.getrandbits(32):08x}"
        inventor.run(f'git commit -am "{inventor.word()} pass"', f"[topic {commit}] pass\n 2 files changed")
        inventor.fact("commit", commit)


def _secrets(inventor: Inventor) -> None:
    letters = "".join(inventor.random.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(20))
    url, token = f"Zx9{letters[:9]}", f"ghp_{letters}{letters[:16]}"
    inventor.run("env | sort", f"DATABASE_URL=postgres://svc:{url}@db:5432/app\nGH_TOKEN={token}\nLANG=C")
    inventor.say(f"The service account uses {url} to log in, so I can reach the database.")
    inventor.run(f"psql postgres://svc:{url}@db:5432/app -c 'select 1'", "1")
    inventor.made.secrets += [url, token]


def _end(inventor: Inventor) -> None:
    left = [inventor.path() for _ in range(5)]
    inventor.run("git grep -l legacy_codec", "\n".join(left))
    inventor.say("These five still use the legacy codec. I converted the first; the rest comes after the tests pass.")
    inventor.fact("work_list", *left[1:], near=900)
    steps = [
        (f"Wire {inventor.camel()} into the health check", "pending"),
        (f"Drop {inventor.word()} support", "in_progress"),
    ]
    inventor.plan([("Look at the code", "completed"), *steps])
    for text, _ in steps:
        inventor.fact("todo", text, near=len(text) + 60)
    name, expected, got = f"Test{inventor.camel()}", inventor.number(), inventor.number()
    inventor.run(
        f"go test ./internal/... -run {name}",
        f"=== RUN   {name}\n    ring_test.go:41: want {expected}, have {got}\n--- FAIL: {name} (0.02s)\nFAIL",
        1,
    )
    inventor.fact("open_error", name, expected, got, near=600)
    inventor.say("That one is red for now.")


def kept(fact: Fact, text: str) -> bool:
    """Whether all atoms of the fact stand near each other in a text in lower case."""
    first = fact.atoms[0]
    at = text.find(first)
    while at >= 0:
        near = text[max(0, at - fact.near) : at + len(first) + fact.near]
        if all(atom in near for atom in fact.atoms):
            return True
        at = text.find(first, at + 1)
    return False
