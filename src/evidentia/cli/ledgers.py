"""``evidentia ledger``: ledgers of our own are made, appended to, and get new heads and keys."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli import appending, proofs
from evidentia.cli.plain import counted, shown
from evidentia.cli.session import Session
from evidentia.errors import EvidentiaError, UsageError

if TYPE_CHECKING:
    from evidentia.proof.keys import Ed25519Signer, HmacSigner

_SEED_BYTES = 32
_KEY_MODE = 0o600

LedgerArgument = Annotated[
    str, typer.Argument(metavar="LEDGER", help="A ledger's name in the configuration, or folder.")
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="REF", help="The signing key: env:NAME or file:PATH."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(no_args_is_help=True, help="Ledgers: logs that evidentia writes and seals.")
    group.callback()(_group)
    group.command(
        "keygen", epilog="Example: evidentia ledger keygen example.org/audit -o audit.key"
    )(keygen_command)
    group.command(
        "init",
        epilog="Example: evidentia ledger init evidence/ledger --origin example.org/audit",
    )(init_command)
    appending.register(group)
    group.command("head", epilog="Example: evidentia ledger head audit")(head_command)
    group.command(
        "rotate-key",
        epilog="Example: evidentia ledger rotate-key audit --new-key file:audit-2.key",
    )(rotate_key_command)
    proofs.register(group)
    app.add_typer(group, name="ledger")


def _group() -> None:
    """Logs that evidentia writes and seals."""


def keygen_command(
    context: typer.Context,
    origin: Annotated[
        str, typer.Argument(metavar="ORIGIN", help="The ledger's unique name, for ever.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the secret goes.")
    ],
    is_hmac: Annotated[
        bool,
        typer.Option("--hmac", help="A shared secret instead of a key pair."),
    ] = False,
) -> None:
    """Make a signing key. Its file is a secret; what is printed may be published.

    Give the printed verifier key to whoever shall check the ledger, by another way than the ledger.
    """
    from evidentia.proof.keys import Ed25519Signer, HmacSigner  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    made = (HmacSigner if is_hmac else Ed25519Signer)(origin, secrets.token_bytes(_SEED_BYTES))
    _write_secret(output, made)
    public = None if isinstance(made, HmacSigner) else made.verifier.format()
    if session.output.is_json:
        session.output.emit({"path": str(output), "origin": origin, "verifier_key": public})
        return
    session.output.say(f"wrote the secret to {shown(output)}, which only you can read")
    if public is not None:
        session.output.say(f"verifier key: {public}")
    session.output.say(f"use it: evidentia ledger init FOLDER --key file:{shown(output)} ..")


def _write_secret(path: Path, made: Ed25519Signer | HmacSigner) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _KEY_MODE)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{made.secret_text()}\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise UsageError(
            "this file exists and is not overwritten: it may be the only copy of a key",
            where=str(path),
            fix="name another one with --output",
        ) from error
    except OSError as error:
        raise EvidentiaError(
            f"the key cannot be written: {error.strerror}", where=str(path)
        ) from error


def init_command(
    context: typer.Context,
    ledger: LedgerArgument,
    origin: Annotated[
        str, typer.Option("--origin", metavar="NAME", help="Its unique name, for ever.")
    ],
    signing: Annotated[
        str | None,
        typer.Option(
            "--signing",
            metavar="WHAT",
            help="none, hmac, heads or rows (default: heads with a key, none without).",
        ),
    ] = None,
    key: KeyOption = None,
) -> None:
    """Make a ledger: a folder whose first event says which ledger it is.

    'heads' signs the tree over all events now and then; 'rows' signs each event as well.
    """
    from evidentia.ledger.statements import Signing  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    ledgers = session.ledgers()
    entry = ledgers.entry_or_new(ledger, key)
    chosen = signing or (Signing.HEADS if entry.key else Signing.NONE).value
    if chosen not in {each.value for each in Signing}:
        raise UsageError(
            f"a ledger cannot sign {chosen!r}",
            fix=f"use one of {', '.join(each.value for each in Signing)}",
        )
    ledgers.create(entry, origin, Signing(chosen))
    if session.output.is_json:
        session.output.emit({"folder": str(entry.folder), "origin": origin, "signing": chosen})
    else:
        session.output.say(f"made the ledger {shown(origin)} in {shown(entry.folder)}")


def head_command(
    context: typer.Context,
    ledger: LedgerArgument,
    key: KeyOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Also write the signed head there."),
    ] = None,
) -> None:
    """Sign a head over all events, and print it.

    The events are read back from the disk first. Keep heads where the ledger is not: each one
    shows later that the ledger is still the same up to it.
    """
    from evidentia.cli.new_files import new_file  # noqa: PLC0415 - start-up time
    from evidentia.ledger.layout import head_path  # noqa: PLC0415 - start-up time
    from evidentia.proof.head import format_head  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    ledgers = session.ledgers()
    entry = ledgers.entry(ledger, key)
    with ledgers.opened(entry, "ledger head") as opened:
        head = opened.ledger.sign_head()
    path = head_path(entry.folder)
    note = path.read_bytes() if path.is_file() else format_head(head).encode()
    if output is not None:
        with new_file(output) as file:
            file.write(note)
    if session.output.is_json:
        session.output.emit(
            {
                "origin": head.origin,
                "size": head.size,
                "root": head.root.hex(),
                "is_signed": path.is_file(),
                "head": note.decode(),
            }
        )
        return
    session.output.say(note.decode().removesuffix("\n"))
    if not path.is_file():
        session.output.say("not signed: this ledger has no key")


def rotate_key_command(
    context: typer.Context,
    ledger: LedgerArgument,
    new_key: Annotated[
        str, typer.Option("--new-key", metavar="REF", help="The next key: env:NAME or file:PATH.")
    ],
    key: KeyOption = None,
) -> None:
    """Let another key sign from now on; the present key signs that this is so.

    Afterwards name the new key in the configuration. The old one is needed no more, but its
    verifier key is: keep that.
    """
    session: Session = context.obj
    ledgers = session.ledgers()
    entry = ledgers.entry(ledger, key)
    signer = ledgers.signer(new_key)
    with ledgers.opened(entry, "ledger rotate-key") as opened:
        done = opened.rotate_key(signer, appending.policy_for(opened, ()))
    if session.output.is_json:
        session.output.emit({"sequence": done.sequence, "event_hash": done.event_hash})
    else:
        session.output.say(
            f"the key was rotated by event {done.sequence:,}; "
            f"{counted(done.sequence + 1, 'event')} in the ledger"
        )
