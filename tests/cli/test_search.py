"""The commands search and handoff, as a person uses them."""

from tests.stage import Stage


def test_a_search_finds_what_was_said_and_shows_the_lines_around_it(stage: Stage):
    stage.agent_in_shell("shop", said="remember the quillmere_plum")
    stage.look("shop")
    [hit] = [one for one in stage.json("search", "quillmere_plum") if one["says"] == "user"]
    assert hit["agent"] == "shop" and hit["line"] == 1 and hit["lines"][hit["best"]] == "remember the quillmere_plum"
    shown = stage.command("search", "plum", "--agent", "shop").stdout
    assert "shop  [#1]  user" in shown and "> remember the quillmere_plum" in shown
    assert "> remember the quillmere_plum" in stage.command("search", "remember", "quillmere_plum").stdout
    missed = stage.command("search", "osprey")
    assert missed.returncode == 1 and "Nothing is found for 'osprey'" in missed.stderr
    assert stage.command("search").returncode == 2
    assert "made again" in stage.command("search", "--rebuild").stderr


def test_a_handoff_can_be_read_before_it_is_used(stage: Stage):
    stage.agent_in_shell("shop", said="never touch vendor/quillmere")
    stage.look("shop")
    shown = stage.json("handoff", "shop")
    assert "never touch vendor/quillmere [#1]" in shown["text"] and shown["tokens"] > 100
    assert stage.command("handoff", "shop").stdout == shown["text"]
