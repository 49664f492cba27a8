"""An archive as the stream of its decompressed bytes: bounded, checked, salvaged.

Several members in one file and zero padding between and behind them are fine. An archive that
breaks off or fails a checksum gives every byte before the fault and then says so; one that expands
beyond the limits is refused.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Final, Self

from evidentia.errors import LogCorruptError, LogUnreadableError
from evidentia.log.members import BEGINNINGS, decoder_for, drained
from evidentia.log.names import printable
from evidentia.log.opening import RawLog
from evidentia.log.values import ArchiveCondition, ArchiveState, Compression, Limits

_INPUT_BYTES: Final = 64 * 1024
_OUTPUT_BYTES: Final = 256 * 1024
# Near a fault the input goes in byte by byte and the output comes out in small change, because
# whatever a decompressor produced in the call that fails is lost.
_CAREFUL_OUTPUT_BYTES: Final = 128
# Fast; salvaging with care where the fast one failed; with care where the salvaging one did.
_PASSES_MAX: Final = 3


class ArchiveStream:
    """The decompressed bytes of an archive: a ``ByteStream`` that also tells where it breaks."""

    def __init__(self, raw: RawLog, compression: Compression, limits: Limits) -> None:
        self._raw = raw
        self._compression = compression
        self._limits = limits
        self._chunks = self._good_chunks()
        self._ready = memoryview(b"")
        self._decompressed_bytes = 0
        self._byte_offset = 0
        self.state: ArchiveState | None = None
        """How the archive ended; ``None`` before its end was reached."""

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer only before the end or a fault.

        Raises:
            LogCorruptError: The archive breaks off here, or expands beyond the limits.
            LogUnreadableError: An input or output error.
        """
        data = self.salvage(size)
        if not data and self.state and self.state.condition is not ArchiveCondition.CLEAN:
            raise LogCorruptError(
                f"the archive is {self.state.condition} ({self.state.detail})",
                where=f"{printable(self._raw.path)}, decompressed byte {self._byte_offset}",
                fix="restore the file from a copy, or ingest with --final what can be read",
            )
        return data

    def salvage(self, size: int) -> bytes:
        """As ``read``, but a broken archive just ends here; ``state`` tells.

        Raises:
            LogCorruptError: The archive expands beyond the limits.
            LogUnreadableError: An input or output error.
        """
        parts: list[memoryview] = []
        missing = size
        while missing and (self._ready or self._advance()):
            parts.append(self._ready[:missing])
            self._ready = self._ready[missing:]
            missing -= len(parts[-1])
        self._byte_offset += size - missing
        return b"".join(parts)

    def skip_to(self, byte_offset: int) -> bool:
        """Decompress up to a byte of the stream; tell whether the stream reaches that far."""
        missing = byte_offset - self._byte_offset
        while missing and (self._ready or self._advance()):
            dropped = min(missing, len(self._ready))
            self._ready = self._ready[dropped:]
            self._byte_offset += dropped
            missing -= dropped
        return not missing

    def read_through(self) -> ArchiveState:
        """Decompress to the end and tell how the archive ended."""
        while self.state is None:
            self._advance()
        return self.state

    def close(self) -> None:
        """Give the file descriptor back."""
        self._chunks.close()
        self._raw.close()

    def __enter__(self) -> Self:
        """The stream itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _advance(self) -> bool:
        """Make the next chunk ready; tell whether there was one."""
        chunk = next(self._chunks, b"")
        if not chunk and self.state is None:
            # A generator that raised looks like one that ended; a fault must not look like an end.
            raise LogUnreadableError(
                "the archive could not be read to its end",
                where=printable(self._raw.path),
                fix="run again; it is read anew",
            )
        self._decompressed_bytes += len(chunk)
        self._refuse_bomb()
        self._ready = memoryview(chunk)
        return bool(chunk)

    def _refuse_bomb(self) -> None:
        """Return while the expansion is within the limits."""
        limits, size = self._limits, self._decompressed_bytes
        if size > limits.decompressed_bytes_max:
            raise self._bomb(
                f"more than {limits.decompressed_bytes_max} bytes",
                "limits.decompressed_bytes_max",
            )
        # The size on disk is asked for anew: the archive may be growing while it is read.
        if size > limits.expansion_free_bytes and size > limits.expansion_max * self._raw.size():
            raise self._bomb(
                f"more than {limits.expansion_max} times its size", "limits.expansion_max"
            )

    def _bomb(self, extent: str, key: str) -> LogCorruptError:
        return LogCorruptError(
            f"the archive expands to {extent}",
            where=printable(self._raw.path),
            fix=f"if the file is to be trusted, raise {key} in the configuration",
        )

    def _good_chunks(self) -> Generator[bytes, None, None]:
        """Everything before the end or the fault, each byte once; sets ``state`` at the end."""
        delivered = 0
        number = 0
        careful_from: int | None = None
        while self.state is None:
            number += 1
            once = _Pass(self._raw, self._compression, number, careful_from)
            seen = 0
            for chunk in once.chunks():
                seen += len(chunk)
                if seen > delivered:
                    yield chunk[delivered - seen :]
                    delivered = seen
            careful_from = once.block_start
            if not once.is_worth_another or number == _PASSES_MAX:
                self.state = ArchiveState(
                    condition=once.condition, decompressed_bytes=delivered, detail=once.detail
                )


class _Pass:
    """One reading of an archive from its first byte to its end or fault."""

    def __init__(
        self, raw: RawLog, compression: Compression, number: int, careful_from: int | None
    ) -> None:
        self._raw = raw
        self._beginnings = BEGINNINGS[compression]
        self._decoder = decoder_for(compression, is_salvaging=number > 1)
        self._careful_from = careful_from
        self._output_bytes = _OUTPUT_BYTES
        self.block_start = 0
        self.condition = ArchiveCondition.CLEAN
        self.detail = ""
        self.is_worth_another = False
        """A fault whose surroundings have not been read with care yet."""

    def chunks(self) -> Iterator[bytes]:
        """The output, some of it empty; afterwards the attributes tell how it ended."""
        self._raw.skip_to(0)
        try:
            yield from self._members()
        except self._decoder.errors as error:
            self.condition = ArchiveCondition.CORRUPT
            self.detail = f"{error}, near compressed byte {self.block_start}"
            self.is_worth_another = self.block_start != self._careful_from

    def _members(self) -> Iterator[bytes]:
        member = self._decoder.begin()
        for block in self._blocks():
            data = block
            while data:
                if member.eof:
                    data = data.lstrip(b"\0")
                    if not self._is_beginning(data):
                        self.condition = ArchiveCondition.CORRUPT
                        self.detail = (
                            f"junk after a member, near compressed byte {self.block_start}"
                        )
                        return
                    if not data:
                        break
                    member = self._decoder.begin()
                yield from drained(member, data, self._output_bytes)
                data = member.unused_data if member.eof else b""
        if not member.eof:
            self.condition = ArchiveCondition.TRUNCATED
            self.detail = "it ends inside a member"

    def _is_beginning(self, data: bytes) -> bool:
        """Whether another member may begin like this, as far as the bytes are there."""
        return any(data.startswith(begin[: len(data)]) for begin in self._beginnings)

    def _blocks(self) -> Iterator[bytes]:
        start = 0
        while block := self._raw.read(_INPUT_BYTES):
            self.block_start = start
            start += len(block)
            if self.block_start == self._careful_from:
                self._output_bytes = _CAREFUL_OUTPUT_BYTES
                yield from (block[place : place + 1] for place in range(len(block)))
                self._output_bytes = _OUTPUT_BYTES
            else:
                yield block
