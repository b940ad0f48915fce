"""The part of the settings that is about alerts: who is told of what, where, and when not."""

from collections.abc import Iterator

from msgspec import Struct

from hive_tui.domain.alert_words import CHANNELS, CLASSES, DESKTOP, NTFY
from hive_tui.domain.errors import HiveError


class AlertSettings(Struct, frozen=True):
    """Alerts. `[notify]` switches the desktop on and off."""

    desktop: tuple[str, ...] = ("failure", "needs_you")
    """What is shown on the desktop: failure, warning, needs_you (an agent begins to wait for you)."""
    ntfy: str = ""
    """Address of a topic of ntfy, for a phone: https://ntfy.sh/TOPIC. Whoever knows the topic can read it."""
    ntfy_for: tuple[str, ...] = ("failure", "needs_you")
    """What goes there."""
    ntfy_token_env: str = ""
    """Name of the environment variable that holds the access token of a topic that has one."""
    webhook: str = ""
    """An address to which alerts are posted as JSON."""
    webhook_for: tuple[str, ...] = ("failure",)
    """What goes there."""
    webhook_secret_env: str = ""
    """Name of the environment variable with the secret for `X-Hive-Signature`, HMAC-SHA256 of the body."""
    details: bool = False
    """Send to ntfy and the webhook what is shown on the desktop, which may quote errors; else name and kind alone."""
    timeout_s: float = 10.0
    """Seconds without an answer after which an address counts as hung; it is tried again."""
    repeat_s: float = 600.0
    """The same failure is not told again within so many seconds."""
    quiet_from: str = ""
    """Quiet hours begin, as 22:00: what is not let through waits for their end. Empty for none."""
    quiet_until: str = ""
    """They end; before they begin means the next morning."""
    quiet_zone: str = ""
    """Their time zone, as Europe/Berlin; empty for the machine's."""
    quiet_lets: tuple[str, ...] = ()
    """What is told at once nevertheless."""
    escalate_minutes: float = 0.0
    """Minutes without a reaction after which an alert goes to a second channel; 0 for never."""
    escalate_to: str = NTFY
    """That channel: desktop, ntfy or webhook."""
    osc9: bool = False
    """Let the dashboard's own terminal show a notification, by OSC 9, where it can."""


def mistakes(alerts: AlertSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong: the setting, and the end of a sentence that begins with its name."""
    for name in ("desktop", "ntfy_for", "webhook_for", "quiet_lets"):
        for one in getattr(alerts, name):
            if one not in CLASSES:
                yield ("alerts", name), f"has {one!r} in it, but may have {', '.join(CLASSES)}"
    for name in ("ntfy", "webhook"):
        address = getattr(alerts, name)
        if address and not _is_address(address, needs_path=name == "ntfy"):
            ending = "with one word behind the host" if name == "ntfy" else "with a host in it"
            yield ("alerts", name), f"must be an address with http:// or https://, {ending}, and no password"
    if not 0.1 <= alerts.timeout_s <= 60:
        yield ("alerts", "timeout_s"), f"is {alerts.timeout_s:g}, but must be from 0.1 to 60"
    for name in ("repeat_s", "escalate_minutes"):
        if not 0 <= getattr(alerts, name) <= 86_400:
            yield ("alerts", name), f"is {getattr(alerts, name):g}, but must be from 0 to 86400"
    if alerts.escalate_to not in CHANNELS:
        yield ("alerts", "escalate_to"), f"is {alerts.escalate_to!r}, but must be {', '.join(CHANNELS)}"
    elif alerts.escalate_minutes and alerts.escalate_to != DESKTOP and not getattr(alerts, alerts.escalate_to):
        yield ("alerts", "escalate_to"), f"is {alerts.escalate_to!r}, which has no address"
    if alerts.quiet_from or alerts.quiet_until:
        # Only here, as in `_is_address`: reading settings must cost nothing where nothing is set.
        from hive_tui.domain.alerts import QuietHours

        try:
            QuietHours.parse(alerts.quiet_from, alerts.quiet_until, alerts.quiet_zone)
        except HiveError as error:
            yield ("alerts", "quiet_from"), f"is not as it must be: {error.what} {error.hint}".rstrip(".")


def _is_address(address: str, *, needs_path: bool) -> bool:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    words = [word for word in parts.path.split("/") if word]
    return is_good and (not needs_path or len(words) == 1)
