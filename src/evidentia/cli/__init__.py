"""The command line: the only room that prints or exits."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and exit with its status.

    ``--version`` is answered before anything else is imported: scripts ask it often.
    """
    if sys.argv[1:] in (["--version"], ["-V"]):
        from evidentia import __version__  # noqa: PLC0415 - see above

        try:
            sys.stdout.write(f"evidentia {__version__}\n")
            sys.stdout.flush()
        except OSError:
            os._exit(3)
        sys.exit(0)
    from evidentia.cli.application import run  # noqa: PLC0415 - see above

    sys.exit(run(sys.argv[1:]))
