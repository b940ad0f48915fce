"""The rules of what is captured and what a restore does."""

import pytest

from hive_tui.domain.workspaces import (
    ChangeKind,
    Difference,
    changes_to_make,
    is_safe_path,
    is_secret,
    without_credentials,
)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://ada:token@example.com/hive.git", "https://example.com/hive.git"),
        ("https://token@example.com:8443/hive.git", "https://example.com:8443/hive.git"),
        ("https://example.com/hive.git?private_token=abc#x", "https://example.com/hive.git"),
        ("ssh://git:secret@example.com/hive.git", "ssh://git@example.com/hive.git"),
        ("git@example.com:hive.git", "git@example.com:hive.git"),
        ("/srv/git/hive.git", "/srv/git/hive.git"),
        ("../hive.git", "../hive.git"),
        ("ext::sh -c evil", None),
        ("--upload-pack=evil", None),
        ("https://[broken", None),
    ],
)
def test_an_address_is_kept_without_what_is_secret_in_it(address: str, kept: str | None):
    assert without_credentials(address) == kept


@pytest.mark.parametrize("path", [".env", "a/.ENV.local", "x.pem", "deep/tls.key", "id_rsa.pub", ".netrc", ".npmrc"])
def test_names_of_secrets_are_known(path: str):
    assert is_secret(path)


@pytest.mark.parametrize("path", [".env.example", ".env.sample", "env", "keys.py", ".env/readme", "credentials.py"])
def test_names_that_only_look_alike_are_no_secrets(path: str):
    assert not is_secret(path)


@pytest.mark.parametrize("path", ["../x", "a/../x", "/etc/x", ".git/config", "a/.GIT/hooks/x", "a//b", "a/./b", ""])
def test_paths_that_lead_elsewhere_are_told(path: str):
    assert not is_safe_path(path)


def test_what_is_tracked_goes_and_what_is_not_stays():
    found = [
        Difference("tracked", "1", "100644", None, None),
        Difference("untracked", "1", "100644", None, None),
        Difference("protected", "1", "100644", None, None),
        Difference("closed/inside", "1", "100644", None, None),
        Difference("in-the-way", "1", "100644", None, None),
        Difference("in-the-way/new", None, None, "2", "100644"),
        Difference("mode", "1", "100644", "1", "100755"),
        Difference("link", "1", "100644", "2", "120000"),
        Difference("was-link", "1", "120000", "1", "100644"),
        Difference("submodule", "1", "160000", "2", "160000"),
    ]
    tracked = {"tracked", "protected", "closed/inside"}
    changes, kept = changes_to_make(found, tracked=tracked, protected={"protected", "closed"})
    assert kept == ("untracked", "protected", "closed/inside")
    assert {change.path: change.kind for change in changes} == {
        "tracked": ChangeKind.DELETE,
        "in-the-way": ChangeKind.DELETE,
        "in-the-way/new": ChangeKind.WRITE,
        "mode": ChangeKind.MODE,
        "link": ChangeKind.SYMLINK,
        "was-link": ChangeKind.WRITE,
    }
