r"""Cutting a stream of bytes into whole lines, in memory that does not grow with the line.

Lines end at ``b"\n"`` and nowhere else: not at a carriage return, not at U+2028. Pieces tile the
stream: the next starts where the last one ended. Pure; ``reader`` brings the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.stretches import StretchHasher
from evidentia.log.values import Block, Break, Limits, Piece, Stretch, StretchKind, Tail


class LineCutter:
    """Takes a stream chunk by chunk and gives it back as pieces.

    Between chunks it is at the start of a line, or inside a line that may still become part of a
    block (its bytes are held), or inside a stretch (its bytes are gone, the hasher goes on).
    """

    def __init__(self, *, start: ByteOffset, first_line: LineNumber, limits: Limits) -> None:
        # Of the unfinished line, or of what is left of it behind a run of NULs.
        self._start = start
        self._line = first_line
        self._limits = limits
        self._held = bytearray()
        self._stretch: StretchHasher | None = None
        # A line that begins and ends within one chunk can then be neither too long nor a long run
        # of NULs, so only the line that a chunk continues needs a look.
        self.chunk_bytes_max = min(limits.block_bytes, limits.line_bytes_max)
        """The most that one call of ``feed`` may bring."""

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """The pieces that are complete with this chunk."""
        begin = 0
        if self._held or self._stretch:
            newline = chunk.find(b"\n")
            if newline < 0:
                yield from self._continue(chunk)
                return
            yield from self._continue(chunk[:newline])
            begin = newline
            for stretch in self._end_line(has_newline=True):
                yield stretch
                begin += stretch.has_newline
        yield from self._whole_lines(chunk, begin)

    def finish(self, *, is_closed: bool) -> Iterator[Piece]:
        """The bytes behind the last newline, at the end of the file.

        In a file that may still grow they are held back; in a closed one they are its last line.
        """
        if not is_closed:
            length = len(self._held) + (self._stretch.length if self._stretch else 0)
            if length:
                yield Tail(start=self._start, line=self._line, length=length)
            return
        yield from self._end_line(has_newline=False)
        if self._held:
            yield Block(
                start=self._start, first_line=self._line, data=bytes(self._held), is_final=True
            )

    def break_off(self, detail: str, *, is_truncated: bool, is_closed: bool) -> Iterator[Piece]:
        """What could be read of the cut line, where an archive breaks.

        A cut line too long to hold comes as a stretch before the break. Where the archive may
        still be completed it does not, and the break is then empty: both will be read again.
        """
        if is_closed or not is_truncated:
            yield from self._end_line(has_newline=False)
        yield Break(
            start=self._start,
            line=self._line,
            data=bytes(self._held[: self._limits.line_bytes_max]),
            detail=detail,
            is_truncated=is_truncated,
        )

    def _whole_lines(self, chunk: bytes, begin: int) -> Iterator[Block]:
        """The held start of a line and all lines that end in the chunk; the rest is held."""
        end = chunk.rfind(b"\n", begin) + 1
        view = memoryview(chunk)
        if end:
            # Joined in one go: this copy is most of what reading a plain file costs.
            data = b"".join((self._held, view[begin:end]))
            yield Block(start=self._start, first_line=self._line, data=data)
            self._start = ByteOffset(self._start + len(data))
            self._line = LineNumber(self._line + data.count(b"\n"))
            self._held = bytearray()
        self._held += view[end or begin :]

    def _continue(self, data: bytes) -> Iterator[Stretch]:
        """Take bytes of the unfinished line; gives the run of NULs that ends among them."""
        if self._stretch is None:
            self._held += data
        elif self._stretch.kind is StretchKind.LONG_LINE:
            self._stretch.add(data)
        else:
            nuls = _leading_nuls(data)
            self._stretch.add(data[:nuls])
            self._held += data[nuls:]
            if self._held:
                yield self._finish_stretch(self._stretch, has_newline=False)
        if len(self._held) > self.chunk_bytes_max:
            yield from self._judge_held()

    def _judge_held(self) -> Iterator[Stretch]:
        """Turn what is held into a stretch as soon as it is sure to be one."""
        nuls = _leading_nuls(self._held)
        if nuls > self._limits.block_bytes:
            run = self._begin_stretch(StretchKind.NUL_RUN, nuls)
            if self._held:
                yield self._finish_stretch(run, has_newline=False)
        # While there is nothing but NULs, it may still become either kind of stretch.
        elif len(self._held) > self._limits.line_bytes_max and nuls < len(self._held):
            self._begin_stretch(StretchKind.LONG_LINE, len(self._held))

    def _end_line(self, *, has_newline: bool) -> Iterator[Stretch]:
        """The stretch that ends with the line (a too long one) or right before its end (NULs)."""
        if len(self._held) > self._limits.line_bytes_max:
            self._begin_stretch(StretchKind.LONG_LINE, len(self._held))
        if self._stretch:
            is_line = self._stretch.kind is StretchKind.LONG_LINE
            yield self._finish_stretch(self._stretch, has_newline=has_newline and is_line)

    def _begin_stretch(self, kind: StretchKind, length: int) -> StretchHasher:
        self._stretch = StretchHasher(kind)
        self._stretch.add(memoryview(self._held)[:length])
        self._held = self._held[length:]
        return self._stretch

    def _finish_stretch(self, hasher: StretchHasher, *, has_newline: bool) -> Stretch:
        stretch = hasher.finish(start=self._start, line=self._line, has_newline=has_newline)
        self._stretch = None
        self._start = ByteOffset(self._start + stretch.length)
        self._line = LineNumber(self._line + has_newline)
        return stretch


def _leading_nuls(data: bytes | bytearray) -> int:
    # Asked first, because stripping copies.
    return len(data) - len(data.lstrip(b"\0")) if data.startswith(b"\0") else 0
