"""The part of the settings that is about naps which nobody asks for: of idle agents, and through usage limits."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

LONGEST_MINUTES = 7 * 24 * 60


class IdleSettings(Struct, frozen=True):
    """Naps of agents that have been idle for long; off until enabled."""

    after_minutes: float = 0.0
    """Minutes of idleness, with nothing against a nap in all that time, after which any agent naps; 0 for never."""
    announce_s: float = 60.0
    """Seconds between the announcement of an automatic nap and the nap."""
    short_of_memory_after_minutes: float = 0.0
    """While memory is short, the idlest agent naps after so many minutes; 0 for never. Needs Linux."""
    available_below: float = 0.1
    """Memory is short while less than this share of it is available."""
    stalled_above: float = 0.1
    """Memory is short while, of the last minute, programs have waited for it in more than this share."""


class LimitSettings(Struct, frozen=True):
    """What becomes of agents that have run into their usage limit."""

    nap: bool = False
    """Put them to sleep, and wake them when it resets. A limit that ends within 5 minutes is waited for awake."""
    say: str = "Go on with what the usage limit has interrupted."
    """What they are told then, once; empty for nothing."""
    most_unattended_wakes: int = 20
    """Agents that are woken for that within 12 hours, in all; the others wait for you."""


def mistakes(
    idle: IdleSettings, limits: LimitSettings, of_agents: Mapping[str, float]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong: the setting, and the end of a sentence that begins with its name."""
    spans: dict[tuple[str, ...], float] = {
        ("idle", "after_minutes"): idle.after_minutes,
        ("idle", "short_of_memory_after_minutes"): idle.short_of_memory_after_minutes,
        **{("agents", name, "idle_after_minutes"): minutes for name, minutes in of_agents.items()},
    }
    for path, minutes in spans.items():
        if minutes and not 1 <= minutes <= LONGEST_MINUTES:
            yield path, f"is {minutes:g}, but must be 0, or from 1 to {LONGEST_MINUTES}"
    if not 10 <= idle.announce_s <= 3600:
        yield ("idle", "announce_s"), f"is {idle.announce_s:g}, but must be from 10 to 3600"
    for name, share in (("available_below", idle.available_below), ("stalled_above", idle.stalled_above)):
        if not 0 <= share <= 1:
            yield ("idle", name), f"is {share:g}, but must be from 0 to 1"
    if limits.say.lstrip().startswith(("/", "!")):
        yield ("limits", "say"), f"begins with {limits.say.lstrip()[0]!r}, which agents take for a command"
    if limits.most_unattended_wakes < 0:
        yield ("limits", "most_unattended_wakes"), "must be 0 or more"
