"""What both clients promise alike: the one that runs tmux each time, and the one that stands."""

from collections.abc import Iterator

import pytest

from hive_tui.adapters.tmux.client import TmuxClient
from hive_tui.adapters.tmux.control import ControlClient
from hive_tui.adapters.tmux.panes import TmuxPanes
from hive_tui.domain.errors import PaneGone, TmuxDown, TmuxError, TmuxHung
from tests.adapters.test_tmux_client import QUICK_S, stopped
from tests.stage import CLOCK, Stage, eventually


@pytest.fixture(params=["forking", "standing"])
def client(stage: Stage, request: pytest.FixtureRequest) -> Iterator[TmuxClient]:
    if request.param == "forking":
        yield TmuxClient(stage.socket, timeout_s=QUICK_S)
        return
    standing = ControlClient(stage.socket, CLOCK, timeout_s=QUICK_S)
    standing.switch_on()
    yield standing
    standing.close()


def test_lines_of_several_commands_come_back_in_order(stage: Stage, client: TmuxClient):
    pane_id = stage.shell(stage.folder)
    one, other = (
        ["display-message", "-p", "-t", pane_id, text] for text in ("日本 'x' \"y\" ; \\; $HOME ~ {", "#{pane_id};")
    )
    assert client.run(one, other) == ["日本 'x' \"y\" ; \\; $HOME ~ {", f"{pane_id};"]


def test_empty_lines_and_control_characters_come_through(stage: Stage, client: TmuxClient):
    pane_id = stage.shell(stage.folder)
    texts = ["", "\x1fa\x1f", "", "b"]
    assert client.run(*(["display-message", "-p", "-t", pane_id, text] for text in texts)) == texts
    assert len(client.run(["capture-pane", "-p", "-t", pane_id])) == 30, "all lines, also the empty ones at the end"


def test_a_screen_that_looks_like_the_protocol_is_only_text(stage: Stage, client: TmuxClient):
    drawn = r"%begin 1 2 1\n%end 1 2 1\n%error 1 2 1\n%exit\n%output %1 x\n"
    pane_id = stage.shell(stage.folder, command=f"printf '{drawn.replace('%', '%%')}'; exec sleep 1000")
    eventually(lambda: "%exit" in stage.screen(pane_id))
    lines = client.run(["capture-pane", "-p", "-t", pane_id], ["display-message", "-p", "-t", pane_id, "after"])
    assert [line for line in lines if line] == [*drawn.removesuffix(r"\n").split(r"\n"), "after"]


def test_colours_of_a_capture_come_through(stage: Stage, client: TmuxClient):
    pane_id = stage.shell(stage.folder, command=r"printf '\033[31mred\033[0m é'; exec sleep 1000")
    eventually(lambda: "red" in stage.screen(pane_id))
    assert client.run(["capture-pane", "-p", "-e", "-t", pane_id])[0] == "\x1b[31mred\x1b[39m é"


def test_a_pane_that_is_not_there_is_gone_and_ends_the_list(stage: Stage, client: TmuxClient):
    pane_id = stage.shell(stage.folder)
    with pytest.raises(PaneGone, match="can't find pane: %99"):
        client.run(["display-message", "-p", "-t", pane_id, "before"], ["list-panes", "-t", "%99"])
    with pytest.raises(PaneGone):
        client.run(["list-panes", "-t", "%99"], ["set-option", "-p", "-t", pane_id, "@after", "1"])
    assert stage.tmux("show-options", "-p", "-q", "-v", "-t", pane_id, "@after") == ""
    assert client.run(["display-message", "-p", "-t", pane_id, "still"]) == ["still"]


@pytest.mark.parametrize("command", [["list-panes", "-a", "-Q"], ["no-such-command"]], ids=["flag", "command"])
def test_what_tmux_refuses_is_told_in_its_own_words(stage: Stage, client: TmuxClient, command: list[str]):
    stage.shell(stage.folder)
    with pytest.raises(TmuxError) as refused:
        client.run(command)
    with pytest.raises(TmuxError) as expected:
        TmuxClient(stage.socket).run(command)
    assert type(refused.value) is TmuxError
    assert refused.value.what == expected.value.what


def test_text_from_stdin_reaches_a_pane(stage: Stage, client: TmuxClient):
    pane_id = stage.shell(stage.folder)
    TmuxPanes(client, stage.hive.processes).paste(pane_id, "echo one 'two'\n日本")
    eventually(lambda: "日本" in stage.screen(pane_id))


def test_panes_and_screens_are_the_same_through_both(stage: Stage, client: TmuxClient):
    panes = [stage.shell(stage.folder) for _ in range(2)] + [stage.shell(stage.folder, session="other; '")]
    seen = TmuxPanes(client, stage.hive.processes)
    plain = TmuxPanes(TmuxClient(stage.socket), stage.hive.processes)
    assert seen.list() == plain.list()
    assert seen.capture_many(panes) == plain.capture_many(panes)
    assert seen.capture_many([*panes, "%99"]) == plain.capture_many(panes), "the one that is gone is left out"
    assert seen.option(panes[0], "@none") == ""


def test_the_fingerprint_changes_with_output_and_with_panes_of_any_session(stage: Stage, client: TmuxClient):
    stage.shell(stage.folder)
    other = stage.shell(stage.folder, session="other")
    second = int(stage.tmux("display-message", "-p", "-t", other, "#{window_activity}"))
    eventually(lambda: int(CLOCK.now().timestamp()) > second)
    before = client.fingerprint()
    assert client.fingerprint() == before
    stage.type(other, "x", enter=False)
    eventually(lambda: client.fingerprint() != before)
    before = client.fingerprint()
    stage.tmux("kill-pane", "-t", other)
    eventually(lambda: client.fingerprint() != before)


def test_no_server_is_down(stage: Stage, client: TmuxClient):
    for _ in range(2):
        with pytest.raises(TmuxDown, match=f"No tmux server runs on socket '{stage.socket}'."):
            client.run(["list-panes", "-a"])
        with pytest.raises(TmuxDown):
            client.fingerprint()
    assert stage.tmux("list-sessions", check=False) == "", "and none was started"


def test_a_server_that_was_killed_is_down_and_another_one_is_seen(stage: Stage, client: TmuxClient):
    stage.shell(stage.folder)
    assert len(client.run(["list-panes", "-a"])) == 1
    stage.tmux("kill-server")
    with pytest.raises(TmuxDown):
        client.run(["list-panes", "-a"])
    stage.shell(stage.folder)
    stage.shell(stage.folder)
    assert len(client.run(["list-panes", "-a"])) == 2


def test_a_server_that_does_not_answer_is_hung_and_then_well_again(stage: Stage, client: TmuxClient):
    stage.shell(stage.folder)
    assert client.run(["list-panes", "-a", "-F", "x"]) == ["x"]
    with stopped(stage):
        before = CLOCK.monotonic()
        with pytest.raises(TmuxHung, match=r"did not answer within 0\.5 s"):
            client.run(["list-panes", "-a"])
        assert QUICK_S <= CLOCK.monotonic() - before < 10
    assert client.run(["list-panes", "-a", "-F", "x"]) == ["x"]
