"""Errors that a person reads."""

import pytest

from hive_tui.domain import errors
from hive_tui.domain.errors import ErrorClass, HiveError, NeedsPerson, WakeFailed, class_of

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HiveError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_a_sentence_with_something_to_do(kind: type[HiveError]):
    error = kind("The pane is gone.", hint="Press w.")
    assert (str(error), error.what, error.hint) == ("The pane is gone.", "The pane is gone.", "Press w.")


def test_an_error_that_only_a_person_can_solve_counts_as_a_failed_wake_and_is_confirmed_only_where_that_helps():
    assert isinstance(NeedsPerson("A dialog is open."), WakeFailed)
    assert not NeedsPerson("A dialog is open.").confirmable
    assert NeedsPerson("All checkpoints are damaged.", confirmable=True).confirmable


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_may_pass_by_itself_is_tried_again(kind: type[HiveError]):
    person = {"ConfigError", "TmuxMissing", "NeedsPerson"}
    permanent = {"NotFound", "NameTaken", "Cancelled", "WakeImpossible"}
    hung = {"TmuxHung": "timeout"}
    expected = "needs-person" if kind.__name__ in person else "permanent" if kind.__name__ in permanent else "transient"
    expected = hung.get(kind.__name__, expected)
    error_class = class_of(kind("It failed."))
    assert (error_class, error_class.is_retried) == (expected, expected in ("transient", "timeout"))


def test_what_nobody_has_foreseen_is_tried_again():
    assert class_of(ZeroDivisionError()) is ErrorClass.TRANSIENT


def test_what_did_not_answer_in_time_is_a_timeout_whoever_tells_it():
    assert class_of(WakeFailed("It did not start.", timed_out=True)) is ErrorClass.TIMEOUT
    wrapped = WakeFailed("ada was not woken.")
    wrapped.__cause__ = errors.TmuxHung("tmux did not answer.")
    assert class_of(wrapped) is ErrorClass.TIMEOUT
    by_socket = HiveError("Nobody answers.")
    by_socket.__cause__ = TimeoutError()
    assert class_of(by_socket) is ErrorClass.TIMEOUT
    decided = NeedsPerson("A dialog is open.")
    decided.__cause__ = errors.TmuxHung("tmux did not answer.")
    assert class_of(decided) is ErrorClass.NEEDS_PERSON, "who has to act counts for more"
