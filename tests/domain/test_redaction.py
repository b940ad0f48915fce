"""Secrets are taken out of text, and what only looks like one is left."""

import string
from random import Random

import pytest

from hive_tui.domain import redaction
from hive_tui.domain.redaction import REDACTED, Redactor, secrets_in

SHOWN = {
    "export DB_PASSWORD=correct-horse-9": "correct-horse-9",
    'api_key: "abcd1234efgh5678"': "abcd1234efgh5678",
    "curl -u admin:s3cr3t-x https://example.org": "s3cr3t-x",
    "postgres://bob:pa55word@db/x": "pa55word",
    "Authorization: Bearer abc.def-123456": "abc.def-123456",
    "the password is hunter2.": "hunter2",
    "run it with sk-" + "ant-api03-AAAABBBBCCCCDDDDEEEE": "ant-api03-AAAABBBBCCCCDDDDEEEE",
    "AKIA" + "IOSFODNN7EXAMPLE": "IOSFODNN7",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "K7MDENG",
    '{"password": "swordfish"}': "swordfish",
    r'{"body": "{\"api_key\": \"zzz123456789abc\"}"}': "zzz123456789abc",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\nxyz\n-----END RSA PRIVATE KEY-----": "MIIEabc",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz cut": "b3BlbnNz",
    "SESSION_SECRET=opensesame": "opensesame",
    "mysql -u root -phunter22 db": "hunter22",
    "x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0.abc y": "eyJzdWIiOiIxMjM0",
    "deploy --token=f00dfaceb00c": "f00dfaceb00c",
}
HARMLESS = (
    "max_tokens=4096",
    "token: str = None",
    "def f(password: str, secret=None)",
    "password = get_password()",
    "self.token = request.token",
    "primary_key=user_id",
    "commit 0123456789abcdef0123456789abcdef01234567",
    "id=550e8400-e29b-41d4-a716-446655440000",
    "https://example.org:8080/a",
    "the token is 5000 long",
    "secret santa: nice",
    "release/4.9513 src/narela/pasodi.py",
    "test_this_is_a_long_function_name_with_words_2024_and_more",
    "API_KEY=<your key here>",
    "password=$DB_PASSWORD",
)


@pytest.mark.parametrize("text", SHOWN, ids=range(len(SHOWN)))
def test_a_secret_is_taken_out(text: str):
    redacted = Redactor().redact(text)
    assert SHOWN[text] not in redacted and REDACTED in redacted


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_is_left(text: str):
    assert Redactor().redact(text) == text


def test_a_secret_that_was_shown_once_is_known_everywhere():
    redactor = Redactor()
    redactor.note("DB_PASSWORD=tansymere99")
    assert redactor.redact("I log in with tansymere99 now") == f"I log in with {REDACTED} now"
    assert redactor.shows("tansymere99") and not redactor.shows("tansy")


def test_noting_and_redacting_at_once_is_both():
    redactor = Redactor()
    assert (
        redactor.note_and_redact("DB_PASSWORD=tansymere99, pin is a1b2") == f"DB_PASSWORD={REDACTED}, pin is {REDACTED}"
    )
    assert redactor.redact("I log in with tansymere99, not a1b2") == f"I log in with {REDACTED}, not a1b2"


def test_the_words_that_are_looked_for_first_are_in_every_form():
    """What is searched for before the costly forms must find all of which these find something."""
    letters, random = string.ascii_letters + string.digits + "_-./", Random(7)
    pieces = (
        "sk-",
        "ghp_",
        "glpat-",
        "hvs.",
        "xoxb-",
        "ya29.",
        "SG.",
        "AKIA",
        "ab_live_",
        "my-tok-",
        "key-",
        "eyJ",
        "\n",
    )
    for _ in range(3_000):
        noise = ("".join(random.choices(letters, k=random.randint(1, 40))) for _ in range(4))
        text = "".join(random.choice(pieces) + one for one in noise)
        assert {found[0] for found in redaction._FORMS.finditer(text)} <= set(secrets_in(text)), text
        assert {found[0] for found in redaction._DENSE.finditer(text) if redaction._is_dense(found[0])} <= set(
            secrets_in(text)
        ), text
