"""Effects as plain values."""

from collections.abc import Mapping
from typing import Any

from hive_tui.domain.effects import Effect, EffectKind, EffectState
from tests.builders import NOON


def an_open_effect(key: str = "k", probe: Mapping[str, Any] | None = None, **facts: Any) -> Effect:
    values: dict[str, Any] = {
        "kind": EffectKind.COMMAND,
        "target": "somewhere",
        "digest": "0" * 64,
        "shown": "do it",
        "state": EffectState.INTENT,
        "agent_id": None,
        "probe": probe or {},
        "runner": None,
        "child": None,
        "attempt": 1,
        "intent_at": NOON,
    }
    return Effect(key=key, **{**values, **facts})
