"""Whether the acme pack keeps the contract of evidentia's packs."""

from acme_pack import PACK

from evidentia.pack.conformance import assert_pack_conforms


def test_acme_pack_conforms() -> None:
    """The pack's names, query, report and samples keep the contract."""
    assert_pack_conforms(PACK)
