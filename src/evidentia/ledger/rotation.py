"""A segment is closed, its index written, and the next one begun."""

from __future__ import annotations

import os
from dataclasses import replace

from evidentia.ledger.disk import Disk
from evidentia.ledger.index import SegmentIndex, packed, standing_of
from evidentia.ledger.layout import segment_file
from evidentia.ledger.tail import Tail
from evidentia.proof.tree import CompactRange


def rotated(tail: Tail, tree: CompactRange, disk: Disk) -> Tail:
    """The end of the ledger in a new, empty segment; the one before is closed.

    A crash in between leaves an index that is not used, or an empty last segment.

    Raises:
        OSError: The disk refuses; the ledger ends where it ended.
    """
    after = standing_of(tail.chain, tree)
    index = replace(tail.index, after=after)
    disk.replace(tail.file.index_path, packed(index, after))
    folder = tail.files.folder
    file = segment_file(folder, after.size)
    descriptor = disk.open_for_append(file.path, is_new=True)
    try:
        disk.sync_folder(folder)
    except OSError:
        os.close(descriptor)
        raise
    tail.files.files.append(file)
    tail.files.keep(tail.files.last - 1, index)
    tail.close()
    return Tail(
        files=tail.files,
        index=SegmentIndex(before=after),
        chain=tail.chain,
        descriptor=descriptor,
    )
