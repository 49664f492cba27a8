"""``evidentia PACK browse FILE``: a pack's browser on the terminal, if Textual is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.plain import shown
from evidentia.cli.session import Session
from evidentia.errors import UsageError

if TYPE_CHECKING:
    from evidentia.pack.contract import Pack

BROWSE: str = "browse"


def browse_callback(pack: Pack) -> Callable[..., None]:
    """The function behind the command, for Typer."""

    def browse(
        context: typer.Context,
        file: Annotated[str, typer.Argument(metavar="FILE", help="What to browse; or a glob.")],
        ledger: Annotated[
            str | None,
            typer.Option(
                "--ledger",
                metavar="PATH",
                help="The ledger: its name in the configuration, or its folder "
                "(default: the pack's own).",
            ),
        ] = None,
        key: Annotated[
            str | None,
            typer.Option(
                "--key", metavar="REF", help="The ledger's signing key: env:NAME or file:PATH."
            ),
        ] = None,
    ) -> None:
        _browse(context.obj, pack, file, ledger, key)

    return browse


def _browse(session: Session, pack: Pack, file: str, ledger: str | None, key: str | None) -> None:
    from evidentia.app.pack_workspace import PackWorkspace  # noqa: PLC0415 - imports everything

    if pack.browser is None:
        raise UsageError(f"the pack {pack.name!r} has nothing to browse")
    if session.output.is_json or not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError(
            "a browser needs a terminal",
            fix=f"use the other commands: see 'evidentia {pack.name} --help'",
        )
    try:
        from evidentia.cli.browse_screen import BrowseApp  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError as error:
        raise UsageError(
            "the browser needs Textual, which is not installed",
            fix="pip install 'evidentia[browse]'",
        ) from error
    workspace = PackWorkspace(
        workspace=session.workspace(),
        pack=pack,
        command=f"{pack.name} {BROWSE}",
        ledger=ledger,
        key=key,
        appends=True,
    )
    browser = pack.browser.open(workspace, file)
    for line in BrowseApp(browser, f"{pack.title}: {file}").run() or ():
        session.output.say(shown(line))
