"""Command lines of agents: known behind interpreters, and written anew for a resume."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from hive_tui.kinds.manifest import UUID, ProcessRules, ResumeRules

INTERPRETER = re.compile(r"(node|nodejs|bun|deno|python(\d(\.\d+)?)?|pypy3?|ruby)(\.exe)?")
INTERPRETER_OPTIONS_WITH_VALUE = frozenset(
    {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "--preload", "-X", "-W"}
)
SCRIPT_ENDING = re.compile(r"\.(exe|m?js|cjs|ts|py|rb)$")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line, parted into what starts the program and what is said to it."""

    prefix: tuple[str, ...]
    """The program; with an interpreter, that and its script."""
    name: str
    """Name of the program, script or module, without folder and ending."""
    is_module: bool
    arguments: tuple[str, ...]


def parted(argv: Sequence[str]) -> CommandLine | None:
    """Look behind an interpreter; None for an empty command line or inline code (`-c`, `-e`)."""
    if not argv:
        return None
    name = _base(argv[0])
    if not INTERPRETER.fullmatch(name):
        return CommandLine(tuple(argv[:1]), name, False, tuple(argv[1:]))
    for at, word in enumerate(argv[1:], 1):
        if argv[at - 1] in INTERPRETER_OPTIONS_WITH_VALUE:
            continue
        if word == "-m" and at + 1 < len(argv):
            return CommandLine(tuple(argv[: at + 2]), argv[at + 1], True, tuple(argv[at + 2 :]))
        if word in ("-c", "-e", "--eval", "-p", "--print"):
            return None
        if not word.startswith("-"):
            return CommandLine(tuple(argv[: at + 1]), _base(word), False, tuple(argv[at + 1 :]))
    return None


def matches(command: CommandLine, rules: ProcessRules, with_value: Sequence[str]) -> bool:
    """Whether the command line is an interactive run of that kind."""
    if not _is_program(command, rules):
        return False
    skip = False
    for word in command.arguments:
        if skip:
            skip = False
        elif word == "--":
            return True
        elif word in rules.not_options:
            return False
        elif word in with_value:
            skip = True
        elif not word.startswith("-"):
            return word not in rules.not_commands
    return True


def resumed(argv: Sequence[str], rules: ResumeRules, session_id: str) -> tuple[str, ...]:
    """The command that goes on with a conversation: the program as it was started, the id, and the kept options.

    A first prompt, an older session id and everything else that is not an option is left out.
    """
    command = parted(argv)
    prefix = command.prefix if command else tuple(argv[:1])
    arguments = tuple(word.format(session_id=session_id) for word in rules.arguments)
    return (*prefix, *arguments, *kept_options(command.arguments if command else (), rules))


def value_of(argv: Sequence[str], arguments: Sequence[str], pattern: str = UUID) -> str | None:
    """The session id that stands in a command line where a resume puts it; None if there is none.

    Args:
        argv: The command line.
        arguments: Of a resume, with `{session_id}`.
        pattern: Of an id.
    """
    if "{session_id}" not in arguments:
        return None
    before = arguments[arguments.index("{session_id}") - 1]
    for at, word in enumerate(argv[:-1]):
        if word == before and re.fullmatch(pattern, argv[at + 1]):
            return argv[at + 1]
    return None


def kept_options(arguments: Sequence[str], rules: ResumeRules) -> tuple[str, ...]:
    """Those of the first command's options that a resume repeats."""
    kept: list[str] = []
    at = 0
    while at < len(arguments) and arguments[at] != "--":
        word = arguments[at]
        name = word.split("=", 1)[0]
        following = arguments[at + 1] if at + 1 < len(arguments) else "-"
        at += 1
        if not word.startswith("-") or word == "-":
            continue
        if name in rules.drop or name in rules.drop_with_value:
            if name in rules.drop_with_value and "=" not in word and not following.startswith("-"):
                at += 1
            continue
        kept.append(word)
        if "=" in word:
            continue
        if name in rules.with_value and at < len(arguments):
            kept.append(arguments[at])
            at += 1
        elif name in rules.with_values:
            while at < len(arguments) and not arguments[at].startswith("-"):
                kept.append(arguments[at])
                at += 1
    return tuple(kept)


def _is_program(command: CommandLine, rules: ProcessRules) -> bool:
    if command.prefix[-1].endswith(rules.not_endings):
        return False
    if len(command.prefix) > 1 and _base(command.prefix[0]).startswith(rules.not_run_by):
        return False
    if command.is_module:
        return command.name in rules.modules
    return command.name in rules.programs or command.prefix[-1].endswith(tuple(f"/{end}" for end in rules.scripts))


def _base(path: str) -> str:
    return SCRIPT_ENDING.sub("", PurePath(path.lstrip("-")).name)
