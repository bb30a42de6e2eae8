"""Named stand-ins of a cell: values that can take the place of its result. They lie beside the cell and are no part of the document.

The one in force is the module's `mock`, as OpenFlow has it: choosing a stand-in writes it there, and nothing else says which
one it is. A mock that was written elsewhere therefore counts as the stand-in of the same value, or as one without a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.jsontext import canonical
from flowapp.notebook import errors
from flowapp.notebook.document import CellId, Document
from flowapp.notebook.errors import Rejected
from flowapp.notebook.records import pinned_value
from flowapp.notebook.trees import ByIdentity

KEY = "stand_ins"
"""Where they lie beside a cell: name → value."""
MOST = 20
LONGEST_NAME = 60
LARGEST = 64 * 1024
"""Characters of a value as JSON."""


def stand_ins_of(document: Document, cell: CellId) -> Mapping[str, Any]:
    """The stand-ins of a cell by name, in the order in which they were kept."""
    found = document.about(cell).get(KEY)
    return found if isinstance(found, Mapping) else {}


def in_force(module: Mapping[str, Any], kept: Mapping[str, Any]) -> str | None:
    """The name of the stand-in that the module hands on instead of running; None where it runs, or its value has no name."""
    pinned, value = pinned_value(module)
    if not pinned or not kept:
        return None
    return _names(kept).get(_text_of(value))


def _by_text(kept: Mapping[str, Any]) -> dict[str, str]:
    """Names by the text of their value; of those with equal values the first."""
    return {canonical(value): name for name, value in reversed([*kept.items()])}


#: States are computed after each edit, and values may be long: they are read once for as long as they are the same objects.
_text_of: ByIdentity[str] = ByIdentity(canonical, size=256)
_names: ByIdentity[dict[str, str]] = ByIdentity(_by_text, size=256)


def refusal(kept: Any) -> Rejected | None:
    """Why something cannot be the stand-ins of a cell, or None."""
    if not isinstance(kept, Mapping) or not kept:
        return errors.bad_stand_in_name(LONGEST_NAME)
    if any(not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME for name in kept):
        return errors.bad_stand_in_name(LONGEST_NAME)
    if len(kept) > MOST:
        return errors.too_many_stand_ins(MOST)
    if any(len(canonical(value)) > LARGEST for value in kept.values()):
        return errors.stand_in_too_large(LARGEST)
    return None
