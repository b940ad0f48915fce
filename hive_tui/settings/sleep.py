"""The part of the settings that is about what happens to conversations while their agents sleep."""

from collections.abc import Iterator

from msgspec import Struct


class HandoffSettings(Struct, frozen=True):
    """What a woken agent starts with."""

    default: str = "resume"
    """`resume` goes on with the conversation, `handoff` begins a new one with what matters of it, `auto` chooses."""
    auto_above_tokens: int = 20_000
    """`auto` resumes conversations that are smaller."""
    cache_s: float = 300.0
    """Seconds for which the vendor's prompt cache keeps a conversation; `auto` resumes one that is still in it."""


class ConsolidationSettings(Struct, frozen=True):
    """What is done with the conversations of sleeping agents: condensed, indexed and audited, without any network."""

    when: str = "nap"
    """After each `nap`, only in a sleep `window`, or `off`."""
    jobs: int = 1
    """Agents that are worked on at once."""
    cores: int = 1
    """Processor cores that may be used: a long conversation is worked on by as many processes as are free."""
    nice: int = 15
    """Added to the priority of the worker processes: 0 to 19."""
    timeout_s: float = 600.0
    """Seconds after which one stage is stopped; it is tried again later."""


class LlmSettings(Struct, frozen=True):
    """A model that shortens the prose of ledgers; they are complete without it."""

    provider: str = ""
    """`anthropic`, `openai` (and all that speak like it, as Ollama does), or empty for none."""
    url: str = ""
    """Where the API lies: https://api.anthropic.com, http://127.0.0.1:11434."""
    model: str = ""
    """The model's name there."""
    key_env: str = ""
    """The environment variable that holds the key; the key itself is never stored."""
    timeout_s: float = 60.0
    """Seconds without an answer after which it is given up."""
    per_hour: int = 6
    """Questions an hour, over all agents."""


def mistakes(
    handoff: HandoffSettings, consolidation: ConsolidationSettings, llm: LlmSettings
) -> Iterator[tuple[tuple[str, str], str]]:
    """What is wrong: the setting, and the end of a sentence that begins with its name."""
    choices = (
        (("handoff", "default"), handoff.default, ("resume", "handoff", "auto")),
        (("consolidation", "when"), consolidation.when, ("nap", "window", "off")),
        (("llm", "provider"), llm.provider, ("", "anthropic", "openai")),
    )
    for path, said, known in choices:
        if said not in known:
            yield path, f"is {said!r}, but must be one of {', '.join(filter(None, known))}"
    numbers = (
        ("jobs", consolidation.jobs, 16, 1),
        ("cores", consolidation.cores, 64, 1),
        ("nice", consolidation.nice, 19, 0),
    )
    for name, number, most, least in numbers:
        if not least <= number <= most:
            yield ("consolidation", name), f"is {number}, but must be from {least} to {most}"
    if llm.provider and not (llm.url and llm.model):
        yield ("llm", "provider"), "needs llm.url and llm.model as well"
