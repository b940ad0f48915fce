"""Command lines: which are agents, and how each is written anew to go on with its conversation."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.commands import CommandLine, kept_options, parted, resumed, value_of
from hive_tui.kinds.manifest import ResumeRules

KINDS = Kinds()
ID = "0b5c8a4e-1f2d-4c3b-8a7e-9d6f5e4c3b2a"
OLD_ID = "ffffffff-0000-4000-8000-000000000000"


def kind_of(line: str) -> str | None:
    kind = KINDS.match(shlex.split(line))
    return kind.name if kind else None


@pytest.mark.parametrize(
    "line",
    [
        "claude",
        "/home/ada/.local/bin/claude",
        "-claude",
        "claude.exe",
        "node /usr/local/bin/claude",
        "/home/ada/.nvm/versions/node/v22.11.0/bin/node /home/ada/.nvm/versions/node/v22.11.0/bin/claude",
        "node --no-warnings --max-old-space-size=4096 /usr/bin/claude",
        "node --require ./trace.js /usr/bin/claude",
        "node --import tsx -C dev /usr/bin/claude",
        "node /home/ada/.claude/local/node_modules/.bin/claude --model opus",
        "node /home/ada/.local/share/pnpm/global/5/node_modules/@anthropic-ai/claude-code/cli.js",
        "bun /home/ada/.bun/bin/claude",
        "nodejs /usr/bin/claude",
        "claude 'fix the bug'",
        "claude -- mcp",
        "claude --continue",
        "claude -c",
        f"claude --resume {ID}",
        f"claude --resume={ID} --model opus",
        "claude --resume",
        "claude --model mcp",
        "claude --append-system-prompt 'config'",
        "claude --dangerously-skip-permissions 'update the docs'",
        "claude --add-dir ../lib ../docs",
        "claude --permission-mode plan",
    ],
)
def test_a_conversation_with_claude_is_known(line: str):
    assert kind_of(line) == "claude"


@pytest.mark.parametrize(
    "line",
    [
        "codex",
        "node /usr/bin/codex",
        "node /home/ada/.local/share/pnpm/global/5/node_modules/@openai/codex/bin/codex.js",
        "/usr/lib/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
        "codex --no-daemon",
        "codex 'explain this'",
        "codex resume",
        "codex resume --last",
        f"codex resume {ID}",
        f"codex --no-daemon resume {ID}",
        f"codex fork {ID}",
        "codex -p exec",
        "codex -c model=o3 --sandbox read-only",
    ],
)
def test_a_conversation_with_codex_is_known(line: str):
    assert kind_of(line) == "codex"


@pytest.mark.parametrize(
    "line",
    [
        "python -m hive_tui.scripted_agent",
        "/usr/bin/python3.12 -u -m hive_tui.scripted_agent --resume x",
        "python3 -X dev -m hive_tui.scripted_agent",
        "/home/ada/.venv/bin/python -m hive_tui.scripted_agent --slow-start 3",
    ],
)
def test_the_scripted_agent_is_known_by_its_module(line: str):
    assert kind_of(line) == "scripted"


@pytest.mark.parametrize(
    "line",
    [
        "claude mcp list",
        "claude --model opus mcp serve",
        "claude --debug config",
        "claude doctor",
        "claude update",
        "claude setup-token",
        "claude agents",
        "claude plugin install x",
        "claude -p hello",
        "claude --print hello",
        "claude --output-format json -p hello",
        "claude --version",
        "claude -v",
        "claude --help",
        "claude --bg 'fix it'",
        "node /usr/bin/claude mcp list",
        "codex exec hello",
        "codex e hello",
        "codex -c model=o3 exec hello",
        "codex --model=o3 review",
        "codex app-server",
        "codex app-server daemon stop",
        "codex mcp-server",
        "codex login",
        "codex apply x",
        "codex --version",
        "node /usr/bin/codex exec hello",
    ],
)
def test_a_run_of_the_same_program_that_is_no_conversation_in_a_terminal_is_no_agent(line: str):
    assert kind_of(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "vim claude",
        "less /usr/bin/claude",
        "bash claude",
        "sh -c claude",
        "sudo claude",
        "npx claude",
        "npm exec @anthropic-ai/claude-code",
        "node",
        "node -e claude",
        "node --eval claude /usr/bin/claude",
        "python3 -c claude",
        "python3 -m claude",
        "python3 -m",
        "node /usr/bin/claude-code-router",
        "claude-code",
        "codex-cli",
        "node /home/ada/engine/cli.js",
        "node @anthropic-ai/claude-code/install.js",
        "/home/ada/claude/run",
        "hive_tui.scripted_agent",
        "python3 scripted_agent",
        "python3 claude.py",
        "python3 -u /home/ada/engine/gemini.py --fast",
        "/home/ada/.venv/bin/python3.12 /home/ada/.venv/bin/gemini",
        "python3 /home/ada/.local/bin/codex chat",
        "pypy3 /usr/bin/claude",
        "ruby /usr/bin/opencode",
        "node /usr/bin/aider",
        "node /home/ada/node_modules/.bin/qwen",
        "node /home/ada/node_modules/@qwen-code/qwen-code/cli.js",
        "/home/ada/node_modules/@kilocode/cli/bin/.kilo",
        "node /home/ada/node_modules/.bin/kilocode",
    ],
)
def test_another_program_that_only_names_one_is_no_agent(line: str):
    assert kind_of(line) is None


def test_a_wrapper_is_no_agent_but_the_program_it_starts_is():
    tree = ["npx @openai/codex", "sh -c codex", "node /home/ada/.npm/_npx/1/node_modules/.bin/codex"]
    assert [kind_of(line) for line in tree] == [None, None, "codex"]


@pytest.mark.parametrize("argv", [(), ("",), ("", ""), ("-",), ("node",), ("node", "-"), ("python", "-m")])
def test_a_command_line_that_says_nothing_is_no_agent(argv: tuple[str, ...]):
    assert KINDS.match(argv) is None


@given(
    st.lists(st.text(max_size=8) | st.sampled_from(["node", "python3", "-m", "-c", "-r", "claude", "--"]), max_size=6)
)
def test_no_command_line_is_too_odd_to_be_judged(argv: list[str]):
    KINDS.match(argv)
    command = parted(argv)
    assert command is None or (*command.prefix, *command.arguments) == tuple(argv)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        pytest.param("/bin/claude -c", CommandLine(("/bin/claude",), "claude", False, ("-c",)), id="a program"),
        pytest.param(
            "node --x /bin/claude.js a",
            CommandLine(("node", "--x", "/bin/claude.js"), "claude", False, ("a",)),
            id="a script",
        ),
        pytest.param("python -u -m m a", CommandLine(("python", "-u", "-m", "m"), "m", True, ("a",)), id="a module"),
        pytest.param("python -c x", None, id="inline code"),
    ],
)
def test_a_command_line_is_parted_behind_what_starts_the_program(line: str, command: CommandLine | None):
    assert parted(line.split()) == command


def resume_line(line: str) -> str:
    kind = KINDS.match(shlex.split(line))
    assert kind is not None
    return shlex.join(kind.resume_command(shlex.split(line), ID))


@pytest.mark.parametrize(
    ("started", "again"),
    [
        ("claude", f"claude --resume {ID}"),
        ("claude 'fix the bug'", f"claude --resume {ID}"),
        ("claude --continue", f"claude --resume {ID}"),
        ("claude -c --model opus", f"claude --resume {ID} --model opus"),
        (f"claude --resume {OLD_ID}", f"claude --resume {ID}"),
        (f"claude --resume={OLD_ID} 'go on'", f"claude --resume {ID}"),
        (f"claude -r {OLD_ID} --fork-session", f"claude --resume {ID}"),
        (f"claude --session-id {OLD_ID}", f"claude --resume {ID}"),
        ("claude --resume --model opus", f"claude --resume {ID} --model opus"),
        ("claude --model=opus 'fix'", f"claude --resume {ID} --model=opus"),
        (
            "claude --dangerously-skip-permissions 'fix'",
            f"claude --resume {ID} --dangerously-skip-permissions",
        ),
        (
            "claude --add-dir ../lib ../docs --permission-mode plan 'fix'",
            f"claude --resume {ID} --add-dir ../lib ../docs --permission-mode plan",
        ),
        (
            "claude --append-system-prompt 'be kind' 'fix'",
            f"claude --resume {ID} --append-system-prompt 'be kind'",
        ),
        ("claude --model opus -- --not-an-option", f"claude --resume {ID} --model opus"),
        ("node --no-warnings /usr/bin/claude 'fix'", f"node --no-warnings /usr/bin/claude --resume {ID}"),
        ("codex", f"codex resume {ID}"),
        ("codex 'explain'", f"codex resume {ID}"),
        ("codex resume --last", f"codex resume {ID}"),
        (f"codex resume {OLD_ID} --no-daemon", f"codex resume {ID} --no-daemon"),
        (f"codex fork {OLD_ID}", f"codex resume {ID}"),
        ("codex -c model=o3 -i a.png b.png -s read-only", f"codex resume {ID} -c model=o3 -i a.png b.png -s read-only"),
        ("node /usr/bin/codex -m o3", f"node /usr/bin/codex resume {ID} -m o3"),
        (
            "python3 -u -m hive_tui.scripted_agent --slow-start 3 --resume x",
            f"python3 -u -m hive_tui.scripted_agent --resume {ID} --slow-start 3",
        ),
    ],
)
def test_a_resume_keeps_program_and_options_and_drops_prompts_and_older_ids(started: str, again: str):
    assert resume_line(started) == again


@pytest.mark.parametrize("started", ["claude --model opus 'fix'", "codex resume --last -m o3", "codex fork x"])
def test_a_resumed_agent_is_known_again_and_resumed_by_the_same_line(started: str):
    again = resume_line(started)
    assert kind_of(again) == kind_of(started)
    assert resume_line(again) == again


def test_a_kind_without_resume_rules_starts_the_program_alone():
    assert resumed(["tool", "--fast", "words"], ResumeRules(), ID) == ("tool", "--fast")
    assert resumed(["python3", "-c", "run()"], ResumeRules(), ID) == ("python3",)


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["--with"], ("--with",)),
        (["--with", "--flag"], ("--with", "--flag")),
        (["-", "--flag"], ("--flag",)),
        (["--many", "a", "b", "--flag", "c"], ("--many", "a", "b", "--flag")),
        (["--many"], ("--many",)),
        (["--gone=1", "--flag"], ("--flag",)),
        (["--gone", "1", "--flag"], ("--flag",)),
        (["--gone"], ()),
        ([], ()),
    ],
)
def test_options_are_kept_with_their_values(arguments: list[str], kept: tuple[str, ...]):
    rules = ResumeRules(with_value=("--with",), with_values=("--many",), drop_with_value=("--gone",))
    assert kept_options(arguments, rules) == kept


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        (f"claude --resume {ID}", ID),
        (f"claude --model opus --resume {ID} 'go on'", ID),
        ("claude --resume", None),
        ("claude --resume 'the bug'", None),
        ("claude", None),
        (f"claude {ID}", None),
        (f"codex resume {ID}", None),
    ],
)
def test_a_command_line_names_the_conversation_it_was_asked_to_go_on_with(line: str, asked: str | None):
    assert value_of(shlex.split(line), ("--resume", "{session_id}")) == asked


def test_a_kind_that_resumes_without_an_id_asks_for_no_conversation():
    assert value_of(["aider", "--restore-chat-history", ID], ("--restore-chat-history",)) is None
