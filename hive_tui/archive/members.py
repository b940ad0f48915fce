"""Takes the members out of what a frame unpacks to, and checks each."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from hive_tui.archive.format import Kind, Member
from hive_tui.archive.tar import header, padding
from hive_tui.domain.checkpoints import Defect, ValidationError


class BadMember(Exception):
    """A member is not what the manifest says."""

    def __init__(self, error: ValidationError) -> None:
        super().__init__(str(error))
        self.error = error


def split(content: bytes, members: Sequence[Member]) -> Iterator[tuple[Member, memoryview]]:
    """Each small member of a frame, with its content.

    Raises:
        BadMember: Header, hash or padding is not what the manifest says.
    """
    view = memoryview(content)
    at = 0
    for member in members:
        at = check_header(view, at, member)
        found = view[at : at + member.size_bytes]
        if member.kind is Kind.FILE:
            check_hash(member, sha256(found).hexdigest())
        fill = padding(member.size_bytes)
        at += member.size_bytes
        if view[at : at + len(fill)] != fill:
            raise BadMember(ValidationError(Defect.SIZE_MISMATCH, "there is more than it says", member.name))
        at += len(fill)
        yield member, found


def check_header(view: memoryview, at: int, member: Member) -> int:
    """Where the content begins behind a header that is right."""
    head = header(member)
    if view[at : at + len(head)] != head:
        raise BadMember(ValidationError(Defect.BAD_MANIFEST, "the tar says something else of it", member.name))
    return at + len(head)


def check_hash(member: Member, found: str) -> None:
    """Compare a content's hash with the manifest's."""
    if found != member.sha256:
        raise BadMember(ValidationError(Defect.HASH_MISMATCH, "its content is not what was written", member.name))
