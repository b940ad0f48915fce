"""Finds out whether a message that was cut off has reached its agent: by its pane, and by its conversation."""

import json
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import structs

from hive_tui.domain.agents import Agent
from hive_tui.domain.effects import Effect, Verdict
from hive_tui.domain.errors import TmuxError
from hive_tui.domain.panes import Pane, Swap
from hive_tui.domain.ports import Panes

MESSAGE_OPTION = "@hive_message"
"""Begin of the names of pane options that tell of messages; alone it was one for all, `<wakeup>:<count>`."""
NEEDLE_LETTERS = 160
"""How a message begins is enough to find it in a conversation."""
MOST_BYTES = 64_000_000


def message_probe(agent: Agent, pane: Pane, key: str, message: str) -> dict[str, Any]:
    """What is to be known later: the pane and the option that tells of this message, and where the conversation ended.

    Each message has an option of its own: one for all would be overwritten by the next message, and the one before
    would look as if it had never been said.
    """
    transcript = agent.transcript
    return {
        "type": "message",
        "server": pane.ref.server,
        "pane": pane.id,
        "option": f"{MESSAGE_OPTION}_{sha256(key.encode()).hexdigest()[:12]}",
        "needle": message.strip()[:NEEDLE_LETTERS],
        "transcript": transcript,
        "offset": _size(transcript) if transcript else None,
    }


def opened(effect: Effect) -> dict[str, str | None]:
    """The pane option that says: this attempt may paste, and has not."""
    return {str(effect.probe["option"]): f"open-{effect.attempt}"}


def pasting(effect: Effect) -> Swap:
    """How the option changes together with the paste, and only then."""
    return Swap(str(effect.probe["option"]), f"open-{effect.attempt}", f"pasted-{effect.attempt}")


def is_draft_of(probe: Mapping[str, Any], draft: str) -> bool:
    """Whether an input box holds this message and nothing else, as far as is known of it; lines may be broken anew."""
    needle, typed = "".join(str(probe.get("needle", "")).split()), "".join(draft.split())
    is_all = len(str(probe.get("needle", ""))) < NEEDLE_LETTERS
    return bool(needle) and (typed == needle if is_all else typed.startswith(needle))


class MessageProbe:
    """In the conversation it has arrived; where the pane says so it was never pasted. Else nobody knows."""

    def __init__(self, panes: Panes) -> None:
        self._panes = panes

    def __call__(self, effect: Effect) -> Verdict:
        """What conversation and pane say of a message that nobody is saying any more."""
        if _is_in_transcript(effect.probe):
            return Verdict.HAPPENED
        return Verdict.DID_NOT if self._was_never_pasted(effect) else Verdict.NOBODY_KNOWS

    def _was_never_pasted(self, effect: Effect) -> bool:
        """Whether that is sure; of a pane that is gone nobody can say it.

        From then on the attempt cannot paste any more: its command may still be on its way to tmux.
        """
        probe = effect.probe
        if "option" not in probe:  # written down by a version that had one option for all
            return False
        wanted = pasting(effect)
        with suppress(TmuxError):
            listed = self._panes.list()
            if listed.server == probe["server"] and any(one.id == probe["pane"] for one in listed.panes):
                void = structs.replace(wanted, after=f"void-{effect.attempt}")
                return self._panes.swap_option(str(probe["pane"]), void) != wanted.after
        return False


def _is_in_transcript(probe: Mapping[str, Any]) -> bool:
    """Whether the conversation goes on with it; transcripts are lines of JSON."""
    path, offset, needle = probe.get("transcript"), probe.get("offset"), str(probe.get("needle", ""))
    if not path or offset is None or not needle:
        return False
    with suppress(OSError), Path(str(path)).open("rb") as file:
        file.seek(int(offset))
        found = file.read(MOST_BYTES)
        return any(
            json.dumps(needle, ensure_ascii=plain)[1:-1].encode(errors="replace") in found for plain in (True, False)
        )
    return False


def _size(path: str) -> int | None:
    with suppress(OSError):
        return Path(path).stat().st_size
    return None
