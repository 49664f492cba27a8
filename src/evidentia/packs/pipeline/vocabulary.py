"""The closed vocabularies of the pipeline's tables, and how other words become one of theirs.

A value is looked for in three ways, and the first that finds one counts:

1. *as stated*: it is a word of the vocabulary;
2. *spelling*: it is one, but for case, hyphens or blanks instead of underscores, or the forms that
   Unicode holds for the same (a micro sign for the letter mu, a plain digit for a lowered one);
3. *synonym*: the vocabulary lists it.

A value that none of them finds belongs to no word, and its record is refused with that reason.
What was stated stays in the ledger's event, and a mapped value is told of beside the row.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final


class Rule(StrEnum):
    """By which rule a value was found."""

    AS_STATED = "as_stated"
    SPELLING = "spelling"
    SYNONYM = "synonym"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word of a vocabulary, and the rule that led to it."""

    value: str
    rule: Rule


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The words that a column may hold.

    Attributes:
        values: The words, in the order in which they are documented.
        synonyms: Other words, spelt as ``plain`` spells them, and the word that each stands for.
    """

    values: tuple[str, ...]
    synonyms: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _spellings(self) -> dict[str, str]:
        return {plain(value): value for value in self.values}

    def find(self, stated: str) -> Word | None:
        """The word that a stated value stands for; None where no rule knows it."""
        if stated in self.values:
            return Word(value=stated, rule=Rule.AS_STATED)
        spelt = plain(stated)
        if spelt in self._spellings:
            return Word(value=self._spellings[spelt], rule=Rule.SPELLING)
        if spelt in self.synonyms:
            return Word(value=self.synonyms[spelt], rule=Rule.SYNONYM)
        return None

    def __str__(self) -> str:
        """The words, for a message."""
        return ", ".join(self.values)


def plain(text: str) -> str:
    """A word without the differences that spelling makes."""
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    return folded.replace("-", "_").replace(" ", "_")


OPERATION: Final = Vocabulary(
    values=(
        "validation",
        "generation",
        "normalization",
        "extraction",
        "emission",
        "canonicalization",
        "receipt",
        "dry_run",
        "watch",
    ),
    synonyms={
        # What is run to see whether something holds.
        "test": "validation",
        "check": "validation",
        "validate": "validation",
        "verify": "validation",
        # What goes through the stages and leaves files; a recovery does so again after an error.
        "build": "generation",
        "error_recovery": "generation",
        "generate": "generation",
        "recovery": "generation",
        "scaffold": "generation",
        "scaffolding": "generation",
        "sync": "generation",
        # One stage by itself, by its verb or in the other spelling.
        "canonicalisation": "canonicalization",
        "canonicalize": "canonicalization",
        "emit": "emission",
        "extract": "extraction",
        "normalisation": "normalization",
        "normalize": "normalization",
    },
)
_PASSED: Final = {
    "completed": "passed",
    "ok": "passed",
    "pass": "passed",
    "succeeded": "passed",
    "success": "passed",
}
_FAILED: Final = {"error": "failed", "fail": "failed", "failure": "failed"}
_CANCELLED: Final = {"aborted": "cancelled", "canceled": "cancelled"}
_COMPLETED: Final = {
    "ok": "completed",
    "passed": "completed",
    "succeeded": "completed",
    "success": "completed",
}
RECEIPT_STATUS: Final = Vocabulary(
    values=("passed", "failed", "partial", "cancelled"),
    synonyms={**_PASSED, **_FAILED, **_CANCELLED},
)
AUDIT_STATUS: Final = Vocabulary(
    values=("started", "completed", "failed", "skipped"), synonyms={**_COMPLETED, **_FAILED}
)
SESSION_STATUS: Final = Vocabulary(
    values=("running", "completed", "failed", "cancelled"),
    synonyms={"started": "running", **_COMPLETED, **_FAILED, **_CANCELLED},
)
STAGE_STATUS: Final = Vocabulary(values=("passed", "failed"), synonyms={**_PASSED, **_FAILED})
STAGE: Final = Vocabulary(
    values=("μ₁_normalize", "μ₂_extract", "μ₃_emit", "μ₄_canonicalize", "μ₅_receipt"),
    synonyms={
        "normalize": "μ₁_normalize",
        "extract": "μ₂_extract",
        "emit": "μ₃_emit",
        "canonicalize": "μ₄_canonicalize",
        "receipt": "μ₅_receipt",
        "mu1_normalize": "μ₁_normalize",
        "mu2_extract": "μ₂_extract",
        "mu3_emit": "μ₃_emit",
        "mu4_canonicalize": "μ₄_canonicalize",
        "mu5_receipt": "μ₅_receipt",
    },
)
COLLISION_TYPE: Final = Vocabulary(
    values=("file_conflict", "memory_conflict", "semantic_overlap", "structural_overlap")
)
COLLISION_SEVERITY: Final = Vocabulary(
    values=("info", "warning", "critical"), synonyms={"warn": "warning"}
)
SLO_SEVERITY: Final = Vocabulary(values=("warning", "critical"), synonyms={"warn": "warning"})
