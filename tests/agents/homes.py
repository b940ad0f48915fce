"""A HOME of its own for each real program: a made-up key, no telemetry, and the pretended model as its only address."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

KEY = "sk-test-not-a-key"


@dataclass(frozen=True, slots=True)
class Program:
    """One real program, and how it is driven."""

    name: str
    command: str
    prepare: Callable[[Path, Path, str], Mapping[str, str]]
    """Fills a HOME for a folder and an address; the environment beside the common one."""
    states: Sequence[str] = ("run", "ask", "limit")
    """The directives that it can follow."""
    escape: Sequence[str] = ("Escape",)
    """Keys that leave a question or a limit."""
    kind: str = ""
    """Its kind, where that is not its name."""
    busy: str = ""
    """Pattern of what it draws while it works, and only then; empty where only its title tells."""
    pair_refusal: str = ""
    """Why the first of two in one folder may be refused a nap: what is on disk is not its own then."""
    resets: bool = False
    """Whether it shows when its limit ends, so that it can be slept through."""
    leave: Sequence[str] = ("C-c", "C-c")
    """Keys with which it leaves at an empty prompt."""


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=1), encoding="utf-8")


def _claude(home: Path, work: Path, base: str) -> Mapping[str, str]:
    trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True, "allowedTools": []}
    about = {"hasCompletedOnboarding": True, "theme": "dark", "numStartups": 5, "autoUpdates": False}
    _write(home / ".claude.json", {**about, "projects": {str(work): trusted}})
    _write(home / ".claude/settings.json", {"spinnerTipsEnabled": False, "permissions": {"defaultMode": "default"}})
    off = dict.fromkeys(
        (
            "DISABLE_AUTOUPDATER",
            "DISABLE_TELEMETRY",
            "DISABLE_ERROR_REPORTING",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        ),
        "1",
    )
    return {**off, "ANTHROPIC_BASE_URL": base, "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-test-not-a-token"}


def _codex(home: Path, work: Path, base: str) -> Mapping[str, str]:
    _write(
        home / ".codex/config.toml",
        f"""model = "gpt-5-mock"
model_provider = "mock"
approval_policy = "on-request"
sandbox_mode = "workspace-write"
check_for_update_on_startup = false
[analytics]
enabled = false
[feedback]
enabled = false
[model_providers.mock]
name = "mock"
base_url = "{base}/v1"
wire_api = "responses"
env_key = "MOCK_API_KEY"
request_max_retries = 1
stream_max_retries = 1
[projects."{work}"]
trust_level = "trusted"
""",
    )
    return {"MOCK_API_KEY": KEY}


def _opencode(home: Path, work: Path, base: str) -> Mapping[str, str]:
    model = {"name": "Mock Model", "tool_call": True, "limit": {"context": 200000, "output": 8000}}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "Mock", "models": {"mock-model": model}}
    options = {"baseURL": f"{base}/v1", "apiKey": KEY}
    settings = {"autoupdate": False, "share": "disabled", "model": "mock/mock-model", "small_model": "mock/mock-model"}
    asks = {"permission": {"bash": "ask", "edit": "ask"}, "enabled_providers": ["mock"]}
    _write(
        home / ".config/opencode/opencode.json",
        {**settings, **asks, "provider": {"mock": {**provider, "options": options}}},
    )
    return dict.fromkeys(
        ("OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_MODELS_FETCH", "OPENCODE_DISABLE_LSP_DOWNLOAD"), "1"
    )


def _gemini(home: Path, work: Path, base: str) -> Mapping[str, str]:
    off = {"disableAutoUpdate": True, "disableUpdateNag": True, "enableAutoUpdate": False}
    security = {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}}
    settings = {"general": off, "privacy": {"usageStatisticsEnabled": False}, "telemetry": {"enabled": False}}
    more = {
        "security": security,
        "model": {"name": "gemini-2.5-flash"},
        "ide": {"enabled": False, "hasSeenNudge": True},
    }
    _write(home / ".gemini/settings.json", {**settings, **more})
    _write(home / ".gemini/trustedFolders.json", {str(work): "TRUST_FOLDER"})
    return {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": base, "GEMINI_TELEMETRY_ENABLED": "false"}


def _aider(home: Path, work: Path, base: str) -> Mapping[str, str]:
    off = {"AIDER_ANALYTICS": "false", "AIDER_CHECK_UPDATE": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return {**off, "OPENAI_API_BASE": f"{base}/v1", "OPENAI_API_KEY": KEY}


AIDER = (
    "aider --model openai/mock-model --no-show-model-warnings --no-check-update --analytics-disable"
    " --no-show-release-notes --map-tokens 0 --no-gitignore"
)
PROGRAMS = (
    Program("claude", "claude", _claude, busy="esc to interrupt", resets=True),
    Program("codex", "codex", _codex, states=("run", "limit"), resets=True),
    Program("codex-solo", "codex --no-daemon", _codex, states=("run",), kind="codex"),
    Program("opencode", "opencode", _opencode, escape=("Escape", "Escape"), busy="esc (again to )?interrupt"),
    Program("gemini", "gemini", _gemini, busy="esc to cancel", pair_refusal="no conversation on disk fits"),
    Program("aider", AIDER, _aider, states=("limit",), escape=("C-c",), pair_refusal="several aiders", leave=("C-d",)),
)
