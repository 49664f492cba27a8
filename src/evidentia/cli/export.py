"""``evidentia export``: what is handed on, byte for byte."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.new_files import new_file
from evidentia.cli.output import Output
from evidentia.cli.plain import counted, shown, shown_bytes
from evidentia.cli.session import Session
from evidentia.errors import UsageError

if TYPE_CHECKING:
    from evidentia.export.audit_bundle import Bundle


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(no_args_is_help=True, help="Hand on what store and ledgers hold.")
    group.callback()(_group)
    group.command("raw", epilog="Example: evidentia export raw 3 --output cowrie.json.copy")(
        raw_command
    )
    group.command(
        "audit", epilog="Example: evidentia export audit payments --output payments.tar.gz"
    )(audit_command)
    app.add_typer(group, name="export")


def _group() -> None:
    """Hand on what store and ledgers hold."""


def raw_command(
    context: typer.Context,
    segment: Annotated[
        str,
        typer.Argument(metavar="SEGMENT", help="A segment's number, or its file; see status."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="(default: standard output)"),
    ] = None,
) -> None:
    """Give a segment back, byte for byte as it was read, from the store alone."""
    from evidentia.export.raw import export_raw  # noqa: PLC0415 - start-up time
    from evidentia.log.names import stored_path  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    workspace = session.workspace()
    limits = workspace.config.options.limits
    with workspace.store.reader() as reader:
        path = stored_path(Path(segment).resolve())
        found = [each for each in reader.segments() if segment == str(each.id) or each.path == path]
        if not found:
            raise UsageError(
                f"there is no segment {segment!r}", fix="see the segments: evidentia status --json"
            )
        if output is None:
            export_raw(reader, found[-1], sys.stdout.buffer.write, limits)
            sys.stdout.buffer.flush()
            return
        with new_file(output) as file:
            length = export_raw(reader, found[-1], file.write, limits)
    if session.output.is_json:
        session.output.emit({"segment_id": found[-1].id, "path": str(output), "bytes": length})
    else:
        session.output.say(f"wrote {shown_bytes(length)} to {shown(output)}")


def audit_command(
    context: typer.Context,
    ledger: Annotated[
        str,
        typer.Argument(metavar="LEDGER", help="A ledger's name in the configuration, or folder."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PATH", help="A new folder, or a new FILE.tar.gz."),
    ],
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event", metavar="ID", help="Prove this event; repeat it (default: all, if few)."
        ),
    ] = None,
    first: Annotated[
        int, typer.Option("--first", metavar="N", min=0, help="Only from this sequence on.")
    ] = 0,
    last: Annotated[
        int | None, typer.Option("--last", metavar="N", min=0, help="Only up to this sequence.")
    ] = None,
    heads: Annotated[
        list[Path] | None,
        typer.Option("--head", metavar="FILE", help="An older signed head that goes along."),
    ] = None,
    keys: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="KEY", help="A key to be trusted, as for ledger verify."),
    ] = None,
) -> None:
    """Hand over a ledger with all that a stranger needs to check it without evidentia.

    Events, heads, keys, proofs, a manifest, and a README whose commands check everything. The
    ledger is verified first; one that does not hold is not exported.
    """
    from evidentia import __version__  # noqa: PLC0415 - start-up time
    from evidentia.app.workspace import utc_microseconds  # noqa: PLC0415 - start-up time
    from evidentia.cli.proofs import content_of, verifier_of  # noqa: PLC0415 - start-up time
    from evidentia.export.audit_bundle import (  # noqa: PLC0415 - start-up time
        BundleRequest,
        export_audit,
    )
    from evidentia.ledger.verifying import VerifyRules  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    ledgers = session.ledgers()
    older = tuple((str(path), content_of(path)) for path in heads or ())
    rules = VerifyRules(trusted=tuple(verifier_of(each) for each in keys or ()), heads=older)
    bundle = export_audit(
        BundleRequest(
            verdict=ledgers.verify(ledgers.entry(ledger), rules),
            heads=older,
            event_ids=tuple(events or ()),
            first=first,
            last=last,
            exported_at=utc_microseconds(),
            version=__version__,
        ),
        output,
    )
    _show_bundle(bundle, session.output)


def _show_bundle(bundle: Bundle, output: Output) -> None:
    if output.is_json:
        output.emit(
            {
                "path": str(bundle.path),
                "events": bundle.events,
                "proofs": bundle.proofs,
                "files": bundle.files,
                "bytes": bundle.bytes,
                "missing": list(bundle.missing),
            }
        )
        return
    output.say(
        f"wrote {counted(bundle.events, 'event')} and {counted(bundle.proofs, 'proof')} in"
        f" {counted(bundle.files, 'file')}, {shown_bytes(bundle.bytes)}, to {shown(bundle.path)}"
    )
    for each in bundle.missing:
        output.say(f"missing: {shown(each, width=200)}")
    output.say("how to check them is in README.txt")
