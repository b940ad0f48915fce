"""The classes of alerts and the ways they take; so few that settings can be read without the rest."""

FAILURE, WARNING, NEEDS_YOU = "failure", "warning", "needs_you"
CLASSES = (FAILURE, WARNING, NEEDS_YOU)
DESKTOP, NTFY, WEBHOOK = "desktop", "ntfy", "webhook"
CHANNELS = (DESKTOP, NTFY, WEBHOOK)
