"""The examples of the documentation: read out of a page, run, and compared.

A fenced block that is marked ``console`` holds commands, each on a line that begins with ``$ ``
(and goes on behind ``> `` on the lines below), and what they print. ``...`` stands for
anything within a line, and on a line of its own for any lines. All examples of a page run in one
bash, in one scratch folder that looks like a checkout; nothing they do touches the real one.

    python tests/docs/console.py README.md ..

writes what the commands print now into each example that no longer matches.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]
COPIED: Final = ("examples", "tools", "src/evidentia/packs")
"""What examples may read, by its place in a checkout."""
TIMEOUT_SECONDS: Final = 300
_BLOCK: Final = re.compile(r"^```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK: Final = "\x1e"
_VOLATILE: Final = (
    re.compile(r"(?<= in )[\d.]+(?= s\b)"),
    re.compile(r"[\d,]+(?= events/s)"),
    re.compile(r"/[^ ]*/checkout(?=/)"),
    re.compile(r"(?<=^content digest )[0-9a-f]{64}$"),
    re.compile(r"[\d,]+(?= bytes free)"),
)
_PIP: Final = """\
set -e
mkdir -p {folder}/acme_pack-1.0.dist-info
cp -R "$2"/src/acme_pack {folder}
cd {folder}/acme_pack-1.0.dist-info
printf 'Metadata-Version: 2.1\\nName: acme-pack\\nVersion: 1.0\\n' > METADATA
printf '[evidentia.packs]\\nacme = acme_pack:PACK\\n' > entry_points.txt
echo Successfully installed acme-pack-1.0"""
"""Leaves what ``pip install examples/acme-pack`` leaves, without a network."""
_ENDING: Final = re.compile(f"{_MARK}(\\d+){_MARK}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A command and what it prints.

    Attributes:
        line: Where the command stands in the page, counted from 1.
        expected: Lines without trailing white space.
    """

    line: int
    command: str
    expected: tuple[str, ...]


def examples_of(text: str) -> tuple[Example, ...]:
    """Every example of a page, in order."""
    found: list[Example] = []
    for block in _BLOCK.finditer(text):
        first_line = text.count("\n", 0, block.start("body")) + 1
        found += _examples_in(block["body"].splitlines(), first_line)
    return tuple(found)


def _examples_in(lines: Sequence[str], first_line: int) -> list[Example]:
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    if not starts or starts[0]:
        raise ValueError(f"the block at line {first_line} does not begin with a command")
    examples = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        rest = itertools.takewhile(_goes_on, lines[start + 1 : end])
        command = [lines[start].removeprefix("$ "), *(line[2:] for line in rest)]
        output = tuple(line.rstrip() for line in lines[start + len(command) : end])
        examples.append(
            Example(line=first_line + start, command="\n".join(command), expected=output)
        )
    return examples


def _goes_on(line: str) -> bool:
    return line == ">" or line.startswith("> ")


def outputs_of(examples: Sequence[Example], folder: Path) -> list[tuple[str, ...]]:
    """What each example prints, standard error included, when all run in a scratch folder.

    Args:
        examples: In order; each finds what those before it left.
        folder: An empty folder, in which a place is made to look like a checkout.
    """
    place = _prepared(folder)
    mark = f"status=$?; printf '{_MARK}%d{_MARK}\\n' $status; (exit $status)"
    script = "\n".join(["exec 2>&1", *(f"{each.command}\n{mark}" for each in examples)])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=place,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    parts = _ENDING.split(done.stdout.decode("utf-8"))[:-1:2]
    if len(parts) != len(examples):
        raise ValueError(f"{len(parts)} of {len(examples)} examples ran; then: {done.stdout!r}")
    return [_lines(part) for part in parts]


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.rstrip() for line in text.splitlines())


def _prepared(folder: Path) -> Path:
    place = folder / "checkout"
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
        shutil.copytree(CHECKOUT / name, place / name, ignore=ignored)
    programs = folder / "bin"
    programs.mkdir()
    python = shlex.quote(sys.executable)
    for name, script in (
        ("evidentia", f'exec {python} -m evidentia "$@"'),
        ("python", f'exec {python} "$@"'),
        ("python3", f'exec {python} "$@"'),
        ("pip", _PIP.format(folder=shlex.quote(str(folder / "installed")))),
    ):
        program = programs / name
        program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        program.chmod(0o755)
    return place


def _environment(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return {
        **inherited,
        "PATH": os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join([str(folder / "installed"), str(CHECKOUT / "src")]),
        "PYTHONUTF8": "1",
        "HOME": str(folder),
        "TZ": "UTC",
        "NO_COLOR": "1",
    }


def is_match(expected: Sequence[str], actual: Sequence[str]) -> bool:
    """Whether output is what a page says, where ``...`` stands for anything."""
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == "..." else f"{_pattern_of(line)}\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in actual)) is not None


def _pattern_of(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("..."))


def _stable(line: str) -> str:
    """A line of output with ``...`` for what differs from run to run."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for pattern in (*_VOLATILE, re.compile(rf"{today}T[\d:.]+Z?")):
        line = pattern.sub("...", line)
    return line


def refreshed(text: str, outputs: Sequence[tuple[str, ...]]) -> str:
    """A page whose examples print what they printed just now, where that does not match."""
    lines = text.splitlines()
    # From the end, so that the numbers of the lines before stay right.
    for example, actual in reversed(list(zip(examples_of(text), outputs, strict=True))):
        if not is_match(example.expected, actual):
            start = example.line - 1 + len(example.command.splitlines())
            lines[start : start + len(example.expected)] = [_stable(line) for line in actual]
    return "\n".join(lines) + "\n"


def main(names: Sequence[str]) -> None:
    """Refresh the pages named."""
    for name in names:
        page = Path(name)
        text = page.read_text("utf-8")
        with tempfile.TemporaryDirectory() as folder:
            page.write_text(refreshed(text, outputs_of(examples_of(text), Path(folder))), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
