"""Whether a pack's states survive events that nobody planned for.

A reducer that raises halts its state until somebody mends the pack, so one odd line in a log must
not make it. It must not give two answers either: a check computes every row again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evidentia.errors import PackError
from evidentia.event.extract import Extractor
from evidentia.event.values import Flag, JsonObject
from evidentia.pack.contract import Pack
from evidentia.pack.hostility import hostile_events
from evidentia.pack.reducing import Reducer
from evidentia.pack.state import State, StateEvent


def reducer_problems(pack: Pack, samples: Sequence[JsonObject]) -> Iterator[str]:
    """The first thing that each state of a pack does wrong, if it does."""
    events = _events(pack, samples) if pack.states else []
    for state in pack.states:
        ours = [each for each in events if _takes(state, each)]
        try:
            first, again = _texts(state, ours), _texts(state, ours)
        except PackError as error:
            yield f"{error.what} for {error.where}" if error.where else error.what
        else:
            if first != again:
                yield f"state {state.name} gives two answers for the same events"


def _events(pack: Pack, samples: Sequence[JsonObject]) -> list[StateEvent]:
    extractor = Extractor(pack.fields)
    found = []
    for position, event in enumerate(hostile_events(pack.fields, samples)):
        values, _ = extractor.extract(event, Flag(0))
        columns = dict(zip(extractor.column_names, values, strict=True))
        found.append(
            StateEvent(
                position=position,
                kind=str(columns["kind"]),
                event_id=_text(columns["event_id"]),
                ts=columns["ts"] if isinstance(columns["ts"], int) else None,
                actor=_text(columns["actor"]),
                session_id=_text(columns["session_id"]),
                columns={each.name: columns[each.name] for each in pack.fields.promoted},
                line=event,
            )
        )
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _takes(state: State, event: StateEvent) -> bool:
    own = {"session_id": event.session_id, "event_id": event.event_id}
    has_key = {**event.columns, **own}.get(state.key) is not None
    return has_key and (not state.kinds or event.kind in state.kinds)


def _texts(state: State, events: Sequence[StateEvent]) -> list[str]:
    """What is kept after each event: of the event alone, and of all before it."""
    reducer = Reducer(state)
    whole = reducer.text(reducer.begin())
    found = []
    for event in events:
        try:
            alone = reducer.text(reducer.apply(reducer.begin(), event))
            whole = reducer.text(reducer.apply(reducer.read(whole), event))
            rows = reducer.row(alone), reducer.row(whole)
        except PackError as error:
            raise PackError(error.what, where=repr(event.line)[:200]) from error
        found += [alone, whole, repr(rows)]
    return found
