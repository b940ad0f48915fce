"""The settings of the surface and of webhooks: the example holds, and what is wrong is told with its line."""

from pathlib import Path

import pytest

from hive_tui import config
from hive_tui.domain.errors import ConfigError
from hive_tui.settings.http import HttpSettings, WebhookSettings

EXAMPLE = Path(__file__).parents[2] / "data" / "config.example.toml"
FILE = Path("/home/ada/.config/hive-tui/config.toml")
HOOK = "[webhooks.ci]\nsecret_file = 's'\nagents = ['ada']\n"


def test_the_example_of_a_webhook_is_accepted_without_its_comment_signs():
    text = EXAMPLE.read_text(encoding="utf-8")
    begin = text.index("# [webhooks.")
    commented = text[begin : text.index("\n[", begin)]
    lines = [line.removeprefix("# ") for line in commented.splitlines() if "[webhooks" in line or " = " in line]
    assert config.parse("\n".join(lines), EXAMPLE).webhooks == {
        "deploys": WebhookSettings(
            "~/.config/hive-tui/deploys.secret",
            ("shop",),
            "github",
            "A new version was pushed: look what has changed.",
            ("push", "workflow_run"),
        )
    }


def test_webhooks_and_agents_stand_beside_each_other():
    read = config.parse(f"{HOOK}[agents.ada]\nwatch = ['x']\n[http]\naddress = '[::1]:80'\nhosts = ['a.example']", FILE)
    assert (list(read.webhooks), list(read.agents)) == (["ci"], ["ada"])
    assert read.http == HttpSettings("[::1]:80", ("a.example",))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "[http]\naddress = '0.0.0.0:80'",
            2,
            "http.address is wrong: '0.0.0.0:80' is no address",
        ),
        ("[http]\nhosts = ['https://x']", 2, "http.hosts has 'https://x'"),
        ("[http]\nrequests_per_s = 0", 2, "http.requests_per_s is 0"),
        ("[http]\nbody_limit_kb = 0", 2, "http.body_limit_kb is 0"),
        ("[webhooks.ci]\nagents = ['ada']", 1, "webhooks.ci.secret_file is empty"),
        ("[webhooks.ci]\nsecret_file = 's'", 1, "webhooks.ci.agents is empty"),
        ("[webhooks.'a b']\nsecret_file = 's'\nagents = ['ada']", 1, "is no name"),
        (f"{HOOK}signature = 'md5'", 4, "webhooks.ci.signature is 'md5'"),
        (f"{HOOK}message = '/quit'", 4, "which agents take for a command"),
        (f"{HOOK}events = ['a b']", 4, "webhooks.ci.events has 'a b'"),
        (f"{HOOK}tolerance_s = 0", 4, "webhooks.ci.tolerance_s is 0"),
        (f"{HOOK}agent = 'ada'", 4, "webhooks.ci.agent is not a setting"),
        ("webhooks = 1", 1, "webhooks must be tables like [webhooks.NAME]"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str):
    with pytest.raises(ConfigError) as caught:
        config.parse(text, FILE)
    assert caught.value.what.startswith(f"{FILE}:{line}: ") and words in caught.value.what, caught.value.what
    assert caught.value.hint
