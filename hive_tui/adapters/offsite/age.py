"""Encryption with age, so that what was sent can be opened without us: `age -d -i KEY FILE`. Needs pyrage."""

from pathlib import Path
from types import ModuleType
from typing import Any

from hive_tui.adapters.copying import as_error, new_private
from hive_tui.adapters.offsite.watched import WatchedFile
from hive_tui.domain.errors import OffsiteError
from hive_tui.domain.ports import Progress

HEADER = b"age-encryption.org/"
SUFFIX = ".age"


class AgeSealer:
    """Seals for recipients; opens with an identity file, which a machine that only sends need not have.

    Args:
        recipients: `age1...`, or ssh public keys.
        identity: File with an age identity or an ssh private key; None if there is none here.
    """

    def __init__(self, recipients: tuple[str, ...], identity: Path | None) -> None:
        self._recipients = recipients
        self._identity = identity

    def seal(self, source: Path, target: Path, progress: Progress) -> None:
        """Encrypt for all recipients."""
        age = _age()
        recipients = [_recipient(age, text) for text in self._recipients]
        self._run(lambda read, written: age.encrypt_io(read, written, recipients), source, target, progress)

    def open(self, source: Path, target: Path, progress: Progress) -> None:
        """Decrypt with the identity."""
        age = _age()
        if self._identity is None:
            raise OffsiteError(
                f"{source.name} is encrypted, and no identity is named to open it.",
                hint="Write the path of the age identity into [offsite] identity.",
            )
        identities = _identities(age, self._identity)
        try:
            self._run(lambda read, written: age.decrypt_io(read, written, identities), source, target, progress)
        except (age.DecryptError, _Unopened) as error:
            raise OffsiteError(
                f"{source.name} cannot be decrypted with {self._identity}: {error}.",
                hint="It may be for another identity, or damaged.",
            ) from error

    def _run(self, work: Any, source: Path, target: Path, progress: Progress) -> None:
        try:
            with source.open("rb") as read, new_private(target) as written:
                watched = WatchedFile(read, progress)
                try:
                    work(watched, written)
                except Exception as error:
                    # Age makes an error of its own of what ended the reading.
                    raise (watched.stopped or error) from error.__cause__
        except OSError as error:
            if error.errno is None:  # not of the system: age found a piece that is not what was sealed
                raise _Unopened(str(error)) from error
            raise as_error(error, target) from error


class _Unopened(Exception):
    """Age stopped in the middle."""


def is_sealed(path: Path) -> bool:
    """Whether a file is encrypted with age."""
    try:
        with path.open("rb") as file:
            return file.read(len(HEADER)) == HEADER
    except OSError:
        return False


def _age() -> ModuleType:
    try:
        import pyrage
    except ImportError as error:
        raise OffsiteError(
            "Encryption with age needs a package that is not installed.", hint="`pip install 'hive-tui[age]'`"
        ) from error
    found: ModuleType = pyrage
    return found


def _recipient(age: ModuleType, text: str) -> object:
    try:
        return (age.ssh if text.startswith("ssh-") else age.x25519).Recipient.from_str(text.strip())
    except age.RecipientError as error:
        raise OffsiteError(
            f"[offsite] recipients: {text[:40]!r} is no age recipient: {error}.",
            hint="It begins with age1, ssh-ed25519 or ssh-rsa.",
        ) from error


def _identities(age: ModuleType, path: Path) -> list[object]:
    try:
        raw = path.expanduser().read_bytes()
        if b"PRIVATE KEY-----" in raw:
            return [age.ssh.Identity.from_buffer(raw)]
        lines = [line.strip() for line in raw.decode().splitlines()]
        found = [age.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError, age.IdentityError) as error:
        raise OffsiteError(
            f"The age identity {path} cannot be read: {error}.", hint="Look at [offsite] identity."
        ) from error
    if not found:
        raise OffsiteError(f"There is no identity in {path}.", hint="Make one with `age-keygen -o FILE`.")
    return found
