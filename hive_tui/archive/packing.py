"""Makes frames out of files: what threads do, one job each.

The identity of a frame's content is, for a chunk of a large file, the SHA-256 of its bytes. For small
files it is `g:` and the SHA-256 over the headers and hashes of its members, which are there anyway.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from msgspec import Struct

from hive_tui.archive.format import CHUNK_BYTES, FRAME_LIMIT_BYTES, Frame, Kind, Member
from hive_tui.archive.frames import compress
from hive_tui.archive.previous import Previous
from hive_tui.archive.readback import check_of
from hive_tui.archive.sources import ChangedWhileRead, Entry, Loaded, Skipped, Source, load
from hive_tui.archive.tar import header, padding


class Block(Struct):
    """Frames that follow each other, ready to be written; offsets count from `offset`, frame numbers from `number`."""

    data: bytes = b""
    frames: list[Frame] = []
    members: list[Member] = []
    offset: int = 0
    """Of the first frame: 0, or where it stood in the generation before."""
    number: int = 0
    """Of the first frame, likewise: where nothing has moved, nothing has to be made anew."""
    skipped: list[Skipped] = []
    read_bytes: int = 0
    """Of content: for the progress."""
    new_bytes: int = 0
    """Of `data`: what was not copied from the generation before."""
    chunk: bytes = b""
    """The content, where the hash of a large member goes on."""
    check: int = 0
    """Of `data`, as it comes out of the compressor or the generation before: what the disk must give back."""


def pack_group(entries: Sequence[Entry | Loaded | Skipped], previous: Previous | None) -> Block:
    """Small files in one frame.

    Raises:
        ChangedWhileRead: They have become too large for one.
    """
    found = [load(entry) if isinstance(entry, Entry) else entry for entry in entries]
    content: list[bytes] = []
    identity = sha256()
    block = Block(skipped=[one for one in found if isinstance(one, Skipped)])
    for loaded in found:
        if isinstance(loaded, Skipped):
            continue
        member = _member(loaded)
        head = header(member)
        content += (head, loaded.content, padding(len(loaded.content)))
        identity.update(head + bytes.fromhex(member.sha256))
        block.members.append(member)
        block.read_bytes += len(loaded.content)
    if sum(map(len, content)) > FRAME_LIMIT_BYTES:
        raise ChangedWhileRead(block.members[-1].name)
    if content:
        _fill(block, b"".join(content), f"g:{identity.hexdigest()}", previous)
    return block


def pack_groups(groups: Iterable[Sequence[Entry]], previous: Previous | None) -> list[Block]:
    """Small files in several frames.

    Raises:
        ChangedWhileRead: They have become too large for these.
    """
    return [pack_group(group, previous) for group in groups]


def pack_header(member: Member, previous: Previous | None) -> Block:
    """The header of a large file; the member itself comes when its hash is known."""
    head = header(member)
    block = Block()
    _fill(block, head, f"g:{sha256(head).hexdigest()}", previous)
    return block


def pack_chunk(source: Source, number: int, previous: Previous | None) -> Block:
    """One piece of a large file.

    Raises:
        ChangedWhileRead: The file has got shorter.
    """
    chunk, content_id = _chunk(source, number)
    block = Block(read_bytes=len(chunk), chunk=chunk)
    _fill(block, chunk + padding(len(chunk)), content_id, previous)
    return block


def copy_groups(members: Sequence[Member], look: Callable[[str], Entry | Skipped], previous: Previous) -> Block:
    """The frames of unchanged small files, which follow each other; a damaged one is made anew from the files.

    Args:
        members: All that are in those frames.
        look: Finds the file of a member.
        previous: Where the frames are.
    """
    first, last = members[0].frame, members[-1].frame
    copied = _copy(range(first, last + 1), previous)
    if copied is not None:
        copied.members = list(members)
        copied.read_bytes = sum(member.size_bytes for member in members)
        return copied
    together = Block()
    for number in range(first, last + 1):
        here = [member for member in members if member.frame == number]
        one = _copy(range(number, number + 1), previous)
        if one is None:
            one = pack_group([look(member.name) for member in here], None)
        else:
            one.members = here
            one.read_bytes = sum(member.size_bytes for member in one.members)
        _append(together, one)
    together.check = check_of(together.data)
    return together


def copy_chunks(member: Member, numbers: range, entry: Entry, previous: Previous) -> Block:
    """Some frames of an unchanged large file; a damaged one is made anew from the file.

    Raises:
        ChangedWhileRead: That file does not hold what the frame held: it is not as unchanged as it says.
    """
    block = _copy(numbers, previous)
    if block is None:
        block = Block()
        for number in numbers:
            _append(block, _copy(range(number, number + 1), previous) or _again(member, number, entry, previous))
        block.check = check_of(block.data)
    if numbers.start == member.frame:
        block.members = [member.moved(block.number - member.frame)]
        block.read_bytes = member.size_bytes
    return block


def _again(member: Member, number: int, entry: Entry, previous: Previous) -> Block:
    if number == member.frame:
        return pack_header(member, None)
    own = Entry(entry.name, entry.path, entry.status, folder=entry.folder)
    own.open()
    try:
        own.size_bytes = member.size_bytes
        block = pack_chunk(own, number - member.frame - 1, None)
    finally:
        own.close()
    if block.frames[0].content_id != previous.manifest.frames[number].content_id:
        raise ChangedWhileRead(member.name)
    block.read_bytes, block.chunk = 0, b""
    return block


def _copy(numbers: range, previous: Previous) -> Block | None:
    """These frames of the generation before, each verified; None if one is damaged."""
    frames = [previous.manifest.frames[number] for number in numbers]
    data = previous.run(numbers)
    if data is None:
        return None
    return Block(data, frames, offset=frames[0].offset, number=numbers.start, check=check_of(data))


def _chunk(source: Source, number: int) -> tuple[bytes, str]:
    at = number * CHUNK_BYTES
    chunk = source.read(min(CHUNK_BYTES, source.size_bytes - at), at)
    return chunk, sha256(chunk).hexdigest()


def _fill(block: Block, content: bytes, content_id: str, previous: Previous | None) -> None:
    """Give the block one frame: a good one that is there already, or a new one."""
    data = previous.with_content(content_id) if previous else None
    if data is None:
        data = compress(content)
        block.new_bytes = len(data)
    block.data = data
    block.check = check_of(data)
    block.frames = [Frame(0, len(data), len(content), sha256(data).hexdigest(), content_id)]


def _append(block: Block, other: Block) -> None:
    offset, number = len(block.data) - other.offset, len(block.frames) - other.number
    block.data += other.data
    block.frames += [frame.moved(offset) for frame in other.frames]
    block.members += [member.moved(number) for member in other.members]
    block.skipped += other.skipped
    block.read_bytes += other.read_bytes
    block.new_bytes += other.new_bytes


def _member(loaded: Loaded) -> Member:
    return Member(
        loaded.name,
        len(loaded.content),
        sha256(loaded.content).hexdigest() if loaded.kind is Kind.FILE else "",
        loaded.mode,
        loaded.mtime_ns,
        stamp=loaded.stamp,
        kind=loaded.kind,
        target=loaded.target,
    )
