"""Files that hold secrets, known by their names: no checkpoint ever takes them from an agent's own folders."""

from fnmatch import fnmatchcase

from hive_tui.domain.workspaces import is_secret

AUTH_NAMES = (
    *("auth.json", "auth.*.json", ".credentials.json", "credentials*", ".credentials", "oauth*.json", "*_oauth.json"),
    *("token", "tokens", "*token.json", "*tokens.json", "*.token", "api_key*", "apikey*", "secrets*", "keyring*"),
    *("id_dsa*", "id_ecdsa*", "*.keystore", "*.jks", "*.kdbx", "*.asc", "*.gpg", ".envrc", "*.env"),
    *("google_accounts.json", "hosts.yml", "cookies*", ".git-credentials"),
)
"""Beside the names that count as secrets in a workspace."""


def is_auth_file(path: str) -> bool:
    """Whether a file of an agent's own folder looks like one with keys, tokens or credentials, by its name."""
    name = path.rpartition("/")[2].lower()
    return is_secret(path) or any(fnmatchcase(name, pattern) for pattern in AUTH_NAMES)
