"""What ``verify`` shows of the seals in the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evidentia.cli.output import Json, Output
from evidentia.cli.plain import counted
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evidentia.audit.values import SealReport
    from evidentia.pack.seal import SealScheme

_REMARKS_SHOWN = 20


def show_seals(reports: Sequence[SealReport], output: Output) -> None:
    """A table over the segments whose rows carry seals, what the schemes cover, and remarks.

    Nothing where no row carries any: most logs are not sealed.
    """
    sealed = [report for report in reports if report.scheme is not None]
    if not sealed:
        return
    titles = ("valid", "invalid", "absent", "unknown scheme", "no key")
    output.table(
        (
            TableColumn(title="log", is_cut=True),
            TableColumn(title="seal"),
            *(TableColumn(title=title, is_number=True) for title in titles),
            TableColumn(title="level"),
        ),
        [
            (
                report.path.rpartition("/")[2],
                report.scheme.name if report.scheme else "",
                *(report.counts[verdict] for verdict in report.counts),
                _level(report),
            )
            for report in sealed
        ],
    )
    for scheme in {
        report.scheme.name: report.scheme for report in sealed if report.scheme
    }.values():
        _show_scheme(scheme, output)
    for report in sealed:
        _show_remarks(report, output)


def _show_scheme(scheme: SealScheme, output: Output) -> None:
    output.say(f"{scheme.name} ({scheme.title})")
    output.say(f"    covers: {'; '.join(scheme.covers)}")
    output.say(f"    does not cover: {'; '.join(scheme.does_not_cover)}")


def _show_remarks(report: SealReport, output: Output) -> None:
    name = report.path.rpartition("/")[2]
    for remark in report.remarks[:_REMARKS_SHOWN]:
        detail = f": {remark.detail}" if remark.detail else ""
        output.say(
            f"{remark.reason.value}: {name}:{remark.line_no}, byte {remark.byte_offset:,}{detail}"
        )
    if len(report.remarks) > _REMARKS_SHOWN:
        output.say(
            f"… and more remarks on {counted(sum(report.reasons.values()), 'row')} of {name}"
        )


def _level(report: SealReport) -> str:
    """The level of all sealed rows; with that of the signed ones where it is another."""
    from evidentia.proof.claims import Level, claim_for  # noqa: PLC0415 - start-up time

    if report.level is None:
        return "none"
    text = f"{report.level.value} ({claim_for(report.level).name})"
    if report.signed_line is None or report.level is Level.SIGNED:
        return text
    signed = claim_for(Level.SIGNED)
    return (
        f"{signed.level.value} ({signed.name}) up to line {report.signed_line:,}, {text} over all"
    )


def seals_json(reports: Sequence[SealReport]) -> list[Json]:
    """The same for programs, with the segments whose rows carry no seal."""
    return [_report_json(report) for report in reports]


def _report_json(report: SealReport) -> Json:
    scheme = report.scheme
    return {
        "segment_id": report.segment_id,
        "path": report.path,
        "scheme": None if scheme is None else scheme.name,
        "title": None if scheme is None else scheme.title,
        "covers": [] if scheme is None else list(scheme.covers),
        "does_not_cover": [] if scheme is None else list(scheme.does_not_cover),
        "counts": {verdict.value: count for verdict, count in report.counts.items()},
        "reasons": {reason.value: count for reason, count in report.reasons.items()},
        "level": None if report.level is None else report.level.value,
        "signed_line": report.signed_line,
        "signed_byte": report.signed_byte,
        "findings": report.findings,
        "remarks": [
            {
                "reason": remark.reason.value,
                "line_no": remark.line_no,
                "byte_offset": remark.byte_offset,
                "detail": remark.detail,
            }
            for remark in report.remarks
        ],
    }
