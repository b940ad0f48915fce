"""What the keys did, the latest key press first."""

from hive_tui.ui.undo import MOST, TRIES, UndoStack, in_words


def nothing() -> None:
    pass


def test_the_latest_key_press_is_undone_first_and_only_so_many_are_remembered():
    stack = UndoStack()
    for number in range(MOST + 5):
        stack.end(stack.begin(f"number {number}", number), nothing)
    undone = []
    while deeds := stack.pop():
        undone.append(in_words(deeds))
    assert undone == [f"number {number}" for number in range(MOST + 4, 4, -1)]


def test_what_one_key_did_to_several_agents_is_undone_together_whenever_each_has_ended():
    stack = UndoStack()
    shop, mill = stack.begin("the nap of shop", 1), stack.begin("the nap of mill", 1)
    pin = stack.begin("pin api", 2)
    stack.end(pin, nothing)
    stack.end(mill, nothing)
    assert [one.what for one in stack.pop()] == ["pin api"]
    assert in_words(stack.latest()) == "the nap of shop and 1 more"
    assert [one.is_under_way for one in stack.latest()] == [True, False]
    stack.drop(shop)
    assert stack.pop() == [mill] and stack.pop() == []


def test_what_could_not_be_taken_back_is_undone_in_its_turn():
    stack = UndoStack()
    for number in (1, 2):
        stack.end(stack.begin(f"pin {number}", number), nothing)
    (refused,) = stack.pop()
    later = stack.begin("hold", 3)
    stack.put_back(refused)
    assert [stack.pop()[0].what for _ in range(3)] == ["hold", "pin 2", "pin 1"] and later.is_under_way


def test_what_fails_again_and_again_gives_way_to_what_is_older():
    stack = UndoStack()
    for number in (1, 2):
        stack.end(stack.begin(f"pin {number}", number), nothing)
    for _ in range(TRIES):
        (refused,) = stack.pop()
        assert refused.what == "pin 2"
        stack.put_back(refused)
    assert [one.what for one in stack.pop()] == ["pin 1"]


def test_what_cannot_be_undone_says_why():
    stack = UndoStack()
    stack.end(stack.begin("the checkpoint of shop", 1), None, "it only adds a file")
    (deed,) = stack.pop()
    assert deed.undo is None and deed.refusal == "it only adds a file"
