"""Messages of the dashboard."""

from dataclasses import dataclass

from textual.message import Message

from hive_tui.domain.events import Event


@dataclass
class Happened(Message):
    """An event of the hive, brought over from whatever thread published it."""

    event: Event


class HiveChanged(Message, bubble=False):
    """Something changed in the hive: read again what you show."""

    def can_replace(self, message: Message) -> bool:
        """Fifty changes that wait are one reload."""
        return isinstance(message, HiveChanged)
