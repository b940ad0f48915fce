"""When two looks at a Redis stream count as the same."""

from dataclasses import replace

from hive_tui.domain.streams import JITTER_MS, Group, Pending, Stream, are_same

WAITING = Pending("1-1", b"ada", 1_000_000, 1)
SEEN = Stream(b"agent:ada:queue", 1, "1-1", groups=(Group(b"workers", "1-1", pending=(WAITING,)),))


def again(**changes: object) -> Stream:
    waiting = replace(WAITING, **changes)  # type: ignore[arg-type]
    return replace(SEEN, groups=(replace(SEEN.groups[0], pending=(waiting,)),))


def test_some_milliseconds_between_two_looks_are_no_difference_and_another_delivery_is():
    assert are_same(SEEN, again(delivered_at_ms=1_000_000 + JITTER_MS))
    assert are_same(SEEN, again(delivered_at_ms=1_000_000 - 1))
    assert not are_same(SEEN, again(delivered_at_ms=1_000_001 + JITTER_MS))
    assert not are_same(SEEN, again(delivered_at_ms=1_000_001, deliveries=2))
    assert not are_same(SEEN, again(consumer=b"bob"))
    assert are_same(None, None) and not are_same(SEEN, None) and not are_same(None, SEEN)
