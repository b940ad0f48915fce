"""Daily sleep windows."""

from hive_tui.domain.schedule import SleepWindow


def test_a_new_window_is_for_all_agents_at_night_and_puts_nobody_to_sleep_before_it_is_enabled():
    window = SleepWindow("window-1", None)
    assert not window.active
    assert (window.start_time, window.end_time, window.timezone) == ("02:00", "04:00", "UTC")
