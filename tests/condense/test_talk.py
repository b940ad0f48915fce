"""What kind of thing a sentence says, in whatever language, and what is said too often to tell much."""

import json
from pathlib import Path

import pytest

from hive_tui.condense.cues import Topic, is_ordinary, is_rule, topic_of
from hive_tui.condense.ledger import Budget, condense


@pytest.mark.parametrize(
    ("sentence", "topic"),
    [
        ("Switched the pump to async; same hang, back to the old code.", Topic.DEAD_END),
        ("Moving it into redis bought us nothing.", Topic.DEAD_END),
        ("Der Umbau hat nichts gebracht.", Topic.DEAD_END),
        ("J'ai essayé quill, sans succès.", Topic.DEAD_END),
        ("Probé quill y no funcionó.", Topic.DEAD_END),
        ("我试过 quill，没有用。", Topic.DEAD_END),
        ("quill を試したが効果がなかった。", Topic.DEAD_END),
        ("Die Ursache ist der Puffer.", Topic.CAUSE),
        ("问题的原因是缓存没有清空。", Topic.CAUSE),
        ("Ich nehme quill statt osprey.", Topic.DECISION),
        ("我们改用 quill。", Topic.DECISION),
        ("Решено: берём quill.", Topic.DECISION),
        ("The statue stands in the hall.", Topic.NOTE),
    ],
)
def test_a_sentence_is_known_by_what_it_says(sentence: str, topic: Topic):
    assert topic_of(sentence) is topic


@pytest.mark.parametrize(
    "message", ["Bitte niemals quill anfassen", "不要动 quill", "quill は変更しないでください", "nunca uses quill"]
)
def test_a_wish_that_lasts_is_known_in_other_languages(message: str):
    assert is_rule(message) and not is_rule("quill looks grand")


def test_what_is_said_again_and_again_gives_way_to_what_is_said_once(tmp_path: Path):
    assert is_ordinary("The quill layer looks fine.") and not is_ordinary("The quill layer leaks.")
    said = [f"Then `osprey_{n}()` hands over to `heron_{n}()`. " for n in range(400)]
    said[7] += "Two writers share quill.lock and tern_close() deletes it."
    rows = [{"role": "assistant", "content": text} for text in said]
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = condense(path, Budget(least=600, most=600)).text
    assert "Two writers share quill.lock and tern_close() deletes it. [#8]" in text
    assert 1 < text.count("hands over to") < 60
