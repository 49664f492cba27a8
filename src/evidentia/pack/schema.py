"""A pack's JSON Schema out of its package's ``schema.json``."""

from __future__ import annotations

import json
from importlib import resources
from typing import Final

from evidentia.errors import PackError
from evidentia.pack.contract import EventSchema

_FILE: Final = "schema.json"


def load_schema(package: str, *, name: str, version: int) -> EventSchema:
    """The schema in ``schema.json`` of a package, under the pack's own name and version for it.

    Whether it is a valid JSON Schema is for ``evidentia.pack.conformance`` to say.

    Raises:
        PackError: There is no such package or file, or it holds no JSON object.
    """
    try:
        document: object = json.loads((resources.files(package) / _FILE).read_text("utf-8"))
    except (OSError, ModuleNotFoundError, ValueError) as error:
        raise _unreadable(package, str(error)) from error
    if not isinstance(document, dict):
        raise _unreadable(package, f"it holds a {type(document).__name__}, not an object")
    return EventSchema(name=name, version=version, document=document)


def _unreadable(package: str, cause: str) -> PackError:
    return PackError(
        f"the schema cannot be read: {cause}",
        where=f"{_FILE} of package {package}",
        fix="put a JSON object there, and see that the wheel includes it",
    )
