"""How packs are found: the entry points of installed distributions, and nothing else.

Discovery runs when a function here is called, never at import. A pack that does not load stops
the caller: without it, logs would stay unread and reports would be wrong in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from itertools import pairwise
from typing import Final

from evidentia.errors import PackError, UsageError
from evidentia.pack.command import BUILT_IN_COMMANDS
from evidentia.pack.contract import CONTRACT_VERSION, Pack

GROUP: Final = "evidentia.packs"


def load_packs() -> dict[str, Pack]:
    """Every installed pack by name, in name order.

    Raises:
        PackError: A pack does not load, is no pack, has another name than its entry point, was
            written for another contract, has commands that would hide evidentia's own, or two
            distributions offer the same name.
    """
    found = sorted(entry_points(group=GROUP), key=lambda point: (point.name, _distribution(point)))
    for first, second in pairwise(found):
        if first.name == second.name:
            raise _clash(first, second)
    return {point.name: _load(point) for point in found}


def find_pack(name: str, packs: Mapping[str, Pack]) -> Pack:
    """The pack of that name.

    Raises:
        UsageError: There is none; the message lists the nearest names, or all of them.
    """
    if name in packs:
        return packs[name]
    near = get_close_matches(name, packs) or sorted(packs)
    raise UsageError(
        f"there is no pack {name!r}",
        fix=f"use one of: {', '.join(near)}" if near else "install a distribution with packs",
    )


def _load(point: EntryPoint) -> Pack:
    try:
        pack: object = point.load()
    except Exception as error:
        raise PackError(
            f"pack {point.name!r} does not load: {_cause(error)}",
            where=_place(point),
            fix=f"upgrade, mend or uninstall {_distribution(point)}",
        ) from error
    if not isinstance(pack, Pack):
        raise PackError(
            f"pack {point.name!r} is a {type(pack).__name__}, not an evidentia.pack Pack",
            where=_place(point),
            fix="let the entry point name a Pack object, e.g. 'my_pack:PACK'",
        )
    if pack.contract_version != CONTRACT_VERSION:
        raise PackError(
            f"pack {point.name!r} was written for contract {pack.contract_version}, "
            f"but this evidentia has contract {CONTRACT_VERSION}",
            where=_place(point),
            fix=f"install versions of evidentia and {_distribution(point)} that fit together",
        )
    if pack.name != point.name:
        raise PackError(
            f"pack {point.name!r} calls itself {pack.name!r}",
            where=_place(point),
            fix="give the entry point and the Pack the same name",
        )
    if (pack.commands or pack.browser) and pack.name in BUILT_IN_COMMANDS:
        raise PackError(
            f"the commands of pack {pack.name!r} would hide 'evidentia {pack.name}'",
            where=_place(point),
            fix="give the pack another name",
        )
    return pack


def _clash(first: EntryPoint, second: EntryPoint) -> PackError:
    return PackError(
        f"pack {first.name!r} is offered twice",
        where=f"{_place(first)} and {_place(second)}",
        fix=f"uninstall {_distribution(first)} or {_distribution(second)}",
    )


def _cause(error: Exception) -> str:
    return str(error) if isinstance(error, PackError) else f"{type(error).__name__}: {error}"


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unnamed distribution"


def _place(point: EntryPoint) -> str:
    version = f" {point.dist.version}" if point.dist else ""
    return f"{_distribution(point)}{version} ({point.value})"
