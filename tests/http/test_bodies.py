"""What is said about the body of a request that does not fit."""

import pytest

from hive_tui.http.problems import Problem
from hive_tui.http.schema import form, parsed


def test_where_a_body_is_no_json_is_told_to_the_end():
    with pytest.raises(Problem) as caught:
        parsed(b"{bad", form())
    assert caught.value.hint.endswith("line 1 column 2 (char 1)")
