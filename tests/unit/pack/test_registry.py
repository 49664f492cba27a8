"""How packs are found by entry points, and what stops them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evidentia.errors import PackError, UsageError
from evidentia.pack.contract import Pack
from evidentia.pack.registry import find_pack, load_packs

MODULE = """\
from evidentia.event.fieldmap import FieldMap
from evidentia.pack.contract import Pack
def pack(name, **more):
    return Pack(name=name, version=1, title="A pack", fields=FieldMap(kind=("kind",)), **more)
zebra, ant, misnamed = pack("zebra"), pack("ant"), pack("other")
outdated = pack("outdated", contract_version=0)
no_pack = {"name": "no_pack"}
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution with entry points where the interpreter finds it."""
    (tmp_path / "sample_packs.py").write_text(MODULE)
    (tmp_path / "broken_pack.py").write_text("raise RuntimeError('no licence')")
    # Nothing but what a test installs may be found.
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "sample_packs", raising=False)

    def put(distribution: str, **points: str) -> None:
        folder = tmp_path / f"{distribution.replace('-', '_')}-2.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.0\n"
        )
        lines = [f"{name} = {value}" for name, value in points.items()]
        (folder / "entry_points.txt").write_text("\n".join(["[evidentia.packs]", *lines]))

    return put


def test_packs_come_in_name_order(install: Install) -> None:
    """Every installed pack is found, whichever distribution it comes from."""
    install("zoo", zebra="sample_packs:zebra")
    install("hill", ant="sample_packs:ant")

    packs = load_packs()

    assert [(name, pack.name) for name, pack in packs.items()] == [
        ("ant", "ant"),
        ("zebra", "zebra"),
    ]


@pytest.mark.usefixtures("install")
def test_no_packs_are_no_error() -> None:
    """Without any distribution the answer is empty."""
    packs = load_packs()

    assert packs == {}


@pytest.mark.parametrize(
    ("name", "value", "what", "fix"),
    [
        ("gone", "no_such_module:PACK", "'gone' does not load: ModuleNotFoundError", "acme-packs"),
        ("gone", "sample_packs:nothing", "'gone' does not load: AttributeError", "acme-packs"),
        ("broken", "broken_pack:PACK", "'broken' does not load: RuntimeError: no licence", "mend"),
        (
            "no_pack",
            "sample_packs:no_pack",
            "'no_pack' is a dict, not an evidentia.pack Pack",
            "PACK",
        ),
        ("named", "sample_packs:misnamed", "'named' calls itself 'other'", "the same name"),
        ("outdated", "sample_packs:outdated", "written for contract 0", "fit together"),
    ],
)
def test_a_pack_that_does_not_load_stops_with_cause_and_fix(
    install: Install, name: str, value: str, what: str, fix: str
) -> None:
    """The error names pack, distribution, version, cause and fix: nothing is silently left out."""
    install("acme-packs", **{name: value})

    with pytest.raises(PackError) as caught:
        load_packs()

    assert what in caught.value.what
    assert caught.value.where == f"acme-packs 2.0 ({value})"
    assert fix in (caught.value.fix or "")


def test_a_pack_error_at_import_keeps_its_words(install: Install, tmp_path: Path) -> None:
    """What a pack says about its own .sql files reaches the reader."""
    (tmp_path / "sample_packs.py").write_text(
        "from evidentia.pack.queries import load_queries\nload_queries('no_such_package')"
    )
    install("acme-packs", ant="sample_packs:ant")

    with pytest.raises(PackError, match="does not load: there is no package no_such_package"):
        load_packs()


def test_two_distributions_with_one_name_are_refused(install: Install) -> None:
    """Which of two packs of one name reads a log must never depend on the order of a folder."""
    install("zoo", ant="sample_packs:ant")
    install("hill", ant="sample_packs:zebra")

    with pytest.raises(PackError, match="pack 'ant' is offered twice") as caught:
        load_packs()

    assert caught.value.where == "hill 2.0 (sample_packs:zebra) and zoo 2.0 (sample_packs:ant)"


def test_find_pack_gives_the_pack(install: Install) -> None:
    """A known name gives its pack."""
    install("zoo", zebra="sample_packs:zebra")

    pack = find_pack("zebra", load_packs())

    assert isinstance(pack, Pack)
    assert pack.name == "zebra"


@pytest.mark.parametrize(
    ("asked", "fix"),
    [("zebar", "use one of: zebra"), ("whale", "use one of: ant, zebra")],
)
def test_find_pack_lists_what_there_is(install: Install, asked: str, fix: str) -> None:
    """A mistyped name is answered with its nearest names, any other with all names."""
    install("zoo", zebra="sample_packs:zebra", ant="sample_packs:ant")

    with pytest.raises(UsageError, match=f"there is no pack '{asked}'") as caught:
        find_pack(asked, load_packs())

    assert caught.value.fix == fix


def test_find_pack_says_when_there_are_none() -> None:
    """Without packs the advice is to install some."""
    with pytest.raises(UsageError) as caught:
        find_pack("world", {})

    assert caught.value.fix == "install a distribution with packs"


def test_import_discovers_nothing() -> None:
    """Discovery costs time and may fail, so it runs when asked for and never at import."""
    code = (
        "import sys, importlib.metadata as m\n"
        "m.entry_points = lambda **_: sys.exit('discovered at import')\n"
        "import evidentia.pack.registry\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
