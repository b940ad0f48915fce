"""Panes of a real tmux server on a private socket: seen, captured, typed into, restarted."""

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_tui.adapters.tmux.panes import TmuxPanes
from hive_tui.domain.errors import PaneGone, TmuxError, TmuxMissing
from hive_tui.domain.panes import Glimpse, Pane
from hive_tui.domain.ports import Panes
from tests.stage import CLOCK, PROMPT, Stage, eventually

GONE = "%4000"
RAW_CAT = "exec sh -c 'stty raw -echo; printf \"\\033[?2004hready\\r\\n\"; exec cat -v'"
"""Shows what is typed into it, control characters as ^[, and asks for bracketed paste."""


@pytest.fixture
def panes(stage: Stage) -> TmuxPanes:
    return TmuxPanes(stage.hive.tmux, stage.hive.processes)


def seen(panes: Panes, pane_id: str) -> Pane:
    """The pane as the list has it."""
    [found] = [pane for pane in panes.list().panes if pane.id == pane_id]
    return found


def with_raw_cat(stage: Stage) -> str:
    pane_id = stage.shell(stage.folder, command=RAW_CAT)
    eventually(lambda: "ready" in stage.screen(pane_id))
    return pane_id


def test_a_pane_is_listed_with_all_that_is_known_of_it(stage: Stage, panes: TmuxPanes):
    folder = stage.folder_for("shop")
    pane_id = stage.shell(folder)
    stage.tmux("rename-window", "-t", pane_id, "code")
    stage.tmux("set-option", "-p", "-t", pane_id, "@hive_agent", "an-id")
    stage.tmux("set-option", "-p", "-t", pane_id, "@hive_wakeup", "7")
    pane, witness = seen(panes, pane_id), stage.libtmux_pane(pane_id)
    server_pid = stage.tmux("display-message", "-p", "#{pid}:#{start_time}")
    assert pane.ref.server == panes.list().server == server_pid
    assert (pane.session_name, pane.window_name, pane.place) == ("main", "code", "main:0.0")
    assert (pane.session_id, pane.window_id) == (witness.session_id, witness.window_id)
    assert pane.pid == int(witness.pane_pid or 0) and pane.tty == witness.pane_tty
    assert (pane.width, pane.height, pane.window_size) == (100, 30, (100, 30))
    assert pane.layout == witness.window_layout
    assert (pane.agent_id, pane.wakeup_id, pane.is_rebuilt) == ("an-id", "7", False)
    assert pane.is_active and not pane.is_watched and not pane.is_dead and not pane.is_zoomed
    assert not pane.in_mode and not pane.is_synchronized and not pane.alternate_on
    assert (pane.cursor_x, pane.cursor_y) == (len(PROMPT), 0)
    assert pane.cwd == str(folder) and pane.output_at > 1_500_000_000
    assert "bash --norc" in pane.start_command


def test_a_pane_that_reads_the_same_is_not_taken_apart_again_and_its_folder_is_still_read(
    stage: Stage, panes: TmuxPanes
):
    quiet = "exec sh -c 'trap \"cd /\" USR1; echo up; while :; do sleep 0.1; done'"
    pane_id = stage.shell(stage.folder, command=quiet)
    eventually(lambda: "up" in stage.screen(pane_id))
    eventually(lambda: seen(panes, pane_id) is seen(panes, pane_id), "it is the very same")
    before = seen(panes, pane_id)
    assert before.cwd == str(stage.folder)
    os.kill(before.pid, signal.SIGUSR1)
    eventually(lambda: seen(panes, pane_id).cwd == "/", "tmux tells nothing of that")


def test_modes_of_a_pane_are_seen(stage: Stage, panes: TmuxPanes):
    pane_id = stage.shell(stage.folder)
    other = stage.tmux("split-window", "-d", "-t", pane_id, "-PF", "#{pane_id}", "exec cat")
    assert seen(panes, pane_id).is_active and not seen(panes, other).is_active
    stage.tmux("copy-mode", "-t", pane_id)
    stage.tmux("set-option", "-w", "-t", pane_id, "synchronize-panes", "on")
    stage.tmux("resize-pane", "-Z", "-t", pane_id)
    changed = seen(panes, pane_id)
    assert changed.in_mode and changed.is_synchronized and changed.is_zoomed


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("true", "its process exited with status 0"),
        ("exit 3", "its process exited with status 3"),
        ("kill -9 $$", "its process was killed by signal 9 (SIGKILL)"),
    ],
    ids=["left", "failed", "killed"],
)
def test_how_the_command_of_a_dead_pane_has_ended_is_known(stage: Stage, panes: TmuxPanes, command: str, words: str):
    stage.shell(stage.folder)
    stage.tmux("set-option", "-g", "remain-on-exit", "on")
    pane_id = stage.shell(stage.folder, command=command)
    eventually(lambda: seen(panes, pane_id).is_dead)
    eventually(lambda: panes.exit_of(pane_id), "tmux knows how it ended")
    assert str(panes.exit_of(pane_id)) == words


def test_of_a_running_pane_no_end_is_known(stage: Stage, panes: TmuxPanes):
    assert panes.exit_of(stage.shell(stage.folder)) is None


def test_a_window_that_is_linked_into_two_sessions_is_listed_once(stage: Stage, panes: TmuxPanes):
    pane_id = stage.shell(stage.folder)
    stage.shell(stage.folder, session="second")
    stage.tmux("link-window", "-s", pane_id, "-t", "second:")
    assert len(stage.tmux("list-panes", "-a").splitlines()) == 3
    assert len(panes.list().panes) == 2
    assert seen(panes, pane_id)


def test_a_glimpse_shows_what_has_moved_and_tells_when_others_are_there(stage: Stage, panes: TmuxPanes):
    quiet, loud = stage.shell(stage.folder), stage.shell(stage.folder)
    stage.tmux("link-window", "-s", loud, "-t", "main:9")
    listed = panes.list()
    last = max(pane.output_at for pane in listed.panes)

    def glimpse(since_s: int) -> Glimpse:
        found = panes.glimpse(since_s)
        assert found is not None
        return found

    assert glimpse(last + 1).panes == () and glimpse(last + 1).shape == listed.shape
    assert {pane.id for pane in glimpse(0).panes} == {quiet, loud}
    eventually(lambda: CLOCK.now().timestamp() >= last + 1)
    stage.type(loud, "echo again")
    eventually(lambda: glimpse(last + 1).panes, "its output is seen")
    eventually(lambda: glimpse(last + 1).panes == (seen(panes, loud),), "as a list shows it")
    assert glimpse(last + 1).shape == listed.shape == panes.list().shape, "the same panes are there"
    stage.tmux("split-window", "-d", "-t", quiet, "exec cat")
    assert glimpse(0).shape != listed.shape


def test_a_glimpse_brings_the_screens_that_are_wanted(stage: Stage, panes: TmuxPanes):
    first, second = stage.shell(stage.folder), stage.shell(stage.folder)
    stage.type(first, "echo hello")
    eventually(lambda: "\nhello" in stage.screen(first))
    found = panes.glimpse(0, [second, first])
    assert found is not None and {pane.id for pane in found.panes} == {first, second}
    assert found.screens == panes.capture_many([first, second])
    plain = panes.glimpse(0)
    assert plain is not None and plain.screens == {} and plain.panes == found.panes
    gone = panes.glimpse(0, [first, "%999"])
    assert gone is not None and gone.screens == {} and gone.panes == found.panes, "the look itself goes on"


def test_a_glimpse_that_tmux_cuts_short_is_none(stage: Stage, panes: TmuxPanes, monkeypatch: pytest.MonkeyPatch):
    """As by a version that compares otherwise: then all panes are to be listed, and none is taken for quiet."""
    stage.shell(stage.folder)
    monkeypatch.setattr("hive_tui.adapters.tmux.panes.OUTPUT_SINCE", "#{==:#{window_activity},%d}")
    assert panes.glimpse(0) is None


@pytest.mark.parametrize("mode", ["person", "control"])
def test_only_a_persons_client_counts_as_watching(stage: Stage, panes: TmuxPanes, mode: str):
    watched, behind = stage.shell(stage.folder), stage.shell(stage.folder)
    host = stage.shell(stage.folder, session="host")
    assert not seen(panes, watched).is_watched
    attach = f"tmux -L {stage.socket} {'-C ' if mode == 'control' else ''}attach -t main"
    stage.type(host, f"unset TMUX; {attach}")
    eventually(lambda: "main" in stage.tmux("list-clients", "-F", "#{session_name}"))
    assert seen(panes, watched).is_watched is (mode == "person")
    assert not seen(panes, behind).is_watched and not seen(panes, host).is_watched


ODD = [
    pytest.param("日本語 🐝 é", id="wide"),
    pytest.param("a\x1fb", id="separator"),
    pytest.param("two\nlines", id="newline"),
    pytest.param("two\u2028lines\x85", id="unicode line breaks"),
    pytest.param("tab\there", id="tab"),
    pytest.param("#{pane_id} #S 100%", id="format"),
    pytest.param(" -t; ", id="option"),
    pytest.param("x" * 500, id="long"),
]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_of_sessions_and_windows_hide_no_pane(stage: Stage, panes: TmuxPanes, name: str):
    first = stage.shell(stage.folder)
    made = stage.tmux("new-session", "-d", "-P", "-F", "#{pane_id}", f"-s{name}", "exec cat")
    stage.tmux("rename-window", "-t", first, "--", name)
    assert {pane.id for pane in panes.list().panes} == {first, made}
    for pane in panes.list().panes:
        shown = stage.tmux("display-message", "-p", "-t", pane.id, "#{session_name}|#{window_name}")
        assert f"{pane.session_name}|{pane.window_name}".strip() == shown
        assert pane.pid > 0 and pane.height > 0


@pytest.mark.parametrize("title", ODD)
def test_odd_titles_hide_no_pane_and_run_nothing(stage: Stage, panes: TmuxPanes, title: str):
    pane_id = stage.shell(stage.folder)
    panes.set_title(pane_id, "before")
    panes.set_title(pane_id, title)
    # tmux refuses titles with control characters and keeps the one that was there.
    assert seen(panes, pane_id).title in (title, "before")
    if title.isprintable():
        assert seen(panes, pane_id).title == title


def test_a_title_is_never_run(stage: Stage, panes: TmuxPanes):
    pane_id = stage.shell(stage.folder)
    trap = stage.folder / "trap"
    panes.set_title(pane_id, f"#(touch {trap})")
    assert seen(panes, pane_id).title == f"#(touch {trap})"
    stage.tmux("run-shell", "true")
    assert not trap.exists()


@pytest.mark.parametrize("command", ["exec cat # two\nlines", "exec cat # \x1f\u2028", "exec cat # 日本 \"'\\"])
def test_an_odd_start_command_hides_no_pane(stage: Stage, panes: TmuxPanes, command: str):
    pane_id = stage.shell(stage.folder, command=command)
    assert "exec cat" in seen(panes, pane_id).start_command


def draws(stage: Stage, text: str) -> str:
    """A pane in which a program drew that text."""
    (stage.folder / "drawn").write_text(text)
    return stage.shell(stage.folder, command="cat drawn; exec cat")


def test_a_capture_has_colours_if_they_are_wanted(stage: Stage, panes: TmuxPanes):
    pane_id = draws(stage, "\x1b[31mred\x1b[0m 日本 🐝\n")
    eventually(lambda: "red" in stage.screen(pane_id))
    assert panes.capture(pane_id).splitlines()[0] == "\x1b[31mred\x1b[39m 日本 🐝"
    assert panes.capture(pane_id, colour=False).splitlines()[0] == "red 日本 🐝"


def test_a_capture_is_the_screen_with_as_much_history_as_is_asked_for(stage: Stage, panes: TmuxPanes):
    pane_id = draws(stage, "".join(f"line {number}\n" for number in range(100)))
    eventually(lambda: "line 99" in stage.screen(pane_id))
    assert seen(panes, pane_id).history_size == 71
    assert panes.capture(pane_id).splitlines()[0] == "line 71"
    assert panes.capture(pane_id, history_lines=10).splitlines()[0] == "line 61"
    everything = panes.capture(pane_id, history_lines=20_000).splitlines()
    assert everything[:100] == [f"line {number}" for number in range(100)]


def test_several_panes_are_captured_in_one_step_each_with_its_own_text(stage: Stage, panes: TmuxPanes):
    made = [stage.shell(stage.folder, command=f"echo I am {name}; exec cat") for name in ("ada", "bob", "eve")]
    eventually(lambda: all("I am" in stage.screen(pane_id) for pane_id in made))
    captured = panes.capture_many(made)
    assert [captured[pane_id].splitlines()[0] for pane_id in made] == ["I am ada", "I am bob", "I am eve"]
    assert captured == {pane_id: panes.capture(pane_id) for pane_id in made}
    assert panes.capture_many([]) == {}


def test_a_pane_that_went_away_is_left_out_of_the_captures(stage: Stage, panes: TmuxPanes):
    made = [stage.shell(stage.folder, command=f"echo I am {name}; exec cat") for name in ("ada", "bob")]
    eventually(lambda: all("I am" in stage.screen(pane_id) for pane_id in made))
    captured = panes.capture_many([made[0], GONE, made[1]])
    assert {pane_id: text.splitlines()[0] for pane_id, text in captured.items()} == {
        made[0]: "I am ada",
        made[1]: "I am bob",
    }


CALLS: dict[str, Callable[[Panes], object]] = {
    "capture": lambda panes: panes.capture(GONE),
    "option": lambda panes: panes.option(GONE, "@hive_agent"),
    "set options": lambda panes: panes.set_options(GONE, {"@hive_agent": "x"}),
    "unset options": lambda panes: panes.set_options(GONE, {"@hive_agent": None}),
    "type line": lambda panes: panes.type_line(GONE, "x", {}),
    "send keys": lambda panes: panes.send_keys(GONE, ["Enter"]),
    "paste": lambda panes: panes.paste(GONE, "precious words"),
    "exit": lambda panes: panes.exit_of(GONE),
    "respawn": lambda panes: panes.respawn(GONE, "true", cwd="/", env={}, options={}),
    "set title": lambda panes: panes.set_title(GONE, "x"),
    "reset terminal": lambda panes: panes.reset_terminal(GONE, "/dev/null"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_call_says_that_the_pane_is_gone(stage: Stage, panes: TmuxPanes, call: Callable[[Panes], object]):
    pane_id = stage.shell(stage.folder)
    before = stage.screen(pane_id)
    with pytest.raises(PaneGone, match="gone"):
        call(panes)
    assert stage.screen(pane_id) == before, "no other pane is taken for it"
    assert stage.tmux("list-buffers") == "", "and no text is left lying about"


def test_options_are_set_read_and_removed(stage: Stage, panes: TmuxPanes):
    pane_id, other = stage.shell(stage.folder), stage.shell(stage.folder)
    panes.set_options(pane_id, {"@hive_agent": "one two;", "@hive_wakeup": "#{pid}", "remain-on-exit": "on"})
    assert panes.option(pane_id, "@hive_agent") == "one two;"
    assert panes.option(pane_id, "@hive_wakeup") == "#{pid}"
    assert panes.option(pane_id, "remain-on-exit") == "on"
    assert panes.option(other, "@hive_agent") == "" and panes.option(other, "remain-on-exit") == ""
    panes.set_options(pane_id, {"@hive_agent": None, "remain-on-exit": None})
    assert panes.option(pane_id, "@hive_agent") == "" and panes.option(pane_id, "remain-on-exit") == ""
    with pytest.raises(TmuxError, match="tmux refused `set-option`"):
        panes.set_options(pane_id, {"no-such-option": "x"})


def test_a_line_is_typed_as_it_is_and_its_options_are_set_with_it(stage: Stage, panes: TmuxPanes):
    pane_id = stage.shell(stage.folder)
    panes.type_line(pane_id, "echo '#{pid} Enter' \"it's\" \\; echo 日本;", {"@hive_wakeup": "12"})
    eventually(lambda: "日本\n" in stage.screen(pane_id), "the line was run")
    assert "#{pid} Enter it's ; echo 日本" in stage.screen(pane_id)
    assert panes.option(pane_id, "@hive_wakeup") == "12"


@pytest.mark.parametrize("line", ["Enter", "C-c", "-l", "--", ";", "0x41", "\\;"])
def test_a_line_that_looks_like_a_key_or_an_option_is_typed_all_the_same(stage: Stage, panes: TmuxPanes, line: str):
    pane_id = with_raw_cat(stage)
    panes.type_line(pane_id, line, {})
    eventually(lambda: f"{line}^M" in stage.screen(pane_id), f"{line} is typed")


def test_a_line_for_a_pane_that_is_gone_sets_no_option_anywhere(stage: Stage, panes: TmuxPanes):
    pane_id = stage.shell(stage.folder)
    with pytest.raises(PaneGone):
        panes.type_line(GONE, "rm -rf /", {"@hive_wakeup": "12"})
    assert panes.option(pane_id, "@hive_wakeup") == ""


def test_keys_go_by_their_names(stage: Stage, panes: TmuxPanes):
    pane_id = with_raw_cat(stage)
    panes.send_keys(pane_id, ["C-c", "Escape", "x", "Enter"])
    eventually(lambda: "^C^[x^M" in stage.screen(pane_id))


def test_a_paste_is_bracketed_and_has_no_control_characters(stage: Stage, panes: TmuxPanes):
    pane_id = with_raw_cat(stage)
    panes.paste(pane_id, "one\x1b[201~\x03\x04\r two\n日本\tthree\x7f\x9b;")
    eventually(lambda: "201~" in stage.screen(pane_id).rsplit("three", 1)[-1], "the paste has ended")
    shown = stage.screen(pane_id).split("ready", 1)[1].strip()
    assert shown.startswith("^[[200~one[201~ two") and shown.endswith("three;^[[201~")
    assert "^C" not in shown and "^D" not in shown and "^?" not in shown
    assert stage.tmux("list-buffers") == ""


def test_a_respawn_replaces_the_process_and_keeps_the_pane(stage: Stage, panes: TmuxPanes):
    folder = stage.folder_for("it's a #S #(touch trap) 日本")
    pane_id = stage.shell(stage.folder)
    before = seen(panes, pane_id)
    panes.respawn(pane_id, "exec cat", cwd=str(folder), env={"WORDS": "two words; #S"}, options={"@hive_wakeup": "9"})
    eventually(lambda: stage.hive.processes.argv(seen(panes, pane_id).pid) == ("cat",))
    after = seen(panes, pane_id)
    assert after.ref == before.ref and after.pid != before.pid
    assert after.cwd == str(folder) and after.wakeup_id == "9"
    assert stage.hive.processes.environ(after.pid)["WORDS"] == "two words; #S"
    assert not list(stage.folder.rglob("trap"))


def test_a_terminal_in_disorder_is_reset_and_its_text_is_kept(stage: Stage, panes: TmuxPanes):
    pane_id = draws(stage, "kept\n\x1b[?1049h\x1b[?1000h\x1b[?2004h\x1b[?25l\x1b[31m in front \n")
    eventually(lambda: seen(panes, pane_id).alternate_on)
    flags = "#{mouse_any_flag}#{cursor_flag}"
    assert stage.tmux("display-message", "-p", "-t", pane_id, flags) == "10"
    panes.reset_terminal(pane_id, seen(panes, pane_id).tty)
    eventually(lambda: not seen(panes, pane_id).alternate_on)
    eventually(lambda: stage.tmux("display-message", "-p", "-t", pane_id, flags) == "01")
    assert stage.screen(pane_id).splitlines()[0] == "kept"


def test_a_terminal_that_cannot_be_opened_is_a_clear_error(stage: Stage, panes: TmuxPanes, tmp_path: Path):
    pane_id = stage.shell(stage.folder)
    with pytest.raises(TmuxError, match=f"The terminal {tmp_path}/none of pane {pane_id} cannot be written to"):
        panes.reset_terminal(pane_id, str(tmp_path / "none"))


def stand_in(stage: Stage, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Another program that is found as `tmux`; `$real` is the real one."""
    program = stage.folder / "bin" / "tmux"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nreal={shutil.which('tmux')}\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_a_server_that_is_older_than_the_program_is_refused(
    stage: Stage, panes: TmuxPanes, monkeypatch: pytest.MonkeyPatch
):
    stage.shell(stage.folder)
    version = stage.tmux("display-message", "-p", "#{version}")
    stand_in(stage, monkeypatch, f'"$real" "$@" | sed "s/{re.escape(version)}/3.1c/"')
    with pytest.raises(TmuxMissing, match=r"tmux 3.1c is too old: hive-tui needs 3.2 or newer"):
        panes.list()


@pytest.mark.parametrize(
    ("says", "error"),
    [("tmux 3.0", "tmux 3.0 is too old"), ("hello", "does not know"), ("P", "does not know")],
    ids=["its version", "something else", "half a line"],
)
def test_an_answer_that_cannot_be_read_is_never_an_empty_list(
    stage: Stage, panes: TmuxPanes, monkeypatch: pytest.MonkeyPatch, says: str, error: str
):
    stage.shell(stage.folder)
    stand_in(stage, monkeypatch, f"echo '{says}'")
    with pytest.raises(TmuxError, match=error) as refused:
        panes.list()
    assert refused.value.hint
