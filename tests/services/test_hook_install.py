"""Hooks go into the files of agents and come out again; everything else in them stays as it is, to the byte."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_tui.domain import hook_files, json_text
from hive_tui.domain.hook_files import EVENTS
from hive_tui.services.hook_install import KINDS, HookInstaller, HooksRefused
from tests.adapters.killing import run_until
from tests.clocks import FakeClock

ROOT = Path(__file__).parents[2]
CLAUDE = """{
  // mine
  "model": "opus",   "env": {"TOKEN": "a\\u00e9b"},
\t"hooks": {
    "Stop": [
      { "hooks": [ {"type": "command", "command": "say done"} ] }
    ],
    "PreToolUse": [],
    "Notification": []
  },
  /* the end */ "last": [1, 2.50, null,],
}

"""
CODEX = (
    '# mine\nmodel = "o"   # here\n[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "s"\n\n[tui]\nx=1'
)


def installer(tmp_path: Path, command: str = "/opt/bin/hive-tui", **environ: str) -> HookInstaller:
    return HookInstaller(tmp_path / "hive", {"HOME": str(tmp_path), **environ}, (command,), FakeClock())


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def commands_in(kind: str, text: str) -> dict[str, list[Any]]:
    """The commands of each event, read by somebody else's reader where there is one."""
    value = tomllib.loads(text) if kind == "codex" else json_text.scan(text).plain()
    return {
        event: [hook["command"] for entry in entries for hook in entry["hooks"]]
        for event, entries in value.get("hooks", {}).items()
    }


TEXTS = {
    "claude": [
        "{}",
        "{ }\n",
        "{\n}\n",
        '{"a":1}',
        '{"hooks": {}}',
        '{"hooks":{"Stop":[]}}',
        '{"a": 1, "b": [\n1]\n}',
        CLAUDE,
    ],
    "gemini": ["{}", '\n{\n    "general": {\n        "x": true\n    }\n}', CLAUDE],
    "codex": ["", "\n", "a = 1", CODEX],
}
CASES = [(kind, text) for kind, texts in TEXTS.items() for text in texts]


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_hooks_go_in_once_and_come_out_to_the_byte(tmp_path: Path, kind: str, text: str):
    ours = installer(tmp_path)
    path = ours.file_of(kind)
    write(path, text)
    path.chmod(0o640)
    before = commands_in(kind, text)
    change = ours.plan_install(kind)
    backup = ours.apply(change)
    assert backup is not None and backup.read_bytes() == text.encode()
    after = commands_in(kind, path.read_text())
    for event in EVENTS[kind]:
        assert after[event][:-1] == before.get(event, [])
        assert after[event][-1] == f"/opt/bin/hive-tui hook {kind} --home {tmp_path}/hive"
    assert {event: found for event, found in after.items() if event not in EVENTS[kind]} == {
        event: found for event, found in before.items() if event not in EVENTS[kind]
    }
    assert path.stat().st_mode & 0o777 == 0o640
    assert not ours.plan_install(kind).is_needed, "it is there already"
    # A copy of the program in another place takes over.
    moved = installer(tmp_path, "/usr/bin/hive-tui")
    moved.apply(moved.plan_install(kind))
    assert path.read_text().count("/usr/bin/hive-tui hook") == len(EVENTS[kind])
    assert "/opt/bin" not in path.read_text()
    moved.apply(moved.plan_uninstall(kind))
    assert path.read_bytes() == text.encode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_was_not_there_is_gone_again(tmp_path: Path, kind: str):
    ours = installer(tmp_path)
    assert ours.apply(ours.plan_install(kind)) is None
    path = ours.file_of(kind)
    assert "hive-tui" in path.read_text() and path.stat().st_mode & 0o077 == 0
    ours.apply(ours.plan_uninstall(kind))
    assert not path.exists()
    assert not ours.plan_uninstall(kind).is_needed


def tree(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Mode and content of everything below a folder, but for what the hive keeps itself."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
        if "hive" not in path.relative_to(folder).parts
    }


@pytest.mark.parametrize("is_used", [False, True], ids=["no agent was ever there", "agents were there"])
def test_after_all_hooks_have_come_and_gone_the_tree_is_what_it_was(tmp_path: Path, is_used: bool):
    ours = installer(tmp_path)
    if is_used:
        for folder in (".claude", ".codex", ".config/opencode", ".gemini"):
            (tmp_path / folder).mkdir(parents=True)
        write(tmp_path / ".claude" / "settings.json", CLAUDE)
        write(tmp_path / ".codex" / "config.toml", CODEX)
    before = tree(tmp_path)
    for kind in KINDS:
        ours.apply(ours.plan_install(kind))
    moved = installer(tmp_path, "/usr/bin/hive-tui")
    shutil.rmtree(ours.file_of("opencode").parent)
    for kind in KINDS:
        moved.apply(moved.plan_install(kind))
    for kind in KINDS:
        moved.apply(moved.plan_uninstall(kind))
    assert tree(tmp_path) == before


def test_a_folder_that_somebody_uses_by_now_or_had_before_stays(tmp_path: Path):
    ours = installer(tmp_path)
    plugins = ours.file_of("opencode").parent
    (tmp_path / ".claude").mkdir()
    for kind in ("opencode", "claude"):
        ours.apply(ours.plan_install(kind))
    write(plugins / "mine.js", "export const Mine = 1")
    for kind in ("opencode", "claude"):
        ours.apply(ours.plan_uninstall(kind))
    assert [path.name for path in plugins.iterdir()] == ["mine.js"]
    assert list((tmp_path / ".claude").iterdir()) == []


def test_what_was_edited_meanwhile_stays(tmp_path: Path):
    ours = installer(tmp_path)
    path = ours.file_of("claude")
    write(path, '{\n  "a": 1\n}\n')
    ours.apply(ours.plan_install("claude"))
    value = json.loads(path.read_text())
    value["hooks"]["Stop"].append({"hooks": [{"type": "command", "command": "say done"}]})
    value["hooks"]["Stop"][0]["hooks"].append({"type": "command", "command": "mine"})
    value["b"] = "new"
    path.write_text(json.dumps(value, indent=4))
    ours.apply(ours.plan_uninstall("claude"))
    left = json.loads(path.read_text())
    assert {name: left[name] for name in "ab"} == {"a": 1, "b": "new"}
    assert [hook["command"] for entry in left["hooks"]["Stop"] for hook in entry["hooks"]] == ["mine", "say done"]
    assert list(left["hooks"]) == ["Stop"]


def test_tables_that_codex_writes_between_our_lines_stay(tmp_path: Path):
    # As version 0.169.0 does once its user trusts the hooks: our last line becomes the last of the file.
    ours = installer(tmp_path)
    path = ours.file_of("codex")
    write(path, CODEX)
    ours.apply(ours.plan_install("codex"))
    state = '\n[hooks.state]\n\n[hooks.state."config.toml:stop:0:0"]\ntrusted_hash = "sha256:1"\n\n[new]\nx = 1\n'
    path.write_text(path.read_text().replace(hook_files.END, state + hook_files.END))
    ours.apply(ours.plan_uninstall("codex"))
    assert path.read_text() == CODEX + "\n" + state
    assert tomllib.loads(path.read_text())["hooks"]["Stop"] == tomllib.loads(CODEX)["hooks"]["Stop"]
    ours.apply(ours.plan_install("codex"))
    path.write_text(path.read_text().replace('type = "command"\ncommand', 'type="command"\ncommand'))
    with pytest.raises(HooksRefused, match="cannot be told"):
        ours.plan_uninstall("codex")


def test_codex_lines_that_were_added_behind_ours_stay(tmp_path: Path):
    ours = installer(tmp_path)
    path = ours.file_of("codex")
    write(path, CODEX)
    ours.apply(ours.plan_install("codex"))
    path.write_text(path.read_text().replace("x=1", "x=2") + "\n[new]\n")
    ours.apply(ours.plan_uninstall("codex"))
    assert path.read_text() == CODEX.replace("x=1", "x=2") + "\n\n[new]\n".removeprefix("\n")


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("claude", "{", "line 1"),
        ("claude", "[]", "no JSON object"),
        ("claude", '{\n"hooks": 3}', "no JSON object"),
        ("claude", '{"hooks": {"Stop": {}}}', "no list"),
        ("gemini", '{"a": 1} x', "line 1"),
        ("codex", "a =", "no TOML"),
        ("codex", "hooks = {Stop = []}", "none can be added"),
        ("opencode", "export const Mine = 1", "something else"),
    ],
)
def test_a_file_that_cannot_hold_hooks_is_left_alone(tmp_path: Path, kind: str, text: str, why: str):
    ours = installer(tmp_path)
    path = ours.file_of(kind)
    write(path, text)
    with pytest.raises(HooksRefused, match=why) as refused:
        ours.plan_install(kind)
    assert refused.value.what.startswith(str(path)) and refused.value.hint
    assert path.read_text() == text


def test_a_link_and_a_file_that_changes_meanwhile_are_left_alone(tmp_path: Path):
    ours = installer(tmp_path, CLAUDE_CONFIG_DIR=str(tmp_path / "other"))
    path = tmp_path / "other" / "settings.json"
    write(tmp_path / "dotfiles.json", "{}")
    path.parent.mkdir()
    path.symlink_to(tmp_path / "dotfiles.json")
    with pytest.raises(HooksRefused, match="symbolic link"):
        ours.plan_install("claude")
    path.unlink()
    write(path, "{}")
    change = ours.plan_install("claude")
    write(path, '{"new": 1}')
    with pytest.raises(HooksRefused, match="meanwhile"):
        ours.apply(change)
    assert path.read_text() == '{"new": 1}'


def test_killed_at_any_point_the_file_is_the_old_or_the_new_one_and_comes_back(tmp_path: Path):
    ours = installer(tmp_path)
    path = ours.file_of("claude")
    before = 0
    while True:
        write(path, CLAUDE)
        change = ours.plan_install("claude")
        was_killed = run_until(before, partial(ours.apply, change))
        assert path.read_text() in (CLAUDE, change.after)
        undo = ours.plan_uninstall("claude")
        if undo.is_needed:
            ours.apply(undo)
        assert path.read_text() == CLAUDE
        if not was_killed:
            break
        before += 1
    assert before > 4


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.text(max_size=4).filter(lambda name: name != "hooks"), TREES, max_size=4),
    st.sampled_from((None, 0, 2, 5)),
)
def test_any_settings_are_the_same_but_for_the_hooks(value: dict[str, Any], indent: int | None):
    text = json.dumps(value, indent=indent)
    edited = hook_files.added("claude", text, ("hive-tui", "hook", "claude"))
    after = json.loads(edited.text)
    assert set(after.pop("hooks")) == set(EVENTS["claude"])
    assert after == value
    # Without any memory of what was put in.
    assert json.loads(hook_files.removed("claude", edited.text)) == value


def test_the_commands_show_ask_change_and_undo(tmp_path: Path):
    write(tmp_path / ".claude" / "settings.json", '{"a": 1}')
    environ = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "hive_tui", "--home", str(tmp_path / "hive"), *words]
        return subprocess.run(line, env=environ, capture_output=True, text=True, check=False, timeout=30)

    shown = run("install", "hooks", "--dry-run")
    assert shown.returncode == 0 and "+" in shown.stdout and "would change" in shown.stdout
    asked = run("install", "hooks")
    assert asked.returncode == 1 and "no terminal to ask" in asked.stderr
    assert (tmp_path / ".claude" / "settings.json").read_text() == '{"a": 1}'
    done = run("install", "hooks", "--yes", "--json")
    [shape] = json.loads(done.stdout)
    assert shape["changed"] and shape["kind"] == "claude"
    # What stands there works.
    words = json.loads((tmp_path / ".claude" / "settings.json").read_text())["hooks"]["Stop"][0]["hooks"][0]["command"]
    told = subprocess.run(["sh", "-c", words], input='{"session_id": "s1"}', text=True, env=environ, check=True)
    assert told.returncode == 0 and len(list((tmp_path / "hive" / "hooks").iterdir())) == 1
    assert run("uninstall", "hooks", "--yes").returncode == 0
    assert (tmp_path / ".claude" / "settings.json").read_text() == '{"a": 1}'
