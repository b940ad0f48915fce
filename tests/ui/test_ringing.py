"""The terminal's own notification."""

from hive_tui.ui.ringing import osc9
from tests.stage import Stage, eventually


def test_nothing_in_a_text_can_end_the_sequence_or_begin_another_one():
    said = osc9("shop\x07crashed\x1b]0;title\x1b\\\n\x9c done " + "x" * 500)
    assert said.startswith("\x1b]9;") and said.endswith("\x07")
    inside = said[4:-1]
    assert inside.isprintable() and len(inside) <= 200 and "crashed" in inside


def test_the_test_of_the_notifications_rings_and_shows_one_of_the_terminal_through_tmux(stage: Stage):
    stage.command_line()
    config = stage.folder / "config.toml"
    changed = config.read_text().replace("desktop = false", "desktop = false\nbell = true")
    config.write_text(f"{changed}[alerts]\nosc9 = true\n")
    pane_id, written = stage.shell(stage.folder), stage.folder / "written"
    stage.tmux("pipe-pane", "-t", pane_id, f"cat >> {written}")
    stage.type(pane_id, stage.quoted_command())
    eventually(lambda: "Agents" in stage.screen(pane_id), "the dashboard is drawn")
    stage.tmux("send-keys", "-t", pane_id, "t")
    eventually(lambda: b"\x1bPtmux;\x1b\x1b]9;hive: test." in written.read_bytes(), "the terminal shows one")
    eventually(lambda: "bell was rung" in stage.screen(pane_id).replace("\n", " "), "it says what it did")
    assert b"\x07" in written.read_bytes().replace(b"\x07\x1b\\", b""), "beside the one that ends the sequence"
    stage.tmux("send-keys", "-t", pane_id, "q")
