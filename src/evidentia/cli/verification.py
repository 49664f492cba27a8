"""``evidentia verify`` and ``evidentia recover``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.decisions import gap_json, gap_text
from evidentia.cli.exits import EXIT_DONE, EXIT_FOUND
from evidentia.cli.output import Json, Output
from evidentia.cli.plain import counted, shown
from evidentia.cli.seals import seals_json, show_seals
from evidentia.cli.session import Session
from evidentia.cli.standings import replay_json, show_replay, show_standing, standing_json
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from evidentia.audit.values import Finding, RecoverReport, VerifyReport

_FINDINGS_SHOWN = 20
_GAPS_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("verify", epilog="Example: evidentia verify --deep")(verify_command)
    app.command("recover", epilog="Example: evidentia recover")(recover_command)


def verify_command(
    context: typer.Context,
    is_deep: Annotated[
        bool, typer.Option("--deep", help="Also compare every line with its row and columns.")
    ] = False,
    is_strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 when there are gaps as well.")
    ] = False,
) -> int:
    """Compare the store with its logs and say what that proves. Reads only.

    Always: batch ranges tile each segment, the chain of batches holds, counts agree, and the
    log's bytes have the digests that were recorded; and the seals that the log's writer put into
    its rows are recomputed. Exit status 1 when anything differs or a seal does not hold.
    """
    from evidentia.audit.verify import VerifyOptions  # noqa: PLC0415 - start-up time
    from evidentia.cli.progress import progress_bar  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    workspace = session.workspace()
    with workspace.store.reader() as reader:
        total_bytes = sum(segment.checkpoint for segment in reader.segments())
    with progress_bar(session.output) as bar:
        bar.begin(total_bytes)
        options = VerifyOptions(
            is_deep=is_deep,
            limits=workspace.config.options.limits,
            on_progress=lambda path, done: bar.advance(path.rpartition("/")[2], done, 0),
        )
        report = workspace.verify(options)
        standings = session.ledgers().standings(
            is_deep=is_deep, on_progress=lambda name, done: bar.advance(name, done, 0)
        )
    if session.output.is_json:
        ledgers = [standing_json(each) for each in standings]
        session.output.emit({**_as_json(report), "ledgers": ledgers})
    else:
        _show(report, session.output)
        for each in standings:
            show_standing(each, session.output)
    is_wanting = report.finding_count or (is_strict and report.gaps)
    is_well = not is_wanting and all(each.is_well for each in standings)
    return EXIT_DONE if is_well else EXIT_FOUND


def _show(report: VerifyReport, output: Output) -> None:
    output.table(
        (
            TableColumn(title="log", is_cut=True),
            TableColumn(title="bytes", is_number=True),
            TableColumn(title="batches", is_number=True),
            TableColumn(title="events", is_number=True),
            TableColumn(title="dead letters", is_number=True),
            TableColumn(title="verdict"),
        ),
        [
            (
                verdict.path.rpartition("/")[2],
                verdict.checkpoint,
                verdict.batches,
                verdict.events,
                verdict.dead_letters,
                _verdict(verdict.findings, is_compared=verdict.is_compared),
            )
            for verdict in report.segments
        ],
    )
    show_seals(report.seals, output)
    for finding in report.findings[:_FINDINGS_SHOWN]:
        show_finding(finding, output)
    if report.finding_count > _FINDINGS_SHOWN:
        output.say(f"… and {report.finding_count - _FINDINGS_SHOWN:,} more findings")
    output.say(
        f"compared {counted(report.events, 'event')} and "
        f"{counted(report.dead_letters, 'dead letter')}"
        f"{', line by line with every column' if report.is_deep else ', by digest of their bytes'}"
    )
    for gap in report.gaps[:_GAPS_SHOWN]:
        output.say(gap_text(gap))
    if report.gaps:
        output.say(f"{counted(len(report.gaps), 'gap')} known: see 'evidentia status'")
    if report.content_digest:
        output.say(f"content digest {report.content_digest}")
    _show_claim(report, output)


def _verdict(findings: int, *, is_compared: bool) -> str:
    if findings:
        return counted(findings, "finding")
    return "same" if is_compared else "no file holds it; store's own bytes checked"


def _show_claim(report: VerifyReport, output: Output) -> None:
    from evidentia.audit.values import (  # noqa: PLC0415 - start-up time
        REPAIRABLE,
        FindingKind,
    )
    from evidentia.proof.claims import claim_for  # noqa: PLC0415 - start-up time

    if report.level is None:
        kinds = {finding.kind for finding in report.findings}
        # A log with a broken seal and its store may well hold the same.
        is_same = report.finding_count == sum(seal.findings for seal in report.seals)
        what = "seals do not hold" if is_same else "log and store do not hold the same"
        output.say(f"{counted(report.finding_count, 'finding')}: {what}")
        if kinds & REPAIRABLE:
            output.say("'evidentia recover' puts back what the log gives")
        if kinds & {FindingKind.LOG_CHANGED, FindingKind.LOG_MISSING}:
            output.say("a log that changed or is gone has its bytes in 'evidentia export raw'")
        return
    claim = claim_for(report.level)
    output.say(f"level {claim.level.value} ({claim.name}): {claim.sentence}")
    output.say(f"not excluded: {claim.cannot_exclude}")


def show_finding(finding: Finding, output: Output) -> None:
    """A finding for people: place, what is wrong, what was expected."""
    place = shown(finding.path)
    if finding.line_no is not None:
        place += f":{finding.line_no}"
    if finding.byte_offset is not None:
        place += f", byte {finding.byte_offset:,}"
    output.say(f"{finding.kind.value}: {place}: {shown(finding.detail)}")
    if finding.expected or finding.found:
        output.say(f"    expected  {shown(finding.expected, width=120)}")
        output.say(f"    found     {shown(finding.found, width=120)}")


def _finding_json(finding: Finding) -> Json:
    return {**asdict(finding), "kind": finding.kind.value}


def _as_json(report: VerifyReport) -> Json:
    from evidentia.proof.claims import claim_for  # noqa: PLC0415 - start-up time

    claim = None if report.level is None else claim_for(report.level)
    return {
        "is_same": report.finding_count == 0,
        "is_deep": report.is_deep,
        "level": None if claim is None else claim.level.value,
        "claim": None if claim is None else claim.sentence,
        "not_excluded": None if claim is None else claim.cannot_exclude,
        "events": report.events,
        "dead_letters": report.dead_letters,
        "gaps": len(report.gaps),
        "known_gaps": [gap_json(gap) for gap in report.gaps],
        "content_digest": report.content_digest,
        "finding_count": report.finding_count,
        "findings": [_finding_json(finding) for finding in report.findings],
        "segments": [asdict(verdict) for verdict in report.segments],
        "seals": seals_json(report.seals),
    }


def recover_command(context: typer.Context) -> int:
    """Put back what the logs give wherever the store was damaged, or lacks of a ledger.

    Only batches whose bytes in the log still have the recorded digest are touched, each in one
    transaction, and each is noted in the audit log. Events of a mirrored ledger that the store
    lacks are replayed in ledger order. The logs are never touched. Exit status 1 when something is
    left that a replay cannot mend.
    """
    session: Session = context.obj
    report = session.workspace().recover()
    replays = session.ledgers().replay()
    if session.output.is_json:
        session.output.emit(
            {
                "batches": report.batches,
                "events": report.events,
                "unrepaired": [_finding_json(finding) for finding in report.unrepaired],
                "ledgers": [replay_json(name, replay) for name, replay in replays],
            }
        )
    else:
        _show_recovery(report, session.output)
        for name, replay in replays:
            show_replay(name, replay, session.output)
    is_whole = all(replay.parity.is_consistent for _, replay in replays)
    return EXIT_DONE if is_whole and not report.unrepaired else EXIT_FOUND


def _show_recovery(report: RecoverReport, output: Output) -> None:
    if report.batches:
        batches = "1 batch" if report.batches == 1 else f"{report.batches:,} batches"
        output.say(f"put back {batches} with {counted(report.events, 'event')} from the log")
    elif not report.unrepaired:
        output.say("nothing to recover: log and store hold the same")
    for finding in report.unrepaired[:_FINDINGS_SHOWN]:
        show_finding(finding, output)
    if report.unrepaired:
        output.say(
            f"{counted(len(report.unrepaired), 'finding')} left that a replay cannot mend; where "
            "the log itself is right, delete the store and ingest again"
        )
