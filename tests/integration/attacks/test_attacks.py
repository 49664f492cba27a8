"""Attacks on ledgers, and what verifying and opening say: per sort of ledger, and per verifier."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evidentia.audit.keeper import StoreKeeper
from evidentia.errors import LedgerDamagedError, LedgerError, RejectionError
from evidentia.ledger.chain import FailureKind
from evidentia.ledger.opening import open_ledger
from evidentia.ledger.statements import Signing
from evidentia.proof.claims import Level
from evidentia.store.opening import Store

from . import attacks
from .forging import read
from .scene import ORIGIN, SEED, Holding, Scene, built, options_of
from .tables import UNTOUCHED, Attacked, Results, attacked, careful_table, careless_table

PAGE = Path(__file__).parents[3] / "docs/explanation/attacks.md"
OWNS_BOTH = {"edit ledger and store", "edit both, drop the kept signature"}
HOLDS_THE_KEY = {"the owner signs two histories"}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[Signing, Scene]:
    """A ledger of each sort, untouched."""
    return {signing: built(tmp_path_factory.mktemp(signing.value), signing) for signing in Signing}


@pytest.fixture(scope="module")
def ruins(scenes: dict[Signing, Scene], tmp_path_factory: pytest.TempPathFactory) -> list[Attacked]:
    """Every sort of ledger after every attack."""
    return list(attacked(scenes, tmp_path_factory.mktemp("attacked")))


@pytest.fixture(scope="module")
def results(ruins: list[Attacked]) -> Results:
    """Every verdict: attack, sort of ledger, what the verifier holds."""
    return {
        (each.name, each.scene.signing, holding): each.scene.verify(holding)
        for each in ruins
        for holding in each.scene.holdings
    }


def test_the_page_says_what_comes_of_each_attack(
    results: Results, scenes: dict[Signing, Scene]
) -> None:
    """Each cell of attacks.md is what verifying says; EVIDENTIA_REFRESH=1 writes them anew."""
    tables = {"everybody": careless_table(results)} | {
        signing.value: careful_table(results, signing, scene.holdings)
        for signing, scene in scenes.items()
    }
    page = PAGE.read_text("utf-8")
    wanted = page
    for name, table in tables.items():
        pattern = rf"(<!-- attacks: {name} -->\n)(?:\|.*\n)*"
        wanted = re.sub(pattern, lambda found, text=table: f"{found[1]}{text}\n", wanted)
    if os.environ.get("EVIDENTIA_REFRESH"):
        PAGE.write_text(wanted, "utf-8")

    assert page == wanted
    assert all(f"<!-- attacks: {name} -->" in page for name in tables)


def test_a_level_above_the_chain_is_never_claimed_of_other_events(
    results: Results, ruins: list[Attacked], scenes: dict[Signing, Scene]
) -> None:
    """Whatever is claimed above level 2 is true: so many first events are those of the owner.

    But for the two whom the claims themselves name: who owns both places, and who has the key.
    """
    false = []
    for each in ruins:
        for holding in each.scene.holdings:
            verdict = results[each.name, each.scene.signing, holding]
            if verdict.level is None or verdict.level <= Level.CHAIN:
                continue
            honest = scenes[each.scene.signing].lines[: verdict.covered]
            if read(each.scene.folder)[: verdict.covered] != honest:
                false.append((each.name, verdict.level, holding))

    assert {name for name, _, _ in false} == {*OWNS_BOTH, *HOLDS_THE_KEY}
    assert {level for name, level, _ in false if name in OWNS_BOTH} == {Level.HEAD}


def test_who_owns_both_places_reaches_no_level_of_a_key(results: Results) -> None:
    """A signature in the store vouches for the head that it was made over, and for no other."""
    found = {
        results["edit ledger and store", signing, Holding.BOTH].level
        for signing in (Signing.HMAC, Signing.HEADS, Signing.ROWS)
    }

    assert found == {None}


def test_every_fall_is_found_by_who_demands_the_level(
    results: Results, ruins: list[Attacked]
) -> None:
    """Whoever knows what level the ledger reached, and demands it, is told that it does not."""
    falls = 0
    for each in ruins:
        for holding in each.scene.holdings:
            signing = each.scene.signing
            verdict, honest = (results[name, signing, holding] for name in (each.name, UNTOUCHED))
            assert honest.level is not None
            if verdict.level is None or verdict.level >= honest.level:
                continue
            demanding = each.scene.verify(holding, level_min=honest.level)

            falls += 1
            assert [failure.kind for failure in demanding.failures] == [FailureKind.LEVEL_MISSED]
            assert demanding.level is None

    assert falls > 10


@pytest.mark.parametrize(
    "attack", [attacks.repeated_keys, attacks.big_integer, attacks.carriage_returns]
)
@pytest.mark.parametrize("signing", Signing)
def test_lines_of_another_form_are_found_by_looking_deep(
    scenes: dict[Signing, Scene], tmp_path: Path, attack: attacks.Attack, signing: Signing
) -> None:
    """What readers may understand differently is no canonical line, however well it is chained."""
    scene = scenes[signing].at(tmp_path / "scene")
    attack(scene)

    found = {failure.kind for failure in scene.verify(Holding.NOTHING, is_deep=True).failures}

    assert FailureKind.NOT_CANONICAL in found


def test_what_the_attackers_write_is_what_the_owner_would_have(
    scenes: dict[Signing, Scene],
) -> None:
    """The forgers' code makes the very bytes of the ledger: the attacks do not fail by mistake."""
    for signing, scene in scenes.items():
        key = attacks.Key(ORIGIN, SEED)
        sign = key.sign if signing is Signing.ROWS else None

        assert attacks.rechained(scene.lines, sign) == scene.lines
        if signing in attacks.KEYED:
            assert key.head(scene.lines) == scene.head


REFUSED = [
    attacks.edit,
    attacks.cut_carelessly,
    attacks.byte_order_mark,
    attacks.edit_and_rechain,
    attacks.without_final_newline,
    attacks.cut,
    attacks.cut_and_continue,
    attacks.recreate,
    attacks.old_folder,
    attacks.strip,
]


@pytest.mark.parametrize("attack", REFUSED)
@pytest.mark.parametrize("signing", Signing)
def test_a_ledger_that_is_not_as_it_was_kept_is_not_opened(
    scenes: dict[Signing, Scene],
    tmp_path: Path,
    store: Path,
    attack: attacks.Attack,
    signing: Signing,
) -> None:
    """Nothing is appended to it: the refusal says what is wrong, where, and changes no byte."""
    if signing is Signing.NONE and attack is attacks.strip:
        pytest.skip("a ledger that signs nothing cannot be stripped")
    scene = scenes[signing].at(tmp_path / "scene")
    attack(scene)
    before = contents(scene.folder)

    refusal = opening(scene, store)

    assert isinstance(refusal, LedgerDamagedError | RejectionError)
    assert refusal.fix is not None
    assert contents(scene.folder) == before


@pytest.mark.parametrize("attack", [attacks.old_folder, attacks.cut])
@pytest.mark.parametrize("signing", Signing)
def test_an_older_copy_is_told_of_in_numbers(
    scenes: dict[Signing, Scene],
    tmp_path: Path,
    store: Path,
    attack: attacks.Attack,
    signing: Signing,
) -> None:
    """The refusal names both sizes, the place of the head, and what to do."""
    scene = scenes[signing].at(tmp_path / "scene")
    attack(scene)

    refusal = opening(scene, store)

    assert refusal is not None
    size = len(read(scene.folder))
    assert refusal.what == f"the ledger has {size} events, but a head over 25 is known"
    assert refusal.where == "the head that is kept elsewhere"
    assert "an older or another copy" in str(refusal.fix)


@pytest.mark.parametrize("signing", Signing)
def test_an_untouched_ledger_is_opened(
    scenes: dict[Signing, Scene], tmp_path: Path, store: Path, signing: Signing
) -> None:
    """The control: the same opening goes well where nothing was done."""
    assert opening(scenes[signing].at(tmp_path / "scene"), store) is None


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without anything, to be copied: making one anew takes longer than all else."""
    path = tmp_path_factory.mktemp("store") / "s.db"
    Store(path=path).create()
    return path


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> Path:
    """A store of the test's own."""
    return shutil.copyfile(empty_store, tmp_path / "s.db")


def opening(scene: Scene, store: Path) -> LedgerError | None:
    """What opening says to the owner, whose store keeps the head of before the attack."""
    with Store(path=store).writer((), command="attack", clock=lambda: 0, version="0") as writer:
        keeper = StoreKeeper(writer)
        keeper.replace(None, scene.kept)
        options = options_of(scene.signing, ORIGIN, SEED, None)
        try:
            open_ledger(scene.folder, replace(options, keeper=keeper)).close()
        except LedgerError as refusal:
            return refusal
    return None


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a ledger but its lock and the writer's hint, which say nothing of it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {"lock", "acknowledged"}
    }
