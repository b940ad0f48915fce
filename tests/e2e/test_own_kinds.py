"""Kinds that a person adds with one file, as data/kinds/README.md tells."""

import os
import re
import signal
import sys

import pytest

from tests.stage import AGENT, ROOT, Stage, eventually, is_asleep

DOCUMENT = (ROOT / "data/kinds/README.md").read_text(encoding="utf-8")
EXAMPLE = next(iter(re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)))
BY_ITS_WORDS = 'transcripts = "transcripts/{session_id}.jsonl"\nis_shown = true'
PROGRAM = f"""#!{sys.executable}
import sys
from hive_tui.scripted_agent.__main__ import main
sys.exit(main())
"""


def without_status_file(manifest: str) -> str:
    """The same kind without a status file: by its words and its screen alone."""
    kept = re.sub(r"(?m)^(status_\w+|idle|working|permission) = .*\n", "", manifest)
    kept = re.sub(r"(?m)^transcripts = .*$", BY_ITS_WORDS, kept)
    return kept + "\n[[screen.rules]]\nactivity = 'idle'\npattern = '^»'\nlines = 1\nwhy = 'it shows its prompt'\n"


@pytest.mark.parametrize("manifest", [EXAMPLE, without_status_file(EXAMPLE)], ids=["as written", "by its words"])
def test_the_kind_of_the_document_naps_and_wakes_with_its_conversation(stage: Stage, manifest: str):
    kinds = stage.folder / "kinds"
    kinds.mkdir()
    (kinds / "mytool.toml").write_text(manifest)
    program = stage.folder / "mytool"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    pane_id = stage.shell(stage.folder_for("shop"))
    stage.type(pane_id, f"export MYTOOL_HOME={stage.agents_home}; {program}")
    eventually(lambda: "»" in stage.screen(pane_id), "the program shows its prompt")
    stage.say(pane_id, "remember the plums")

    (agent,) = stage.json("agents")
    assert (agent["kind"], agent["activity"]) == ("mytool", "idle")
    stage.json("nap", "shop")
    assert is_asleep(stage.hive.observer.observe().agents[0])
    woken = stage.json("wake", "shop")
    assert woken["resumed"] and woken["session_id"] == agent["session_id"]
    assert "(resumed with 1 messages)" in stage.screen(pane_id), "the prompt from before the nap is not its own"
    stage.say(pane_id, "what did I say?")
    (transcript,) = (stage.agents_home / "transcripts").glob("*.jsonl")
    said = transcript.read_text()
    assert "remember the plums" in said and "what did I say?" in said, "one conversation has both"


def test_a_mistake_is_named_with_its_file_and_line_by_every_command(stage: Stage):
    kinds = stage.folder / "kinds"
    kinds.mkdir()
    (kinds / "mytool.toml").write_text(EXAMPLE.replace("patience_s = 5", "patience = 5"))
    line = EXAMPLE.splitlines().index("patience_s = 5") + 1
    for command in (("config", "check"), ("agents",)):
        done = stage.command(*command)
        assert done.returncode == 1
        assert f"{kinds / 'mytool.toml'}:{line}: quit.patience is not a key" in done.stderr
    dashboard = stage.shell(stage.folder, command=f"{stage.quoted_command()}; exec cat")
    eventually(lambda: "quit.patience is not a key" in stage.screen(dashboard).replace("\n", ""), "it does not open")
    (kinds / "mytool.toml").write_text(EXAMPLE)
    done = stage.command("config", "check")
    assert done.returncode == 0 and f"{kinds / 'mytool.toml'}: fine." in done.stdout


def test_the_prompt_that_a_crashed_agent_has_left_is_not_taken_for_that_of_the_woken_one(stage: Stage):
    kinds = stage.folder / "kinds"
    kinds.mkdir()
    manifest = without_status_file(EXAMPLE).replace('"--model"', '"--slow-start"')
    (kinds / "mytool.toml").write_text(manifest)
    program = stage.folder / "mytool"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    pane_id = stage.shell(stage.folder_for("shop"))
    stage.type(pane_id, f"export MYTOOL_HOME={stage.agents_home}; {program} --alt-screen --slow-start 1")
    eventually(lambda: "»" in stage.screen(pane_id), "the program shows its prompt")
    stage.say(pane_id, "hello")
    (agent,) = stage.json("agents")
    stage.json("checkpoint", "shop")
    os.kill(agent["pid"], signal.SIGKILL)
    eventually(lambda: stage.json("agents")[0]["lifecycle"] == "failed", "its crash is seen")
    stage.json("wake", "shop")
    assert "(resumed with 1 messages)" in stage.screen(pane_id), "it is awake only once it is drawn anew"


def test_a_dialog_of_the_start_is_answered_only_where_the_manifest_says_how(stage: Stage):
    pane_id = stage.shell(stage.folder_for("shop"))
    stage.type(pane_id, f"{AGENT} --dialog")
    eventually(lambda: "1. Yes" in stage.screen(pane_id), "the dialog is open")
    stage.type(pane_id, "1", enter=False)
    stage.say(pane_id, "hello")
    stage.json("nap", "shop")
    kinds = stage.folder / "kinds"
    kinds.mkdir()
    (kinds / "scripted.toml").write_text(
        "[[start.answers]]\npattern = 'Do you trust the files'\nkeys = ['1']\nwhy = 'a test wants it so'\n"
    )
    assert stage.json("wake", "shop")["resumed"]
    assert stage.json("agents")[0]["activity"] == "idle"
    stage.json("nap", "shop")
    (kinds / "scripted.toml").unlink()
    done = stage.command("wake", "shop")
    assert done.returncode == 1 and "waits at a dialog: 'Do you trust the files" in done.stderr
