"""Where the wakes come in that an HTTP surface is asked for. Who may ask is that surface's to check."""

from hive_tui.domain.signals import Asked
from hive_tui.domain.wakeups import Trigger
from hive_tui.services.sources.intake import Delivery

WEBHOOK = "webhook"


def webhook(
    agent_name: str, delivery_id: str, asked: Asked, event: str = "", *, other_ids: tuple[str, ...] = ()
) -> Delivery:
    """What `Intake.take` is to be given.

    Args:
        agent_name: Name or id.
        delivery_id: The sender's id of this delivery, the same when it sends it again.
        asked: What it wants.
        event: What has happened there, in a word or two; empty if nobody said.
        other_ids: See `Delivery.other_keys`.
    """
    context = {"source": WEBHOOK} | ({"event": event} if event else {})
    return Delivery(WEBHOOK, delivery_id, agent_name, Trigger.WEBHOOK, asked, context, other_keys=other_ids)
