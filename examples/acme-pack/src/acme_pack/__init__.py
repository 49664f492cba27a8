"""The ``acme`` pack: the door log of an Acme badge reader."""

from acme_pack.commands import COMMANDS
from evidentia.event.fieldmap import ColumnType, EpochUnit, FieldMap, PromotedColumn
from evidentia.pack.contract import Pack, ReportSection, Sample
from evidentia.pack.queries import load_queries

PACK = Pack(
    name="acme",
    version=1,
    title="Acme badge reader",
    fields=FieldMap(
        kind=("what",),
        ts=("at",),
        actor=(("badge", "holder"),),
        promoted=(PromotedColumn(name="door", type=ColumnType.TEXT, sources=("door",)),),
        epoch_unit=EpochUnit.SECONDS,
    ),
    queries=load_queries(__name__),
    commands=COMMANDS,
    report=(ReportSection(title="Doors", query="doors"),),
    samples=(
        Sample(
            line=b'{"what":"opened","at":1767225600,"door":"east","badge":{"holder":"ada"}}',
            columns={"kind": "opened", "ts": 1767225600000000, "door": "east", "actor": "ada"},
        ),
        Sample(
            line=b'{"what":"refused","at":1767225660,"door":"vault","badge":{"number":7}}',
            columns={"kind": "refused", "ts": 1767225660000000, "door": "vault", "actor": None},
        ),
    ),
)
