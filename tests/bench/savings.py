"""Tokens of 24 hours, and the time to the first token after a wake: simulated days, see `days` for what is real.

Each round is another day. Beside the tokens that were sent stands what the same turns have sent without naps,
handoffs and gates, which the simulation knows. The replay, which is what people see, knows the records alone:
its estimate stands beside the simulated truth and should not be above it.

Time to the first token: making the handoff is measured; prefill is simulated, at `PREFILL` tokens a second with a cold
cache, as after a nap that outlasts it. Starting the process takes the same on both sides and is left out.
While the vendor's cache is warm a resume has next to nothing to prefill; `auto` resumes then.
"""

from hive_tui.domain.savings import input_side
from tests.bench.days import Day, live
from tests.bench.figures import Goal, Row, Section
from tests.bench.plan import Plan

PARTS = 2
PREFILL = 5_000.0


def measure(plan: Plan) -> Section:
    """One day a round."""
    days = [live(plan.folder / f"day-{seed}", seed + 1, parts=PARTS) for seed in range(plan.runs)]
    first = [_first_token(day) for day in days]
    shares = [1 - day.sent / day.sent_without for day in days]
    claimed = [day.replayed.share or 0.0 for day in days]
    rows = [
        Row("sent in 24 h", "M tokens", [day.sent / 1e6 for day in days],
            [day.sent_without / 1e6 for day in days], Goal("ratio", 0.45)),
        Row("sent, as the ledger has it", "M tokens", [input_side(day.replayed.recorded) / 1e6 for day in days],
            [day.sent / 1e6 for day in days]),
        Row("saved, replay's estimate", "share", claimed, shares, Goal("ratio", 1.0)),
        Row("first token, simulated prefill", "s", [ours for ours, _ in first], [theirs for _, theirs in first],
            Goal("ratio", 0.6)),
        Row("of it: making the handoff", "s", [took for day in days for took, _, _ in day.composed]),
    ]  # fmt: skip
    notes = [
        f"simulated: conversations, times, {PREFILL:,.0f} tokens/s of cold prefill; real: handoffs, ledger, replay",
        "the same turns on both sides; nothing is claimed for turns that were not made because an agent slept",
    ]
    return Section("A simulated day of one agent", "the same turns without naps, handoffs, gates", rows, notes)


def _first_token(day: Day) -> tuple[float, float]:
    """Mean seconds over the wakes of a day: with the handoff, and with a resume."""
    counted = day.composed[1:] or day.composed
    ours = sum(took + prompt / PREFILL for took, prompt, _ in counted) / len(counted)
    return ours, sum(resumed / PREFILL for _, _, resumed in counted) / len(counted)
