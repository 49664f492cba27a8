"""A log's bytes from a checkpoint on, as pieces: blocks of whole lines, stretches, a tail."""

from __future__ import annotations

from collections.abc import Generator

from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.compression import open_stream
from evidentia.log.lines import LineCutter
from evidentia.log.values import ArchiveCondition, Limits, LogFile, Piece


def read_pieces(
    file: LogFile,
    *,
    start: ByteOffset,
    first_line: LineNumber,
    limits: Limits,
    is_closed: bool,
) -> Generator[Piece, None, None]:
    """What stands in the file from ``start`` to its end; the pieces tile it without a hole.

    A plain file is read from ``start`` and no byte before it is touched (IN-21); an archive is
    decompressed up to there. Reading goes to the end as it is when it is reached, so a writer may
    append meanwhile, and no byte is read twice (IN-10). The file is opened at the first step and
    closed at the last, or when the iterator is closed.

    Args:
        file: Must still be the file that was found: another one at its path is refused. An inode
            of 0 stands for one that is not known.
        start: Start of a line, or of what follows a run of NULs.
        first_line: Number of that line.
        limits: Blocks hold about ``block_bytes`` (less, when lines are limited to less). Beside
            the pieces that the caller keeps, memory stays below three times the larger of
            ``block_bytes`` and ``line_bytes_max``, whatever the file holds.
        is_closed: Nothing will be appended any more, so bytes behind the last newline are a line
            and not a ``Tail``.

    Raises:
        LogMissingError: The file has gone.
        LogUnreadableError: It cannot be opened or read, or another one has taken its place.
        LogCorruptError: The archive expands beyond the limits. One that breaks off or fails a
            checksum ends with a ``Break`` instead.
    """
    cutter = LineCutter(start=start, first_line=first_line, limits=limits)
    with open_stream(file.place, limits=limits) as stream:
        stream.skip_to(start)
        place = start
        while chunk := stream.salvage(_readable(file, place, cutter.chunk_bytes_max)):
            yield from cutter.feed(chunk)
            place = ByteOffset(place + len(chunk))
        state = stream.state
    if state is None or state.condition is ArchiveCondition.CLEAN:
        yield from cutter.finish(is_closed=is_closed)
    else:
        is_truncated = state.condition is ArchiveCondition.TRUNCATED
        yield from cutter.break_off(state.detail, is_truncated=is_truncated, is_closed=is_closed)


def _readable(file: LogFile, place: int, wanted: int) -> int:
    """How many bytes may be read at a place; none of what a ledger's writer may cut off again."""
    return wanted if file.acknowledged is None else max(0, min(wanted, file.acknowledged - place))
