"""What was seen of a live agent: several sources speak, the first counts."""

from datetime import timedelta

from hive_tui.domain.agents import Activity
from hive_tui.domain.hooks import HookReport
from hive_tui.domain.sightings import Claim
from hive_tui.domain.terminal import Heard
from tests.builders import NOON, a_sighting


def test_the_first_source_says_what_an_agent_does():
    claims = (Claim(Activity.LIMITED, "screen", "the limit"), Claim(Activity.IDLE, "status file", "it says idle"))
    assert a_sighting(claims=claims).activity is Activity.LIMITED
    assert a_sighting(claims=claims[::-1]).activity is Activity.IDLE


def test_a_sighting_is_believed_unless_it_is_said_that_it_could_not_be_read():
    assert a_sighting().is_legible
    assert not a_sighting(is_legible=False).is_legible


def test_what_is_said_again_is_said_in_the_same_words():
    """Or each look would write the registry anew."""
    report = HookReport("claude", "s", "Stop", NOON, Activity.IDLE, "Stop", NOON)
    assert report.claim(NOON + timedelta(seconds=1)) == report.claim(NOON + timedelta(seconds=9))
    heard = Heard().after(b"7501;state=idle", NOON.timestamp())
    assert heard.claims("codex", 0, NOON.timestamp() + 1) == heard.claims("codex", 0, NOON.timestamp() + 9) != ()
