"""``evidentia ledger append``: one event from options, or many from standard input."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.exits import EXIT_DONE, EXIT_FOUND
from evidentia.cli.output import Json, Output
from evidentia.cli.plain import counted, shown
from evidentia.cli.session import Session
from evidentia.errors import RejectionError, UsageError

if TYPE_CHECKING:
    from evidentia.app.ledgers import OpenLedger
    from evidentia.event.envelope import Draft
    from evidentia.event.values import JsonObject, JsonValue
    from evidentia.ledger.values import Acknowledgement
    from evidentia.proof.policy import BreakGlass, Contribution, PolicyDecision

    Outcome = Acknowledgement | RejectionError

_READ_BYTES = 1024 * 1024
_RULE_HELP = "What a policy rule says: RULE=OUTCOME:REASON, with allow, warn, .. reject. Repeat it."


def register(group: typer.Typer) -> None:
    """Add this module's command."""
    group.command(
        "append",
        epilog="Example: evidentia ledger append audit --type door.opened.v1 --payload '{\"n\":1}'",
    )(append_command)


def append_command(
    context: typer.Context,
    ledger: Annotated[
        str,
        typer.Argument(metavar="LEDGER", help="A ledger's name in the configuration, or folder."),
    ],
    event_type: Annotated[
        str | None,
        typer.Option("--type", metavar="NAME", help="What sort of event; without it: from stdin."),
    ] = None,
    payload: Annotated[
        str, typer.Option("--payload", metavar="JSON", help="The event's content.")
    ] = "{}",
    event_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Its id; the same id again is no second event."),
    ] = None,
    source: Annotated[
        str, typer.Option("--source", metavar="JSON", help="Who or what caused it.")
    ] = '{"type":"user"}',
    observed_at: Annotated[
        str | None,
        typer.Option("--observed-at", metavar="TIME", help="When it happened (default: now)."),
    ] = None,
    trace_id: Annotated[str | None, typer.Option("--trace", metavar="ID")] = None,
    session_id: Annotated[str | None, typer.Option("--session", metavar="ID")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Repeat it for more.")
    ] = None,
    is_atomic: Annotated[
        bool, typer.Option("--atomic", help="All events of standard input, or none of them.")
    ] = False,
    expected_size: Annotated[
        int | None,
        typer.Option("--expect-size", metavar="N", help="Refuse if the ledger has another size."),
    ] = None,
    rules: Annotated[
        list[str] | None, typer.Option("--rule", metavar="RULE", help=_RULE_HELP)
    ] = None,
    break_glass: Annotated[
        str | None,
        typer.Option(
            "--break-glass",
            metavar="CODE:WHO:WHY",
            help="Authorize what a rule wants glass broken for: a reason code, who vouches, why.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="REF", help="The signing key: env:NAME or file:PATH."),
    ] = None,
) -> int:
    """Append one event, or one for each line of JSON on standard input.

    Each event is on the disk before it is acknowledged, and in the store as well if the ledger is
    mirrored. A line of standard input has the members event_type and payload, and may have id,
    source, observed_at, trace_id, session_id and domain_tags. A line that is refused is named and
    holds up none of the others; exit status 1 then.
    """
    session: Session = context.obj
    ledgers = session.ledgers()
    entry = ledgers.entry(ledger, key)
    contributions = [_contribution(text) for text in rules or ()]
    granted = None if break_glass is None else _break_glass(break_glass)
    surface = _Surface(session.output)
    with ledgers.opened(entry, "ledger append") as opened:
        if opened.holder is not None:
            session.output.note(f"the ledger alone, for now: {shown(opened.holder.what)}")
        policy = policy_for(opened, contributions, granted)
        if event_type is not None:
            draft = _draft(
                {
                    "event_type": event_type,
                    "payload": _json("--payload", payload),
                    "source": _json("--source", source),
                    "id": event_id,
                    "observed_at": observed_at,
                    "trace_id": trace_id,
                    "session_id": session_id,
                    "domain_tags": [*(tags or ())],
                }
            )
            surface.add(opened.append([draft], policy, expected_size=expected_size))
        elif is_atomic:
            drafts = [_required(each) for _, each in _drafts(_all_lines())]
            surface.add(opened.append(drafts, policy, expected_size=expected_size))
        else:
            _require_no_size(expected_size)
            for group in _groups():
                surface.add(_append_group(opened, group, policy))
    return surface.finish()


def policy_for(
    opened: OpenLedger, contributions: Sequence[Contribution], granted: BreakGlass | None = None
) -> PolicyDecision:
    """The decision of the given rules, of evidentia's own, and of the person at the keyboard."""
    from evidentia.proof.policy import (  # noqa: PLC0415 - start-up time
        Contribution,
        Outcome,
        compose,
    )

    operator = Contribution(
        rule_id="ledger.append.operator",
        outcome=Outcome.ALLOW,
        reason=f"asked for on the command line by {getpass.getuser()}",
    )
    return compose((operator, *opened.contributions(), *contributions), granted)


def _append_group(
    opened: OpenLedger, group: Sequence[tuple[int, Draft | RejectionError]], policy: PolicyDecision
) -> Iterator[Outcome]:
    """Append what is fit to be appended; each with its outcome, in order."""
    drafts = [each for _, each in group if not isinstance(each, RejectionError)]
    done = iter(opened.append_each(drafts, policy) if drafts else ())
    for number, each in group:
        outcome = each if isinstance(each, RejectionError) else next(done)
        yield _at_line(number, outcome) if isinstance(outcome, RejectionError) else outcome


def _at_line(number: int, refusal: RejectionError) -> RejectionError:
    place = f"line {number}"
    where = f"{place}, {refusal.where}" if refusal.where else place
    return type(refusal)(refusal.what, where=where, fix=refusal.fix)


class _Surface:
    """Tells what became of each event: lines for people as they come, or one object at the end."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._done: list[Json] = []
        self._refused: list[Json] = []

    def add(self, outcomes: Iterable[Outcome]) -> None:
        from evidentia.cli.output import problem_json  # noqa: PLC0415 - start-up time

        for each in outcomes:
            if isinstance(each, RejectionError):
                self._refused.append(problem_json(each))
                if not self._output.is_json:
                    self._output.problem(each)
                continue
            self._done.append(
                {
                    "id": each.id,
                    "sequence": each.sequence,
                    "event_hash": each.event_hash,
                    "is_repeat": each.is_repeat,
                }
            )
            repeat = ", there already" if each.is_repeat else ""
            self._output.say(f"{each.sequence} {shown(each.id)} {each.event_hash}{repeat}")

    def finish(self) -> int:
        if self._output.is_json:
            self._output.emit({"acknowledged": self._done, "refused": self._refused})
        elif self._refused:
            self._output.note(
                f"{counted(len(self._done), 'event')} appended,"
                f" {counted(len(self._refused), 'line')} refused"
            )
        return EXIT_FOUND if self._refused else EXIT_DONE


def _groups() -> Iterator[list[tuple[int, Draft | RejectionError]]]:
    """What standard input gives at a time, so that a slow writer is answered at once."""
    number = 1
    rest = b""
    while data := os.read(sys.stdin.fileno(), _READ_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        yield list(_drafts(lines, number))
        number += len(lines)
    if rest:
        yield list(_drafts([rest], number))


def _all_lines() -> list[bytes]:
    return sys.stdin.buffer.read().split(b"\n")


def _drafts(lines: Iterable[bytes], first: int = 1) -> Iterator[tuple[int, Draft | RejectionError]]:
    """The event that each line describes, or why it describes none; blank lines are passed over."""
    from evidentia.event.line import read_line  # noqa: PLC0415 - start-up time
    from evidentia.event.values import Policy, Verdict  # noqa: PLC0415 - start-up time

    policy = Policy()
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        found = read_line(line, policy)
        if isinstance(found, Verdict):
            yield number, RejectionError(f"the line is not JSON as it should be: {found.detail}")
            continue
        try:
            yield number, _draft(found[0])
        except RejectionError as refusal:
            yield number, refusal


def _required(draft: Draft | RejectionError) -> Draft:
    if isinstance(draft, RejectionError):
        raise draft
    return draft


def _draft(value: JsonObject) -> Draft:
    from evidentia.event.envelope import draft_from  # noqa: PLC0415 - start-up time

    return draft_from(value)


def _json(option: str, text: str) -> JsonValue:
    from evidentia.event.line import read_line  # noqa: PLC0415 - start-up time
    from evidentia.event.values import Policy, Verdict  # noqa: PLC0415 - start-up time

    # A line must be an object, a payload may be any value: so it is read as a member of one.
    found = read_line(b'{"value":' + text.encode("utf-8", "surrogateescape") + b"}", Policy())
    if isinstance(found, Verdict):
        raise UsageError(f"{option} is not JSON: {found.detail}", where=text[:80])
    return found[0]["value"]


def _contribution(text: str) -> Contribution:
    from evidentia.proof.policy import Contribution, Outcome  # noqa: PLC0415 - start-up time

    rule, _, rest = text.partition("=")
    word, _, reason = rest.partition(":")
    words = {each.word: each for each in Outcome}
    if word not in words:
        raise UsageError(
            f"{word!r} is no outcome of a policy rule",
            where=f"--rule {text}",
            fix=f"write RULE=OUTCOME:REASON with one of {', '.join(words)}",
        )
    return Contribution(rule_id=rule, outcome=words[word], reason=reason)


def _break_glass(text: str) -> BreakGlass:
    from evidentia.proof.policy import BreakGlass, ReasonCode  # noqa: PLC0415 - start-up time

    code, _, rest = text.partition(":")
    who, _, why = rest.partition(":")
    if code not in {each.value for each in ReasonCode}:
        raise UsageError(
            f"{code!r} is no reason code",
            where=f"--break-glass {text}",
            fix=f"write CODE:WHO:WHY with one of {', '.join(each.value for each in ReasonCode)}",
        )
    return BreakGlass(
        scope=("ledger", "mirror"), attestation=who, reason_code=ReasonCode(code), reason=why
    )


def _require_no_size(expected_size: int | None) -> None:
    if expected_size is not None:
        raise UsageError(
            "--expect-size is about one append, and each line is one for itself",
            fix="add --atomic, or append one event with --type",
        )
