"""Messages of the dashboard."""

from textual.message import Message


class HiveChanged(Message, bubble=False):
    """Something changed in the hive: read again what you show."""

    def can_replace(self, message: Message) -> bool:
        """Fifty changes that wait are one reload."""
        return isinstance(message, HiveChanged)
