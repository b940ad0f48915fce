"""aider: it knows no session ids. The conversation is one history file a repository, and all is in the last block."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.sightings import Claim, Session
from hive_tui.kinds import commands
from hive_tui.kinds.kind import Kind, Look, SessionFile
from hive_tui.kinds.screen import Screen

HISTORY = ".aider.chat.history.md"
HISTORY_OPTION = "--chat-history-file"
HISTORY_VARIABLE = "AIDER_CHAT_HISTORY_FILE"
RULE = re.compile(r"─{20,}$")
PROMPT = re.compile(r"([a-z-]+( multi)?|multi)?>( |$)")
QUESTION = re.compile(r".*\(Y\)es/\(N\)o.*\[(Yes|No)\]: ?$")
LIMIT = re.compile(r".*(usage limit|exceeded your current quota|insufficient_quota|billing)", re.IGNORECASE)
SPINNER = re.compile(r"\s*[░█#=]{1,2}\S*\s+\S.*|\s*Waiting for \S+")
KILLED = re.compile(r"> ?(Killed|Terminated|Hangup)")
STARTED = "# aider chat started at "
SAID = "#### "
MOVED = re.compile(r"> (Added|Removed) (.+?) (?:to|from) the chat")
COUNTED_FOR_S = 2.0
INTERPRETERS = ("aider", "python")


class Aider(Kind):
    """aider, one to a repository: two of them write into one history, and neither could be resumed alone."""

    _counted: tuple[float, Mapping[str, int]] = (-COUNTED_FOR_S, {})

    def session(self, look: Look) -> Session:
        """The history file, once something was said since it began."""
        path = history_of(look.argv, look.cwd, look.environ)
        if self._writers(look).get(str(path), 0) > 1:
            return Session(None, "several aiders write into one history file, so none could be resumed alone")
        folder = str(path.parent)
        if not path.is_file():
            return Session(None, "it has not written a history file yet", config_dir=folder)
        if not said_since_start(path) and "--restore-chat-history" not in look.argv:
            return Session(str(path), "nothing was said to it yet", None, folder)
        return Session(str(path), "the history file of its repository", str(path), folder)

    def find_transcript(self, config_dir: Path, session_id: str) -> Path | None:
        """The id is its path."""
        path = Path(session_id)
        return path if path.is_absolute() and path.is_file() else None

    def screen_claims(self, look: Look) -> tuple[Claim, ...]:
        """By what stands below the last rule: nothing else on the screen is now."""
        block = last_block(look.screen)
        if not block:
            return ()
        last = block[-1]
        if QUESTION.fullmatch(last):
            return (Claim(Activity.PERMISSION, "screen", f"it asks: {last.strip()[:80]}"),)
        if all(PROMPT.match(line) for line in block):
            is_empty = not last[last.index(">") + 1 :].strip()
            activity = Activity.IDLE if is_empty else look.known_activity
            said = "" if is_empty else ", and whether the text there was sent cannot be seen"
            return (Claim(activity, "screen", f"it shows its prompt{said}"),)
        retries = [line for line in block if LIMIT.match(line)]
        if retries and any(line.startswith("Retrying in ") for line in block):
            return (Claim(Activity.LIMITED, "screen", f"the usage limit is reached: {retries[-1].strip()[:160]}"),)
        if SPINNER.fullmatch(last):
            return (Claim(Activity.WORKING, "screen", f"it waits for the model: {last.strip()[:60]}"),)
        if PROMPT.match(block[0]):
            return (Claim(Activity.WORKING, "screen", "it writes below what it was asked"),)
        return ()

    def stored_claims(self, look: Look) -> tuple[Claim, ...]:
        """It counts the tokens in its history at the end of each answer."""
        session = self.session(look)
        lines = _tail(Path(session.transcript)) if session.transcript else []
        last = next((line for line in reversed(lines) if line.strip()), "")
        return (Claim(Activity.IDLE, "history", "its last answer has ended"),) if last.startswith("> Tokens:") else ()

    def last_said(self, agent: Agent) -> str:
        """What stands below the last message in its history."""
        from hive_tui.kinds import last_said

        return last_said.in_history(_tail(Path(agent.transcript))) if agent.transcript else ""

    def typed(self, screen: Screen) -> str:
        """The prompt is an input line only while nothing stands below it."""
        block = last_block(screen)
        if not block or not all(PROMPT.match(line) for line in block):
            return ""
        return " ".join(line[line.index(">") + 1 :].strip() for line in block).strip()

    def resume_command(self, argv: Sequence[str], session_id: str) -> tuple[str, ...]:
        """The first command with its options and files, and with the files that were added meanwhile."""
        command = commands.parted(argv)
        rules = self.manifest.resume
        words = list(command.arguments if command else argv[1:])
        kept: list[str] = []
        while words:
            word = words.pop(0)
            if word in rules.drop_with_value and words:
                words.pop(0)
            elif word not in rules.drop and word not in rules.drop_with_value:
                kept.append(word)
        prefix = command.prefix if command else tuple(argv[:1])
        added = [name for name in files_in_chat(Path(session_id)) if name not in kept]
        return (*prefix, *rules.arguments, *kept, *added)

    def session_files(self, agent: Agent) -> list[SessionFile]:
        """The history, and what was typed before."""
        files = super().session_files(agent)
        beside = files[0].path.with_name(".aider.input.history") if files else None
        if beside is not None and beside.is_file():
            files.append(replace(files[0], path=beside, member=beside.name))
        return files

    @property
    def tells_its_end(self) -> bool:
        """By the prompt that it leaves on the screen."""
        return True

    def left_cleanly(self, agent: Agent, screen: Screen | None) -> bool | None:
        """Killed, it leaves its prompt with the shell's word for that behind it, once the shell has said it."""
        if screen is None:
            return False
        lines = screen.bottom(6)
        if any(KILLED.match(line) for line in lines):
            return False
        prompts = [at for at, line in enumerate(lines) if line == ">"]
        return None if prompts == [len(lines) - 1] else bool(prompts)

    def _writers(self, look: Look) -> Mapping[str, int]:
        """How many aiders on terminals write into each history file; counted anew now and then."""
        if not 0 <= look.now_s - self._counted[0] < COUNTED_FOR_S:
            found: dict[str, int] = {}
            for process in look.processes.table():
                if process.tty and process.comm.startswith(INTERPRETERS):
                    argv = look.processes.argv(process.pid)
                    if self.matches(argv):
                        environ = look.processes.environ(process.pid)
                        path = str(history_of(argv, look.processes.cwd(process.pid), environ))
                        found[path] = found.get(path, 0) + 1
            self._counted = (look.now_s, found)
        return self._counted[1]


def history_of(argv: Sequence[str], cwd: str, environ: Mapping[str, str]) -> Path:
    """Where an aider of that command line keeps its history: at the top of the repository, if nothing else is said."""
    named = environ.get(HISTORY_VARIABLE, "")
    for at, word in enumerate(argv):
        if word == HISTORY_OPTION and at + 1 < len(argv):
            named = argv[at + 1]
        elif word.startswith(f"{HISTORY_OPTION}="):
            named = word.partition("=")[2]
    folder = Path(cwd)
    if named:
        return folder / Path(named).expanduser()
    top = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)
    return top / HISTORY


def last_block(screen: Screen) -> list[str]:
    """The lines below the last rule that are not blank; empty where there is no rule."""
    lines = [line for line in screen.lines if line.strip()]
    rules = [at for at, line in enumerate(lines) if RULE.match(line)]
    return lines[rules[-1] + 1 :] if rules else []


def said_since_start(path: Path) -> bool:
    """Whether the history holds a message since the last start of an aider."""
    return any(line.startswith(SAID) for line in _since_start(path))


def files_in_chat(path: Path) -> list[str]:
    """The files that were added since the last start and not taken out, if they are there."""
    found: list[str] = []
    for line in _since_start(path):
        if moved := MOVED.match(line):
            found = [name for name in found if name != moved[2]]
            if moved[1] == "Added" and (path.parent / moved[2]).is_file():
                found.append(moved[2])
    return found


def _since_start(path: Path) -> list[str]:
    lines = _tail(path)
    starts = [at for at, line in enumerate(lines) if line.startswith(STARTED)]
    return lines[starts[-1] :] if starts else lines


def _tail(path: Path, size: int = 1024 * 1024) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - size))
            return file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []
