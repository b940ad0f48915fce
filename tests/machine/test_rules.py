"""When a service is stopped or started, and a model unloaded: the rules alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui import config
from hive_tui.domain.errors import ConfigError, HiveError
from hive_tui.domain.idle_sleep import PRESETS, IdleSleepPolicy, checked_changes, preset_of, with_changes
from hive_tui.domain.models import LoadedModel, ModelRecord, keep_until
from hive_tui.domain.services import (
    Actual,
    Around,
    Deed,
    Desired,
    Look,
    Service,
    ServiceRecord,
    ServiceRefused,
    crashes_after,
    may_start_at,
    start_order,
    use_since,
    verdict,
)
from hive_tui.hive import Hive

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ON = IdleSleepPolicy(enabled=True)
SERVICE = Service("web", "docker", "web")
CALM = Look(Actual.RUNNING, "", "run", 10.0, 1000, 0)
IDLE = ServiceRecord("web", Desired.AUTO, Actual.RUNNING, "", NOW - HOUR, NOW - 5 * MINUTE, "run", 10.0, 1000)


def test_the_presets_have_the_figures_that_were_promised():
    def figures(name: str) -> tuple[float, float, float, bool]:
        policy = with_changes(IdleSleepPolicy(), PRESETS[name])
        return policy.idle_minutes, policy.model_keep_alive_hours, policy.check_minutes, policy.enabled

    assert figures("conservative") == (120, 4, 5, False)
    assert figures("balanced") == (60, 2, 5, True)
    assert figures("aggressive") == (15, 0.5, 2, True)
    assert preset_of(IdleSleepPolicy()) == "balanced" and not IdleSleepPolicy().enabled


def test_changes_from_outside_are_checked_before_any_of_them_counts():
    assert checked_changes({"idleSleepEnabled": True, "idleTimeout": 15, "modelKeepAlive": None}) == {
        "enabled": True,
        "idle_minutes": 15.0,
    }
    bad = ({"idleTimeout": 0}, {"idleTimeout": True}, {"idleTimeout": "5"}, {"modelKeepAlive": 1e9}, {"x": 1})
    for one in (*bad, {"idleSleepEnabled": 1}, {"idleTimeout": float("nan")}, {"idleCheckInterval": 0.1}):
        with pytest.raises(HiveError):
            checked_changes(one)


KEPT = {
    "desired on": ({"desired": Desired.ON}, {}, {}, "desired is on"),
    "an awake agent": ({}, {}, {"awake": ("shop", "toys")}, "shop, toys need it"),
    "a dependant": ({}, {}, {"dependants": ("api",)}, "api depends on it and runs"),
    "a connection": ({}, {"connections": 2}, {}, "2 connections open"),
    "connections unseen": ({}, {"connections": None}, {}, "its connections cannot be seen; name its ports"),
    "work in flight": ({}, {"in_flight": "it indexes"}, {}, "it indexes"),
    "CPU unknown": ({}, {"cpu_s": None}, {}, "what it uses of the CPU is not known"),
    "used lately": ({"last_used_at": NOW - 59 * MINUTE}, {}, {}, "used 59m ago"),
    "Docker unreachable": ({}, {"actual": Actual.UNKNOWN, "detail": "no answer"}, {}, "no answer"),
}


@pytest.mark.parametrize("case", KEPT)
def test_a_service_is_kept_for_one_reason_that_is_said(case: str):
    record, look, around, reason = KEPT[case]
    found = verdict(
        SERVICE, replace(IDLE, **record), replace(CALM, **look), Around(**around), ON, NOW  # type: ignore[arg-type]
    )  # fmt: skip
    assert (found.deed, found.reason) == (Deed.KEEP, reason)


def test_an_idle_service_is_stopped_after_its_span_and_not_before():
    assert verdict(SERVICE, IDLE, CALM, Around(), ON, NOW).deed is Deed.STOP
    early = verdict(SERVICE, IDLE, CALM, Around(), ON, NOW - MINUTE)
    assert (early.deed, early.sleeps_at) == (Deed.KEEP, NOW)
    own = replace(SERVICE, idle=2 * HOUR)
    assert verdict(own, IDLE, CALM, Around(), ON, NOW).sleeps_at == NOW + HOUR
    never = replace(SERVICE, never_sleeps=True)
    assert verdict(never, IDLE, CALM, Around(), ON, NOW).reason == "never_sleep is set"
    assert verdict(SERVICE, IDLE, CALM, Around(), IdleSleepPolicy(), NOW).reason == "idle sleep is off"


def test_one_that_is_to_be_off_waits_for_its_users_and_for_one_quiet_look():
    off = replace(IDLE, desired=Desired.OFF, last_used_at=NOW - 5 * MINUTE)
    never = replace(SERVICE, never_sleeps=True)
    assert verdict(never, off, CALM, Around(), ON, NOW).deed is Deed.STOP
    assert verdict(SERVICE, off, CALM, Around(awake=("shop",)), ON, NOW).deed is Deed.KEEP
    assert verdict(SERVICE, off, CALM, Around(), ON, NOW - MINUTE).deed is Deed.KEEP


USED = {
    "CPU": (replace(CALM, cpu_s=10.0 + 0.02 * 300), True),
    "little CPU": (replace(CALM, cpu_s=10.0 + 0.019 * 300), False),
    "network": (replace(CALM, network_bytes=1000 + 300_000), True),
    "little network": (replace(CALM, network_bytes=1000 + 299_000), False),
    "another run": (replace(CALM, run_id="other"), True),
    "a counter that went back": (replace(CALM, cpu_s=9.0), True),
    "no network counter": (replace(CALM, network_bytes=None), False),
}


@pytest.mark.parametrize("case", USED)
def test_what_happened_between_two_looks_counts_as_use(case: str):
    look, is_used = USED[case]
    assert bool(use_since(IDLE, look, ON, NOW)) is is_used


def test_a_gap_without_looks_counts_as_use_since_nobody_knows():
    assert use_since(replace(IDLE, looked_at=NOW - 16 * MINUTE), CALM, ON, NOW) == "nobody has looked for a while"
    assert use_since(replace(IDLE, looked_at=NOW + MINUTE), CALM, ON, NOW) == "nobody has looked for a while"
    assert use_since(ServiceRecord("web"), CALM, ON, NOW) == "first seen now"


def test_a_stopped_service_is_started_for_its_person_and_for_awake_agents_only():
    down = Look(Actual.STOPPED)
    assert verdict(SERVICE, IDLE, down, Around(), ON, NOW).deed is Deed.KEEP
    assert verdict(SERVICE, IDLE, down, Around(awake=("shop",)), ON, NOW).deed is Deed.START
    assert verdict(SERVICE, replace(IDLE, desired=Desired.ON), down, Around(), ON, NOW).deed is Deed.START
    off = replace(IDLE, desired=Desired.OFF)
    assert verdict(SERVICE, off, down, Around(awake=("shop",)), ON, NOW).reason == "desired is off"


def test_a_crash_loop_backs_off_doubles_and_is_forgiven():
    record = replace(IDLE, desired=Desired.ON, crashes=3, crashed_at=NOW)
    assert may_start_at(record) == NOW + 4 * MINUTE
    down = Look(Actual.STOPPED)
    assert verdict(SERVICE, record, down, Around(), ON, NOW + 3 * MINUTE).deed is Deed.KEEP
    assert verdict(SERVICE, record, down, Around(), ON, NOW + 4 * MINUTE).deed is Deed.START
    assert may_start_at(replace(record, crashes=10_000)) == NOW + HOUR
    assert crashes_after(record, NOW + 30 * MINUTE) == 4 and crashes_after(record, NOW + 2 * HOUR) == 1


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3), min_size=1))
def test_the_order_of_starts_puts_each_behind_what_it_needs_or_names_the_circle(graph: dict[str, list[str]]):
    try:
        order = start_order(graph, graph)
    except ServiceRefused as error:
        assert "circle" in error.what or "There is no service" in error.what
        return
    assert sorted(order) == sorted(graph)
    assert all(order.index(needed) < order.index(name) for name in graph for needed in graph[name])


def test_a_circle_is_named():
    with pytest.raises(ServiceRefused, match="a -> b -> a"):
        start_order(["a"], {"a": ("b",), "b": ("a",)})


def test_a_model_is_kept_or_unloaded_for_a_reason():
    model = LoadedModel("ollama", "m", expires_at=NOW + MINUTE)
    record = ModelRecord("ollama", "m", last_used_at=NOW - 2 * HOUR, expires_at=model.expires_at)
    assert keep_until(record, model, (), ON, NOW) == (NOW, "")
    assert keep_until(record, model, (), ON, NOW - MINUTE) == (NOW, "used 1h 59m ago")
    kept = {
        "pinned by a client": (record, replace(model, expires_at=NOW + 90_000 * HOUR), (), ON),
        "shop needs it": (record, model, ("shop",), ON),
        "left alone: a client has loaded it again 3 times": (
            replace(record, reloads=3, unloaded_at=NOW - HOUR), model, (), ON,
        ),
        "idle sleep is off": (record, model, (), IdleSleepPolicy()),
        "a request is in flight": (record, replace(model, in_flight="a request is in flight"), (), ON),
        "its server does not tell when it was used": (record, replace(model, expires_at=None), (), ON),
        "its own expiry has passed: a request is in flight": (record, replace(model, expires_at=NOW), (), ON),
    }  # fmt: skip
    for reason, (its, seen, awake, policy) in kept.items():
        assert keep_until(its, seen, awake, policy, NOW) == (None, reason)
    after = replace(record, reloads=3, unloaded_at=NOW - 25 * HOUR)
    assert keep_until(after, model, (), ON, NOW)[1] == ""


MISTAKES = {
    '[services.a]\nkind = "podman"': "services.a.kind is 'podman'",
    '[services.a]\nkind = "command"': "services.a is of kind command and needs `start`",
    '[services."../a"]': "is no name of a service",
    '[services.a]\nstop = "x"': "services.a.stop is for services of kind command only",
    "[services.a]\nports = [0]": "services.a.ports has 0 in it",
    '[services.a]\ntarget = "-H"': "must not begin with a dash",
    '[services.a]\ndepends_on = ["b"]': "There is no service 'b'",
    '[services.a]\ndepends_on = ["b"]\n[services.b]\ndepends_on = ["a"]': "a -> b -> a",
    '[agents.shop]\nneeds = ["a"]': "agents.shop.needs names 'a', but there is no [services.a]",
    '[idle_sleep]\npreset = "lazy"': "idle_sleep.preset is 'lazy'",
    "[idle_sleep]\nidle_minutes = 0.5": "idle_sleep.idle_minutes is 0.5",
    '[models]\nollama = "localhost:11434"': "models.ollama is 'localhost:11434'",
    '[models]\nollama = "http://me:secret@host"': "must not hold a name and a password",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_the_settings_is_named(text: str):
    with pytest.raises(ConfigError) as caught:
        config.parse(text, Path("c.toml"))
    assert MISTAKES[text] in caught.value.what and "secret" not in caught.value.what


def test_redis_never_sleeps_unless_its_person_says_so(tmp_path: Path):
    text = '[services.redis]\n[services.cache]\ntarget = "my-redis-7"\n[services.web]\n'
    text += "[services.redis2]\nnever_sleep = false\n"
    hive = Hive(tmp_path, config.parse(text, Path("c.toml")), "none")
    assert [one.name for one in hive.machine.services.values() if one.never_sleeps] == ["cache", "redis"]
