"""From what a caller hands in to the lines of one batch. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from evidentia.errors import (
    DuplicateIdError,
    LedgerBrokenError,
    LedgerError,
    RejectionError,
    SequenceError,
)
from evidentia.event.envelope import (
    ENCODER,
    RESERVED,
    Content,
    Draft,
    Envelope,
    Place,
    Sealed,
    content_of,
    is_same_content,
    seal,
)
from evidentia.event.ids import RANDOM_BYTES, event_ids
from evidentia.event.timestamp import format_time
from evidentia.ledger.reading import LedgerView
from evidentia.ledger.row_signature import signed_row
from evidentia.ledger.statements import BREAK_GLASS, KEY_ROTATED, BrokenGlass, Signing
from evidentia.ledger.values import Acknowledgement, LedgerOptions
from evidentia.proof.keys import Signer
from evidentia.proof.policy import Outcome, PolicyDecision


class Request(msgspec.Struct, kw_only=True):
    """One call of ``append``, from its arrival to its answer.

    Attributes:
        own: Events of the ledger's own that stand before the caller's, in the same batch.
    """

    contents: tuple[Content, ...]
    own: tuple[Content, ...] = ()
    expected_size: int | None = None
    is_done: bool = False
    acknowledgements: tuple[Acknowledgement, ...] = ()
    failure: BaseException | None = None
    lines: Sequence[Sealed] = ()


class Draught(msgspec.Struct, kw_only=True):
    """What a group of requests would make of the ledger, while nothing is written yet."""

    size: int
    event_hash: str | None
    new: dict[str, Envelope] = msgspec.field(default_factory=dict)


class Sealer:
    """Seals requests one after the other, each in the place after the one before."""

    def __init__(self, options: LedgerOptions, signing: Signing) -> None:
        self._options = options
        self._signing = signing
        self.signer: Signer | None = options.signer

    def prepare(self, request: Request, view: LedgerView, draught: Draught) -> None:
        """Seal a request's events that are new; the draught then stands behind them.

        Raises:
            RejectionError: The request is refused; the draught stands where it stood.
        """
        known: dict[str | None, Envelope | None] = {
            content.id: self._known(content.id, view, draught)
            for content in request.contents
            if content.id is not None
        }
        fresh: Sequence[Content] = request.contents
        if known:
            _refuse_other_content(fresh, known)
            fresh = [each for each in fresh if each.id is None or known[each.id] is None]
        if fresh:
            self._refuse_other_size(request.expected_size, draught)
            request.lines = self._seal_all((*request.own, *fresh), draught)
        request.acknowledgements = _acknowledged(request, known)

    def seal_first(self, content: Content) -> bytes:
        """The line of a ledger's first event."""
        return self._seal_all((content,), Draught(size=0, event_hash=None))[0].line

    def _known(self, name: str, view: LedgerView, draught: Draught) -> Envelope | None:
        if name in draught.new:
            return draught.new[name]
        return view.find(name)

    def _refuse_other_size(self, expected: int | None, draught: Draught) -> None:
        if expected is not None and expected != draught.size:
            raise SequenceError(
                f"the ledger has {draught.size} events, the caller expected {expected}",
                fix="read what was appended meanwhile, then decide again",
            )

    def _seal_all(self, contents: Sequence[Content], draught: Draught) -> list[Sealed]:
        now = self._options.clock()
        recorded_at = format_time(now)
        unnamed = sum(content.id is None for content in contents)
        names = event_ids(now, self._options.random(RANDOM_BYTES * unnamed))
        size, event_hash = draught.size, draught.event_hash
        envelopes: list[Envelope] = []
        lines: list[Sealed] = []
        for place, content in enumerate(contents):
            name = next(names) if content.id is None else content.id
            at = Place(
                sequence=size,
                recorded_at=recorded_at,
                prev_event_hash=event_hash,
                batch_index=place,
                batch_size=len(contents),
            )
            envelope, line = seal(content, name, at)
            event_hash = str(envelope.event_hash)
            if self._signing is Signing.ROWS or content.event_type == KEY_ROTATED:
                envelope = signed_row(envelope, self.signer, recorded_at)
                line = ENCODER.encode(envelope)
            self._refuse_long(line, name)
            envelopes.append(envelope)
            lines.append(Sealed(line=line, id=name, sequence=size, event_hash=event_hash))
            size += 1
        draught.size, draught.event_hash = size, event_hash
        draught.new.update({each.id: each for each in envelopes})
        return lines

    def _refuse_long(self, line: bytes, name: str) -> None:
        if len(line) > self._options.line_bytes_max:
            raise RejectionError(
                f"the event takes {len(line)} bytes as a line, more than"
                f" {self._options.line_bytes_max}",
                where=name,
                fix="keep large content in a file beside the ledger, and its hash in the event",
            )


def request_of(
    drafts: Sequence[Draft], policy: PolicyDecision, expected_size: int | None
) -> Request:
    """The request that these drafts make under a policy that lets them pass.

    Raises:
        RejectionError: A draft may not stand in a ledger, or two have one id, or there is none.
    """
    contents = tuple(map(content_of, drafts))
    _refuse_reserved(contents)
    names = [content.id for content in contents if content.id is not None]
    if len(set(names)) != len(names):
        raise DuplicateIdError("two events of one batch have the same id")
    if not contents:
        raise RejectionError("there is nothing to append", fix="hand in at least one event")
    own = (_broken_glass(policy, len(contents)),) if policy.break_glass else ()
    return Request(contents=contents, own=own, expected_size=expected_size)


def _refuse_reserved(contents: Sequence[Content]) -> None:
    # A ledger whose own events anybody may write could be told to be another one, or unreadable.
    for content in contents:
        if content.event_type.startswith(RESERVED):
            raise RejectionError(
                f"the event type {content.event_type} is the ledger's own",
                where="event_type",
                fix=f"choose one that does not begin with {RESERVED}",
            )


def _broken_glass(policy: PolicyDecision, count: int) -> Content:
    granted = policy.break_glass
    if granted is None or policy.final_outcome is not Outcome.BREAK_GLASS:
        raise RejectionError("there is no authorization to record")
    return own_content(
        BREAK_GLASS,
        BrokenGlass(
            attestation=granted.attestation,
            event_count=count,
            reason=granted.reason,
            reason_code=granted.reason_code.value,
            rules=[each.rule_id for each in policy.contributing],
            scope=",".join(granted.scope),
        ),
    )


def own_content(event_type: str, payload: msgspec.Struct) -> Content:
    """An event of the ledger's own."""
    return content_of(Draft(event_type=event_type, payload=msgspec.to_builtins(payload)))


def _refuse_other_content(
    contents: Sequence[Content], known: Mapping[str | None, Envelope | None]
) -> None:
    for content in contents:
        found = known.get(content.id)
        if found is not None and not is_same_content(found, content):
            raise DuplicateIdError(
                f"the id {content.id} belongs to event {found.sequence}, which has other content",
                where=f"event {found.sequence}",
                fix="give the new event an id of its own",
            )


def _acknowledged(
    request: Request, known: Mapping[str | None, Envelope | None]
) -> tuple[Acknowledgement, ...]:
    fresh = iter(request.lines[len(request.own) :])
    if not known:
        return tuple(map(_first, fresh))
    return tuple(
        [
            _repeat(earlier) if (earlier := known.get(content.id)) else _first(next(fresh))
            for content in request.contents
        ]
    )


def _first(line: Sealed) -> Acknowledgement:
    return Acknowledgement(id=line.id, sequence=line.sequence, event_hash=line.event_hash)


def _repeat(earlier: Envelope) -> Acknowledgement:
    return Acknowledgement(
        id=earlier.id,
        sequence=earlier.sequence,
        event_hash=str(earlier.event_hash),
        is_repeat=True,
    )


def failure_for_waiting(failure: BaseException) -> BaseException:
    """What a failure means for those whose events were in the same write."""
    if isinstance(failure, LedgerError):
        return failure
    return LedgerBrokenError("the append was interrupted; retry it with the same ids")


def request_or_refusal(draft: Draft, policy: PolicyDecision) -> Request | RejectionError:
    """The request that one event makes, or why it cannot be one."""
    try:
        return request_of([draft], policy, None)
    except RejectionError as refusal:
        return refusal


def answer_to(request: Request | RejectionError) -> Acknowledgement | RejectionError:
    """What became of an event that was appended for itself.

    Raises:
        LedgerError: It is neither on the disk nor refused.
    """
    if isinstance(request, RejectionError):
        return request
    if isinstance(request.failure, RejectionError):
        return request.failure
    if request.failure is not None:
        raise request.failure
    return request.acknowledgements[0]
