"""The two doors of a ledger: make one, and open one for appending."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from evidentia.errors import LedgerError, LedgerMissingError, ProofError, RejectionError
from evidentia.event.timestamp import format_time
from evidentia.ledger.appending import Ledger
from evidentia.ledger.holding import held
from evidentia.ledger.layout import segment_file, segment_files
from evidentia.ledger.sealing import Sealer, own_content
from evidentia.ledger.statements import CREATED, FORMAT, Created, Signing
from evidentia.ledger.tail import cut_off, open_tail, refused
from evidentia.ledger.values import LedgerOptions
from evidentia.proof.keys import KeyKind, Signer, VerifierKey, check_key_name


def create_ledger(folder: Path, origin: str, signing: Signing, options: LedgerOptions) -> None:
    """Make a ledger whose first event says which one it is, durably.

    One that a crash left without its first event is finished.

    Args:
        folder: Where its files go; made if it is not there, but for its parents.
        origin: Its unique name, for ever; a name of a host and a path in it is usual.
        signing: What it signs, for ever.
        options: Whose signer, if there is one, is named as the ledger is.

    Raises:
        LedgerError: There is a ledger already, or the disk refuses.
        RejectionError: The key is not of the sort that ``signing`` needs, or has another name.
    """
    _require_key(origin, signing, options.signer)
    try:
        folder.mkdir(exist_ok=True)
        options.disk.sync_folder(folder.parent)
    except OSError as error:
        raise refused(error, folder) from error
    with held(folder):
        file = segment_file(folder, 0)
        is_new = _begin(folder, options)
        line = _first_line(origin, signing, options)
        try:
            _write_first(file.path, line, options, is_new=is_new)
        except OSError as error:
            raise refused(error, file.path) from error


def open_ledger(folder: Path, options: LedgerOptions) -> Ledger:
    """A ledger for appending, once its end was read from the disk.

    What was never acknowledged is cut off, kept aside, and recorded by an event; that is done last,
    so that a ledger which is refused stays as it is.

    Raises:
        LedgerMissingError: There is no ledger.
        LedgerHeldError: Another process appends to it.
        LedgerDamagedError: It does not hold, or an older or another copy was put in its place.
        LedgerFullError: A tail has to be kept aside, and there is no room for it.
        RejectionError: The ledger signs, and the key is missing or another one.
    """
    if not folder.is_dir():
        raise _no_ledger(folder)
    with ExitStack() as stack:
        stack.enter_context(held(folder, options.wait_seconds))
        tail = open_tail(folder, options.disk)
        stack.callback(tail.close)
        if not tail.chain.size:
            raise _no_ledger(folder)
        _require_key(tail.chain.origin, tail.chain.signing, options.signer)
        _require_this_key(tail.chain.key, options.signer)
        ledger = Ledger(folder, options, tail, stack.pop_all())
    try:
        ledger.settle()
    except BaseException:
        ledger.abandon()
        raise
    return ledger


def _no_ledger(folder: Path) -> LedgerMissingError:
    return LedgerMissingError(
        "there is no ledger here", where=str(folder), fix="make one: evidentia ledger init"
    )


def _begin(folder: Path, options: LedgerOptions) -> bool:
    """Whether the first segment is yet to be made; one that is there has nothing in it then.

    Raises:
        LedgerError: There are events already.
    """
    try:
        files = segment_files(folder)
    except LedgerMissingError:
        return True
    if len(files) == 1:
        tail = open_tail(folder, options.disk)
        try:
            if not tail.chain.size:
                cut_off(tail, options.disk, format_time(options.clock()))
                return False
        finally:
            tail.close()
    raise LedgerError(
        "there is a ledger here already", where=str(folder), fix="choose another folder"
    )


def _first_line(origin: str, signing: Signing, options: LedgerOptions) -> bytes:
    try:
        check_key_name(origin)
    except ProofError as error:
        raise RejectionError(error.what, fix=error.fix) from error
    verifier = options.signer.verifier if options.signer is not None else None
    payload = Created(
        format=FORMAT,
        origin=origin,
        signing=signing,
        verifier_key=verifier.format() if isinstance(verifier, VerifierKey) else None,
    )
    return Sealer(options, signing).seal_first(own_content(CREATED, payload))


def _write_first(path: Path, line: bytes, options: LedgerOptions, *, is_new: bool) -> None:
    disk = options.disk
    descriptor = disk.open_for_append(path, is_new=is_new)
    try:
        disk.write_all(descriptor, line + b"\n")
        disk.sync(descriptor)
    finally:
        os.close(descriptor)
    disk.sync_folder(path.parent)


def _require_key(origin: str, signing: Signing, signer: Signer | None) -> None:
    wanted = _KINDS[signing]
    found = signer.verifier.kind if signer is not None else None
    if found is not wanted:
        raise RejectionError(
            f"a ledger that signs '{signing.value}' needs"
            f" {f'a key of kind {wanted}' if wanted else 'no key'},"
            f" not {f'one of kind {found}' if found else 'none'}",
            fix="name the key in evidentia.toml or with --key; make one: evidentia ledger keygen",
        )
    if signer is not None and signer.name != origin:
        raise RejectionError(
            f"the key is named {signer.name}, the ledger {origin}",
            fix="a ledger's keys have its name: evidentia ledger keygen",
        )


def _require_this_key(key: VerifierKey | None, signer: Signer | None) -> None:
    if key is not None and (signer is None or signer.verifier != key):
        raise RejectionError(
            f"the ledger's key is {key.format()}, this is another one",
            fix="give the key that the ledger was made with, or was rotated to",
        )


_KINDS = {
    Signing.NONE: None,
    Signing.HMAC: KeyKind.HMAC,
    Signing.HEADS: KeyKind.ED25519,
    Signing.ROWS: KeyKind.ED25519,
}
