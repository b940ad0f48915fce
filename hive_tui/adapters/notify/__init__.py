"""Messages on the desktop, with proof of delivery where there is one."""

from hive_tui.adapters.notify.desktop import DesktopNotifier
from hive_tui.adapters.notify.notice import NotDelivered

__all__ = ["DesktopNotifier", "NotDelivered"]
