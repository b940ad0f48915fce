"""Tar headers. One member has one possible header, so a reader can compare it byte by byte."""

from zlib import adler32

from hive_tui.archive.format import Kind, Member

BLOCK = 512
END = bytes(2 * BLOCK)
_LARGEST_OCTAL = 8**11 - 1
_SHORT_NAME = 100
_TYPES = {Kind.FILE: b"0", Kind.LINK: b"2", Kind.FOLDER: b"5"}


def header(member: Member) -> bytes:
    """What stands before the content: in GNU's format, which holds names of any bytes and any length."""
    name, target = _names(member.name, member.target, member.kind)
    long_names = b""
    if len(name) > _SHORT_NAME or len(target) > _SHORT_NAME:
        long_names = b"".join(
            _long(kind, value) for kind, value in ((b"K", target), (b"L", name)) if len(value) > _SHORT_NAME
        )
    mtime_s = min(max(member.mtime_ns // 1_000_000_000, 0), _LARGEST_OCTAL)
    return long_names + _block(
        name, _TYPES[member.kind], member.size_bytes, mode=member.mode, mtime_s=mtime_s, target=target
    )


def header_bytes(member: Member) -> int:
    """Length of its header."""
    if member.kind is Kind.FILE and len(member.name) <= _SHORT_NAME and member.name.isascii():
        return BLOCK
    return BLOCK + sum(
        BLOCK + _padded(len(value) + 1)
        for value in _names(member.name, member.target, member.kind)
        if len(value) > _SHORT_NAME
    )


def padding(size_bytes: int) -> bytes:
    """What fills the last block of a content of this size."""
    return bytes(-size_bytes % BLOCK)


def member_bytes(member: Member) -> int:
    """Header, content and padding."""
    return header_bytes(member) + _padded(member.size_bytes)


def _padded(size_bytes: int) -> int:
    return size_bytes + -size_bytes % BLOCK


def _names(name: str, target: str, kind: Kind) -> tuple[bytes, bytes]:
    written = f"{name}/" if kind is Kind.FOLDER else name
    return _encoded(written), _encoded(target)


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _long(kind: bytes, name: bytes) -> bytes:
    """A header of its own for a name that the short field cannot hold."""
    size = len(name) + 1
    return _block(b"././@LongLink", kind, size) + name + b"\0" + padding(size)


def _block(name: bytes, kind: bytes, size_bytes: int, *, mode: int = 0, mtime_s: int = 0, target: bytes = b"") -> bytes:
    size = b"%011o\0" % size_bytes if size_bytes <= _LARGEST_OCTAL else b"\x80" + size_bytes.to_bytes(11, "big")
    before = b"%b%07o\0%07o\0%07o\0%b%011o\0" % (_field(name), mode & 0o7777, 0, 0, size, mtime_s)
    after = b"%b%bustar  \0" % (kind, _field(target))
    after += bytes(BLOCK - len(before) - 8 - len(after))
    # The low half of Adler-32 is the sum of the bytes and 1, modulo 65521: two names of 100 bytes stay below that.
    checksum = (adler32(b"%b        %b" % (before, after)) & 0xFFFF) - 1
    return b"%b%06o\0 %b" % (before, checksum, after)


def _field(name: bytes) -> bytes:
    return name[:_SHORT_NAME].ljust(_SHORT_NAME, b"\0")
