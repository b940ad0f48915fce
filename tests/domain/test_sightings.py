"""What was seen of a live agent: several sources speak, the first counts."""

from hive_tui.domain.agents import Activity
from hive_tui.domain.sightings import Claim
from tests.builders import a_sighting


def test_the_first_source_says_what_an_agent_does():
    claims = (Claim(Activity.LIMITED, "screen", "the limit"), Claim(Activity.IDLE, "status file", "it says idle"))
    assert a_sighting(claims=claims).activity is Activity.LIMITED
    assert a_sighting(claims=claims[::-1]).activity is Activity.IDLE


def test_a_sighting_is_believed_unless_it_is_said_that_it_could_not_be_read():
    assert a_sighting().is_legible
    assert not a_sighting(is_legible=False).is_legible
