"""The part of the settings that is about the local HTTP surface, and about webhooks that come in by it."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from hive_tui.domain.addresses import parse_address
from hive_tui.domain.errors import ConfigError

SIGNATURES = ("hive", "github")
HOST = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
NAME = r"[a-z0-9][a-z0-9_-]{0,31}"
EVENT = r"[a-z0-9_]{1,64}"
"""Texts: to compile them takes a part of each start, and few have webhooks."""


class HttpSettings(Struct, frozen=True):
    """The local HTTP surface; needs the extra `http`."""

    address: str = ""
    """127.0.0.1:PORT, [::1]:PORT or unix:PATH, where the dashboard or `hive-tui serve` answers; empty for none."""
    hosts: tuple[str, ...] = ()
    """Other names under which a tunnel or reverse proxy on this machine passes requests on."""
    requests_per_s: float = 50.0
    """Requests a second that each client may make, and twice as many at once."""
    body_limit_kb: int = 1024
    """Kilobytes of the longest webhook; all other requests are short."""


class WebhookSettings(Struct, frozen=True):
    """A source of webhooks, in `[webhooks.NAME]`; it is told to send to /hooks/NAME."""

    secret_file: str = ""
    """File with the secret that both sides know; readable for you alone."""
    agents: tuple[str, ...] = ()
    """Who is woken: names."""
    signature: str = "hive"
    """`hive` for X-Hive-Signature, `github` for X-Hub-Signature-256."""
    message: str = ""
    """What the agents are told, unless the webhook of a source with `hive` says something else."""
    events: tuple[str, ...] = ()
    """Of GitHub: events that wake, as `push`; empty for all."""
    tolerance_s: float = 300.0
    """Seconds by which the time in X-Hive-Timestamp may differ from ours."""


def mistakes(http: HttpSettings, webhooks: Mapping[str, WebhookSettings]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong: the setting, and the end of a sentence that begins with its name."""
    if http.address:
        try:
            parse_address(http.address)
        except ConfigError as error:
            yield ("http", "address"), f"is wrong: {error.what.rstrip('.')}"
    for host in http.hosts:
        if not re.fullmatch(HOST, host):
            yield ("http", "hosts"), f"has {host!r}, which is no name of a host in small letters, without a port"
    if not 1 <= http.requests_per_s <= 10_000:
        yield ("http", "requests_per_s"), f"is {http.requests_per_s:g}, but must be from 1 to 10000"
    if not 1 <= http.body_limit_kb <= 25_000:
        yield ("http", "body_limit_kb"), f"is {http.body_limit_kb}, but must be from 1 to 25000"
    for name, one in webhooks.items():
        for key, what in _of_webhook(name, one):
            yield ("webhooks", name, *key), what


def _of_webhook(name: str, one: WebhookSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    if not re.fullmatch(NAME, name):
        yield (), "is no name: up to 32 of a-z, 0-9, '_' and '-', beginning with a letter or digit"
    if not one.secret_file:
        yield ("secret_file",), "is empty, but a webhook without a secret could come from anybody"
    if not one.agents:
        yield ("agents",), "is empty, so that it would wake nobody"
    if one.signature not in SIGNATURES:
        yield ("signature",), f"is {one.signature!r}, but must be hive or github"
    if one.message.lstrip().startswith(("/", "!")):
        yield ("message",), f"begins with {one.message.lstrip()[0]!r}, which agents take for a command"
    for event in one.events:
        if not re.fullmatch(EVENT, event):
            yield ("events",), f"has {event!r}, which is no event of GitHub"
    if not 1 <= one.tolerance_s <= 86_400:
        yield ("tolerance_s",), f"is {one.tolerance_s:g}, but must be from 1 to 86400"
