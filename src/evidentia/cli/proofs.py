"""``evidentia ledger verify``, ``prove`` and ``verify-proof``: what a ledger's seals show."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.exits import EXIT_DONE, EXIT_FOUND
from evidentia.cli.output import Json, Output
from evidentia.cli.plain import counted, shown
from evidentia.cli.session import Session
from evidentia.errors import EvidentiaError, ProofError, UsageError

if TYPE_CHECKING:
    from evidentia.ledger.chain import Failure
    from evidentia.ledger.verifying import LedgerVerdict
    from evidentia.proof.keys import Verifier

_FAILURES_SHOWN = 20
_KEY_HELP = "A key to be trusted: a verifier key, env:NAME or file:PATH. Repeat it for more."


def register(group: typer.Typer) -> None:
    """Add this module's commands."""
    group.command("verify", epilog="Example: evidentia ledger verify audit --head kept.head")(
        verify_command
    )
    group.command("prove", epilog="Example: evidentia ledger prove audit evt_01.. -o event.proof")(
        prove_command
    )
    group.command(
        "prove-extension",
        epilog="Example: evidentia ledger prove-extension audit kept.head -o grown.proof",
    )(prove_extension_command)
    group.command(
        "verify-proof",
        epilog="Example: evidentia ledger verify-proof event.proof --key example.org/audit+..",
    )(verify_proof_command)


def verify_command(
    context: typer.Context,
    ledger: Annotated[
        str,
        typer.Argument(metavar="LEDGER", help="A ledger's name in the configuration, or folder."),
    ],
    keys: Annotated[list[str] | None, typer.Option("--key", metavar="KEY", help=_KEY_HELP)] = None,
    heads: Annotated[
        list[Path] | None,
        typer.Option("--head", metavar="FILE", help="A head that was kept elsewhere. Repeat it."),
    ] = None,
    level: Annotated[
        int,
        typer.Option("--level", metavar="N", min=0, max=5, help="Fail below this claim level."),
    ] = 0,
    is_deep: Annotated[
        bool, typer.Option("--deep", help="Also demand that each line is in canonical form.")
    ] = False,
) -> int:
    """Check every line, link, hash and signature of a ledger, and its heads. Reads only.

    Says which level was reached, up to which event, and what that does not exclude. Exit status 1
    when anything is wrong.
    """
    from evidentia.cli.progress import progress_bar  # noqa: PLC0415 - start-up time
    from evidentia.ledger.layout import segment_files  # noqa: PLC0415 - start-up time
    from evidentia.ledger.verifying import VerifyRules  # noqa: PLC0415 - start-up time
    from evidentia.proof.claims import Level  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    ledgers = session.ledgers()
    entry = ledgers.entry(ledger)
    with progress_bar(session.output) as bar:
        bar.begin(sum(each.path.stat().st_size for each in segment_files(entry.folder)))
        rules = VerifyRules(
            trusted=tuple(verifier_of(each) for each in keys or ()),
            heads=tuple((str(path), content_of(path)) for path in heads or ()),
            level_min=Level(level),
            is_deep=is_deep,
            on_progress=lambda done: bar.advance(entry.name, done, 0),
        )
        verdict = ledgers.verify(entry, rules)
    if session.output.is_json:
        session.output.emit(verdict_json(verdict))
    else:
        show_verdict(verdict, session.output)
    return EXIT_FOUND if verdict.failure_count else EXIT_DONE


def show_verdict(verdict: LedgerVerdict, output: Output) -> None:
    """What verifying a ledger found, for people."""
    from evidentia.proof.claims import claim_for, sentence_for  # noqa: PLC0415 - start-up time

    output.say(
        f"ledger {shown(verdict.origin)}: {counted(verdict.size, 'event')} in"
        f" {counted(verdict.segments, 'segment')}, signs {verdict.signing.value}"
    )
    output.say(f"root {verdict.root.hex()}")
    for head in verdict.heads:
        signed = f", signed by {', '.join(head.keys)}" if head.keys else ""
        output.say(f"head over {head.head.size:,}: {shown(head.where)}{shown(signed)}")
    for span in verdict.keys:
        last = "" if span.last_sequence is None else f" to {span.last_sequence:,}"
        output.say(f"key from event {span.first_sequence:,}{last}: {shown(span.key)}")
    if verdict.unacknowledged_bytes:
        output.say(
            f"{counted(verdict.unacknowledged_bytes, 'byte')} at the end were never acknowledged,"
            " or are being written"
        )
    for failure in verdict.failures[:_FAILURES_SHOWN]:
        _show_failure(failure, output)
    if verdict.failure_count > _FAILURES_SHOWN:
        output.say(f"… and {verdict.failure_count - _FAILURES_SHOWN:,} more failures")
    if verdict.level is None:
        output.say(f"{counted(verdict.failure_count, 'failure')}: the ledger does not hold")
        return
    claim = claim_for(verdict.level)
    sentence = sentence_for(verdict.level, size=verdict.covered, keys=verdict.signers)
    output.say(f"level {claim.level.value} ({claim.name}): {shown(sentence)}")
    if verdict.covered < verdict.size:
        rest = counted(verdict.size - verdict.covered, "event")
        output.say(f"after event {verdict.covered - 1:,}: {rest} with the chain alone")
    output.say(f"not excluded: {claim.cannot_exclude}")


def _show_failure(failure: Failure, output: Output) -> None:
    place = f"{shown(failure.path)}, byte {failure.byte_offset:,}, event {failure.sequence:,}"
    output.say(f"{failure.kind.value}: {place}: {shown(failure.detail)}")
    if failure.expected is not None or failure.observed is not None:
        output.say(f"    expected  {shown(failure.expected, width=120)}")
        output.say(f"    found     {shown(failure.observed, width=120)}")


def verdict_json(verdict: LedgerVerdict) -> Json:
    """What verifying a ledger found, as one object."""
    from evidentia.proof.claims import claim_for, sentence_for  # noqa: PLC0415 - start-up time

    claim = None if verdict.level is None else claim_for(verdict.level)
    return {
        "folder": str(verdict.folder),
        "origin": verdict.origin,
        "signing": verdict.signing.value,
        "segments": verdict.segments,
        "events": verdict.size,
        "root": verdict.root.hex(),
        "level": None if claim is None else claim.level.value,
        "claim": None
        if claim is None
        else sentence_for(claim.level, size=verdict.covered, keys=verdict.signers),
        "not_excluded": None if claim is None else claim.cannot_exclude,
        "covered": verdict.covered,
        "signers": list(verdict.signers),
        "keys": [
            {
                "key": span.key,
                "first_sequence": span.first_sequence,
                "last_sequence": span.last_sequence,
            }
            for span in verdict.keys
        ],
        "heads": [
            {
                "where": each.where,
                "size": each.head.size,
                "root": each.head.root.hex(),
                "keys": list(each.keys),
                "level": each.level.value,
            }
            for each in verdict.heads
        ],
        "unacknowledged_bytes": verdict.unacknowledged_bytes,
        "failure_count": verdict.failure_count,
        "failures": [_failure_json(each) for each in verdict.failures],
    }


def _failure_json(failure: Failure) -> Json:
    return {
        "kind": failure.kind.value,
        "path": str(failure.path),
        "byte_offset": failure.byte_offset,
        "sequence": failure.sequence,
        "detail": failure.detail,
        "expected": failure.expected,
        "observed": failure.observed,
    }


def prove_command(
    context: typer.Context,
    ledger: Annotated[
        str,
        typer.Argument(metavar="LEDGER", help="A ledger's name in the configuration, or folder."),
    ],
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="(default: standard output)"),
    ] = None,
) -> None:
    """Write a proof that an event is in a ledger, to be checked without the ledger.

    The proof holds the event itself, its path to the root, and the last signed head.
    """
    from evidentia.cli.new_files import new_file  # noqa: PLC0415 - start-up time
    from evidentia.ledger.proving import prove  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    proof = prove(session.ledgers().entry(ledger).folder, event_id)
    if output is not None:
        with new_file(output) as file:
            file.write(proof.text)
    if session.output.is_json:
        session.output.emit(
            {
                "id": event_id,
                "sequence": proof.sequence,
                "origin": proof.head.origin,
                "size": proof.head.size,
                "path": None if output is None else str(output),
                "proof": proof.text.decode(),
            }
        )
    elif output is None:
        session.output.say(proof.text.decode().removesuffix("\n"))
    else:
        session.output.say(f"wrote the proof of event {proof.sequence:,} to {shown(output)}")


def prove_extension_command(
    context: typer.Context,
    ledger: Annotated[
        str,
        typer.Argument(metavar="LEDGER", help="A ledger's name in the configuration, or folder."),
    ],
    older: Annotated[Path, typer.Argument(metavar="HEAD", help="A head that was kept.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the proof goes.")
    ],
) -> None:
    """Write a proof that the ledger only grew since a head, to be checked without the ledger.

    The file has the form in which witnesses are asked for their signature (C2SP tlog-witness).
    """
    from evidentia.cli.new_files import new_file  # noqa: PLC0415 - start-up time
    from evidentia.ledger.proving import prove_extension  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    text = prove_extension(session.ledgers().entry(ledger).folder, content_of(older))
    with new_file(output) as file:
        file.write(text)
    if session.output.is_json:
        session.output.emit({"path": str(output), "proof": text.decode()})
    else:
        session.output.say(f"wrote the proof that the ledger extends the head to {shown(output)}")


def verify_proof_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A proof file.")],
    keys: Annotated[list[str], typer.Option("--key", metavar="KEY", help=_KEY_HELP)],
    event: Annotated[
        Path | None,
        typer.Option("--event", metavar="FILE", help="The event's line, if you have it already."),
    ] = None,
    older: Annotated[
        Path | None,
        typer.Option("--head", metavar="FILE", help="The older head, for a proof of extension."),
    ] = None,
) -> int:
    """Check a proof: its head is signed by a key that you trust, and the event is under it.

    With --head: the head in the proof extends that older one. Exit status 1 when it does not hold.
    """
    session: Session = context.obj
    verifiers = [verifier_of(each) for each in keys]
    raw = content_of(file)
    try:
        if older is None:
            held = _event_held(raw, event, verifiers)
        else:
            held = _extension_held(raw, content_of(older), verifiers)
    except ProofError as error:
        if session.output.is_json:
            session.output.emit({"holds": False, "what": error.what})
        else:
            session.output.say(f"the proof does not hold: {shown(error.what)}")
        return EXIT_FOUND
    if session.output.is_json:
        session.output.emit({"holds": True, **held.values})
    for line in held.said:
        session.output.say(line)
    return EXIT_DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A proof that holds: as a part of an object, and as lines for people."""

    values: Json
    said: tuple[str, ...]


def _event_held(raw: bytes, event: Path | None, verifiers: Sequence[Verifier]) -> _Held:
    from evidentia.proof.proof_file import check_proof, parse_proof  # noqa: PLC0415 - start-up time

    proof = parse_proof(raw)
    line = proof.extra if event is None else content_of(event).removesuffix(b"\n")
    head = check_proof(proof, line, verifiers)
    text = line.decode("utf-8", "backslashreplace")
    ledger = f"{shown(head.origin)} of {counted(head.size, 'event')}"
    return _Held(
        values={"origin": head.origin, "size": head.size, "sequence": proof.index, "event": text},
        said=(
            f"holds: event {proof.index:,} is in the ledger {ledger}",
            shown(text, width=len(line) * 4),
        ),
    )


def _extension_held(raw: bytes, older: bytes, verifiers: Sequence[Verifier]) -> _Held:
    from evidentia.proof.extension import check_extension, parse_extension  # noqa: PLC0415 - late
    from evidentia.proof.head import open_head  # noqa: PLC0415 - start-up time

    old = open_head(older, verifiers).head
    head = check_extension(parse_extension(raw), old, verifiers)
    ledger = f"{shown(head.origin)} of {counted(head.size, 'event')}"
    return _Held(
        values={"origin": head.origin, "size": head.size, "old_size": old.size},
        said=(f"holds: the ledger {ledger} begins with the {old.size:,} of the older head",),
    )


def verifier_of(text: str) -> Verifier:
    """The key that a person named, by its text or by reference."""
    from evidentia.app.references import verifier_from  # noqa: PLC0415 - start-up time

    return verifier_from(text, Path(), os.environ)


def content_of(path: Path) -> bytes:
    """What is in a file that a person named."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError("there is no such file", where=str(path)) from error
    except OSError as error:
        raise EvidentiaError(
            f"the file cannot be read: {error.strerror}", where=str(path)
        ) from error
