"""``evidentia follow``."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from evidentia.cli.completion import complete_packs
from evidentia.cli.exits import EXIT_DONE
from evidentia.cli.ingest import sources_of
from evidentia.cli.output import Output
from evidentia.cli.plain import counted, shown
from evidentia.cli.session import Session
from evidentia.errors import UsageError

if TYPE_CHECKING:
    from evidentia.ingest.values import IngestReport
    from evidentia.log.values import LogSource
    from evidentia.service.wake import Alarm

_SUMMARY_SECONDS: Final = 10.0


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command(
        "follow",
        epilog="Example: evidentia follow --pack cowrie --log '/var/log/cowrie/cowrie.json*'",
    )(follow_command)


def follow_command(
    context: typer.Context,
    log: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="A log or glob to follow, plain or compressed. Repeatable. "
            "(default: the logs of the configuration)",
        ),
    ] = None,
    pack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The pack that reads the logs named with --log.",
            autocompletion=complete_packs,
        ),
    ] = None,
    interval: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            metavar="SECONDS",
            help="Look this often, instead of whenever something changes.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="EVENTS", help="Store at most about so many a second."),
    ] = None,
    lasting: Annotated[
        float | None,
        typer.Option("--for", min=0.0, metavar="SECONDS", help="Stop by itself after so long."),
    ] = None,
    is_lenient: Annotated[
        bool,
        typer.Option(
            "--lenient",
            help="Accept repeated keys, lone surrogates and byte-order marks, each flagged.",
        ),
    ] = False,
) -> int:
    """Keep reading logs into the store, each line within a fraction of a second.

    Ctrl-C or SIGTERM ends it after what is there was read; SIGHUP reads the list of logs again.
    Rotated, renamed, copied and compressed files are recognised by what they hold.
    """
    from evidentia.service.follow import FollowOptions, Surface  # noqa: PLC0415 - start-up time
    from evidentia.service.wake import Alarm  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    workspace = session.workspace()
    named = sources_of(log, pack, is_lenient=is_lenient)

    def wanted() -> Sequence[LogSource]:
        found = named or session.config().sources
        if not found:
            raise UsageError(
                "there is no log to follow",
                fix="name one with --log PATH --pack NAME, or write evidentia.toml "
                "with 'evidentia init'",
            )
        for name in sorted({source.pack for source in found}):
            workspace.pack(name)
        return found

    alarm = Alarm()
    teller = _Teller(output=session.output)
    with _signals(alarm, lasting) as asked:
        surface = Surface(
            should_stop=asked.should_stop,
            sources=wanted,
            should_reload=asked.should_reload,
            on_report=teller.report,
            on_problem=session.output.problem,
        )
        options = FollowOptions(
            ingest=workspace.config.options, interval_seconds=interval, rate=rate
        )
        session.output.say(
            f"following {counted(len(wanted()), 'entry', 'entries')} into "
            f"{shown(str(workspace.store.path))}; Ctrl-C ends it"
        )
        workspace.follow(options, surface, alarm)
    teller.end()
    return EXIT_DONE


@dataclass(slots=True, kw_only=True)
class _Asked:
    """What signals and time have asked for."""

    ends_at: float | None
    stops: list[int] = field(default_factory=list)
    reloads: list[int] = field(default_factory=list)

    def should_stop(self) -> bool:
        return bool(self.stops) or (self.ends_at is not None and time.monotonic() >= self.ends_at)

    def should_reload(self) -> bool:
        return bool(self.reloads and self.reloads.pop())


@contextmanager
def _signals(alarm: Alarm, lasting: float | None) -> Iterator[_Asked]:
    """Signals as wishes: the follower is asked, never interrupted in the middle of a batch."""
    asked = _Asked(ends_at=None if lasting is None else time.monotonic() + lasting)

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        if asked.stops and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.stops.append(number)
        alarm.ring()

    def reload(number: int, frame: FrameType | None) -> None:
        del frame
        asked.reloads.append(number)
        alarm.ring()

    handlers = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGHUP: reload}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(slots=True, kw_only=True)
class _Teller:
    """Says now and then what was stored, and at once what may be missing."""

    output: Output
    events: int = 0
    dead_letters: int = 0
    gaps: int = 0
    _since: float = field(default_factory=time.monotonic)
    _new_events: int = 0

    def report(self, report: IngestReport) -> None:
        """Take notice of a look at the logs."""
        self.events += report.events
        self.dead_letters += report.dead_letters
        self.gaps += len(report.gaps)
        self._new_events += report.events
        if report.dead_letters:
            self.output.say(
                f"{counted(report.dead_letters, 'dead letter')}: see 'evidentia dead-letters list'"
            )
        for gap in report.gaps:
            self.output.say(f"gap: {shown(gap.detail)}")
        took = time.monotonic() - self._since
        if took >= _SUMMARY_SECONDS and self._new_events:
            rate = self._new_events / took
            self.output.say(f"stored {counted(self._new_events, 'event')}, {rate:,.1f} events/s")
            self._new_events = 0
            self._since = time.monotonic()

    def end(self) -> None:
        """Say what was stored in all."""
        if self.output.is_json:
            self.output.emit(
                {"events": self.events, "dead_letters": self.dead_letters, "gaps": self.gaps}
            )
            return
        self.output.say(
            f"stopped; stored {counted(self.events, 'event')} and "
            f"{counted(self.dead_letters, 'dead letter')}, {counted(self.gaps, 'new gap')}"
        )
