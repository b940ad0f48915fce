"""Secrets in text: found by their form, by the name they are assigned to, or by where they stand."""

import re
from collections.abc import Iterable, Iterator

REDACTED = "[REDACTED]"
SHORTEST_ANYWHERE = 6
"""A secret that is shorter is taken out only where something shows that it is one, not everywhere in a text."""
MOST = 20_000

_FORMS = re.compile(
    r"""
    sk-[A-Za-z0-9_-]{16,}                                   # Anthropic, OpenAI and those who copied them
    | (?:gh[opsur]_|github_pat_|gl(?:pat|ptt|dt)-|npm_|hf_|pypi-|dckr_pat_|shp(?:at|ss|ca)_|lin_api_|hv[sb]\.)[\w-]{16,}
    | xox[a-z]-[\w-]{10,} | xapp-[\w-]{10,} | ya29\.[\w-]{16,} | SG\.[\w-]{12,}\.[\w-]{12,} | AIza[\w-]{30,}
    | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16} | AGE-SECRET-KEY-1[A-Z0-9]{20,}
    | (?:[a-z]{2,10}[_-](?:live|test|prod|api|secret|pat|tok|token|key)[_-][A-Za-z0-9_-]{16,})
    | whsec_[\w+/=]{16,} | dop_v1_[0-9a-f]{32,} | key-[0-9a-f]{32}
    | eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?                  # a JSON web token
    | hooks\.slack\.com/services/[\w/]{16,} | discord(?:app)?\.com/api/webhooks/[\w/-]{20,}
    | -----BEGIN[ ][A-Z ]{0,40}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----
      (?:(?!-----BEGIN)[\s\S]){0,20000}?(?:-----END[^-]{1,60}-----|\Z)
    """,
    re.VERBOSE,
)
_SIGNS = (
    "sk-", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "glptt-", "gldt-", "npm_", "hf_", "pypi-",
    "dckr_pat_", "shpat_", "shpss_", "shpca_", "lin_api_", "hvs.", "hvb.", "xox", "xapp-", "ya29.", "SG.", "AIza",
    "AKIA", "ASIA", "ABIA", "ACCA", "AGE-SECRET-KEY-1", "whsec_", "dop_v1_", "key-", "eyJ", "hooks.slack.com/",
    ".com/api/webh", "-----BEGIN ",
)  # fmt: skip
"""Each of the forms begins with one of these, or has a word of `_FORM_WORD` in it: looked for first, which is fast."""
_FORM_WORD = re.compile(r"[_-](?:live|test|prod|api|secret|pat|tok|token|key)[_-]")
_SURE = r"passw(?:or)?d|passwd|passphrase|pwd|secret(?:[_.-]?(?:access[_.-]?)?key)?|credentials?|private[_.-]?key"
_LIKELY = (
    r"(?:api|access|auth|account|master|signing|encryption|license)[_.-]?key(?:[_.-]?id)?"
    r"|apikey|token|bearer|cookie|session[_.-]?id"
)
_NAMED = re.compile(
    rf"(?P<name>(?:\b|_|(?<=[a-z]))(?:(?P<sure>{_SURE})|{_LIKELY}))[\"'\\]{{0,2}}\s{{0,3}}(?:=>|:=|==?|:)\s{{0,3}}"
    r"\\?(?P<quote>[\"'`]?)(?P<value>[^\s\"'`,;}\\]{4,400})",
    re.IGNORECASE,
)
_PLACED = re.compile(
    r"""
    \b(?:authorization|proxy-authorization)\W{1,5}(?:bearer|basic|token|apikey)\s+(?P<a>[\w.~+/=-]{6,})
    | \bbearer\s+(?P<b>[\w.~+/=-]{16,})
    | ://[^/\s:@'"]{0,80}:(?P<c>[^@\s/'"]{3,200})@
    | --(?:pass(?:word|wd|phrase)?|token|api-?key|secret|auth)(?:=|\s+)["']?(?P<d>[^\s"'$<-][^\s"']{3,})
    | \s-u\s+["']?[^\s:"']{1,80}:(?P<e>[^\s"']{3,})
    | \b(?:sshpass|mysql|mysqldump|mariadb|redis-cli)\b[^\n|;&]{0,80}?\s-[pa]\s?["']?(?P<f>[^\s"'$-][^\s"']{3,})
    | \b(?:password|passphrase|passcode|secret|api\skey|access\skey|token|pin)\s+
      (?:is|was|=|:|to|will\sbe)\s+(?:now\s+)?
      ["'`]?(?P<g>[^\s"'`]{4,})
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DENSE = re.compile(r"(?<![\w/+.-])[A-Za-z0-9+/_-]{32,200}={0,2}(?![\w/+-])")
_DENSE_RUN = b"x" * 32
_DENSE_LETTERS = bytes(ord("x") if re.match(r"[A-Za-z0-9+/_-]", chr(byte)) else 0 for byte in range(256))
_NAMES = ("passw", "passphrase", "pwd", "secret", "credential", "key", "token", "bearer", "cookie", "session")
_ASSIGNED = re.compile(r"\w{0,12}(?:[_.-]\w{1,8}){0,2}[\"'\\]{0,2}\s{0,3}[=:]")
_PLACES: tuple[str, ...] = ("authorization", "bearer ", "--pass", "--token", "--api", "--secret", "--auth", " -u ")
_PLACES += ("sshpass", "mysql", "mariadb", "redis-cli")
_SAYINGS = ("password ", "passphrase ", "passcode ", "secret ", "api key ", "access key ", "token ", "pin ")
_VERB = re.compile(r"\s*(?:is|was|=|:|to|will)\s")
_URL = re.compile(r"://[^/\s:@'\"]{0,80}:[^@\s/'\"]{3,200}@")
NEAR = 420
"""Letters behind a suspicious word in which its secret begins."""
_NO_SECRET = re.compile(
    r"""
    [$<{\[(*.%] | (?:os|process|env|self|this|config|settings|cfg|args|opts|ctx|request|req|import|await|new)\b[.\[(]
    | (?:none|null|nil|true|false|undefined|str|string|int|bytes|bool|any|object|optional\b.*|required|optional|redacted
        |changeme|example|placeholder|your\W.*|your_.*|x{3,}.*|\*+.*|\.{2,}.*|password|secret|token|key|and|the|not)\W*\Z
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CODE = re.compile(r"[\w.]*\(|[A-Za-z_]+(?:\.[A-Za-z_]+)+\W*\Z|[A-Za-z]+\[")


class Redactor:
    """Remembers the secrets of a conversation, so that one is taken out also where it stands without its name."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    @property
    def count(self) -> int:
        """How many different secrets were seen."""
        return len(self._values)

    def note(self, text: str) -> None:
        """Remember the secrets that the text gives away."""
        if len(self._values) < MOST:
            self.remember(value for value in secrets_in(text) if len(value) >= SHORTEST_ANYWHERE)

    def remember(self, values: Iterable[str]) -> None:
        """Remember these secrets."""
        if len(self._values) < MOST:
            self._values.update(values)

    def redact(self, text: str) -> str:
        """The text without secrets: neither those it shows itself nor those that were noted before."""
        return self._without(text, secrets_in(text))

    def note_and_redact(self, text: str) -> str:
        """Both, in half the time of the one after the other."""
        shown = tuple(secrets_in(text))
        if len(self._values) < MOST:
            self.remember(value for value in shown if len(value) >= SHORTEST_ANYWHERE)
        return self._without(text, shown)

    def _without(self, text: str, shown: Iterable[str]) -> str:
        for value in sorted({*self._values, *shown}, key=len, reverse=True):
            if value in text:
                text = text.replace(value, REDACTED)
        return text

    def shows(self, text: str) -> bool:
        """Whether a secret can be read in the text."""
        return self.redact(text) != text


def secrets_in(text: str) -> Iterator[str]:
    """The secret values in the text; where the name alone makes one suspicious, only what looks like a secret."""
    if _may_have_form(text):
        yield from (found[0] for found in _FORMS.finditer(text))
    if _DENSE_RUN in text.encode(errors="surrogatepass").translate(_DENSE_LETTERS):
        yield from (found[0] for found in _DENSE.finditer(text) if _is_dense(found[0]))
    lower = text.lower()
    for at in _named_at(lower):
        for found in _NAMED.finditer(text, max(0, at - 14), at + NEAR):
            value = found["value"].rstrip(".)>]")
            is_plain = found["name"].isupper() or bool(found["quote"])
            if _is_secret(value, is_sure=found["sure"] is not None, is_plain=is_plain):
                yield value
    for at in _placed_at(lower):
        placed = _PLACED.search(text, max(0, at - 1), at + NEAR)
        if placed is None:
            continue
        group = str(placed.lastgroup)
        value = placed[group].rstrip(".,;:!?)]}")
        is_shown = group in "acdef" or _is_mixed(value)
        if len(value) >= 3 and is_shown and not _NO_SECRET.match(value) and not _CODE.match(value):
            yield value


def _may_have_form(text: str) -> bool:
    for sign in _SIGNS:  # no `any`, which takes as long as what it asks
        if sign in text:
            return True
    return _FORM_WORD.search(text) is not None


def _named_at(lower: str) -> Iterator[int]:
    """Where a suspicious name stands to which something is assigned."""
    for name in [name for name in _NAMES if name in lower]:
        yield from (at for at in _places_of(name, lower) if _ASSIGNED.match(lower, at + len(name)))


def _placed_at(lower: str) -> Iterator[int]:
    """Where an option, a header, an address or a sentence may hold a secret."""
    for word in [word for word in _PLACES if word in lower]:
        yield from _places_of(word, lower)
    for word in [word for word in _SAYINGS if word in lower]:
        yield from (at for at in _places_of(word, lower) if _VERB.match(lower, at + len(word) - 1))
    if "://" in lower:
        yield from (at for at in _places_of("://", lower) if _URL.match(lower, at))


def _places_of(word: str, lower: str) -> Iterator[int]:
    at = lower.find(word)
    while at >= 0:
        yield at
        at = lower.find(word, at + len(word))


def _is_secret(value: str, *, is_sure: bool, is_plain: bool) -> bool:
    """Whether a value that is assigned to a suspicious name is one.

    Args:
        value: What is assigned.
        is_sure: The name is that of a password and not just of some token or key.
        is_plain: It is assigned as data, and does not look like an expression of a program.
    """
    if len(value) < 4 or _NO_SECRET.match(value) or _CODE.match(value):
        return False
    if is_sure:
        return is_plain or _is_mixed(value)
    return len(value) >= 12 and _is_mixed(value)


def _is_mixed(value: str) -> bool:
    has_digit = any(letter.isdigit() for letter in value)
    has_letter = any(letter.isalpha() for letter in value)
    has_sign = any(not letter.isalnum() and letter not in "_-./" for letter in value)
    return has_letter and (has_digit or has_sign)


def _is_dense(value: str) -> bool:
    """Whether it has the mixture of random letters, and no words in it."""
    digits = sum(letter.isdigit() for letter in value)
    upper = sum(letter.isupper() for letter in value)
    lower = sum(letter.islower() for letter in value)
    return (
        min(digits, upper, lower) >= 4
        and re.search(r"[a-z]{7}|[A-Z]{7}|/[a-z]+/|(?:^|[-_/])[a-z]{4,}(?:[-_/]|$)", value) is None
    )
