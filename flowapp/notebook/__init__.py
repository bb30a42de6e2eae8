"""The document core of the notebook: operations, wires, cell states, run plans and views.

Pure: no IO, no clock, no database, no Reflex, and no id is drawn here. Everything that can happen to a document is an
operation, so that undo, audit, paste, an accepted proposal and a colleague's edit are the same thing.
"""

from __future__ import annotations

from flowapp.notebook.causes import Cause
from flowapp.notebook.codec import decode, decode_all, encode
from flowapp.notebook.definition import Definition, definition_of
from flowapp.notebook.document import Document
from flowapp.notebook.errors import DocumentUnusable, Rejected
from flowapp.notebook.fingerprint import fingerprint
from flowapp.notebook.operations import Applied, Operation, apply, apply_all
from flowapp.notebook.plan import Plan, plan
from flowapp.notebook.records import CellRecord, Live, Taken, reads_taken
from flowapp.notebook.staleness import CellState, states
from flowapp.notebook.view import cell_view, view

__all__ = [
    "Applied",
    "Cause",
    "CellRecord",
    "CellState",
    "Definition",
    "Document",
    "DocumentUnusable",
    "Live",
    "Operation",
    "Plan",
    "Rejected",
    "Taken",
    "apply",
    "apply_all",
    "cell_view",
    "decode",
    "decode_all",
    "definition_of",
    "encode",
    "fingerprint",
    "plan",
    "reads_taken",
    "states",
    "view",
]
