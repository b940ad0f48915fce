"""Where the wakes come in that an HTTP surface is asked for. Who may ask is that surface's to check."""

from hive_tui.domain.signals import Asked
from hive_tui.domain.wakeups import Trigger
from hive_tui.services.sources.intake import Delivery

WEBHOOK = "webhook"


def webhook(agent_name: str, delivery_id: str, asked: Asked) -> Delivery:
    """What `Intake.take` is to be given.

    Args:
        agent_name: Name or id.
        delivery_id: The sender's id of this delivery, the same when it sends it again.
        asked: What it wants.
    """
    return Delivery(WEBHOOK, delivery_id, agent_name, Trigger.WEBHOOK, asked, {"source": WEBHOOK})
