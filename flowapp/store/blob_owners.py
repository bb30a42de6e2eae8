"""Whose a blob is. A blob is found by its hash, so a reference to it is worth its content: only a workspace that put it may refer
to it. There is no table of owners: what refers to a blob already says whose it is, and it is asked for rarely.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.blobs import REFERENCE
from flowapp.store.rows import table
from flowapp.store.tables import DraftRow, FlowVersionRow, RunRow, ValueRow

_DRAFT, _VERSION, _RUN, _VALUE = table(DraftRow), table(FlowVersionRow), table(RunRow), table(ValueRow)


def refers(connection: Connection, workspace: str, sha256: str) -> bool:
    """Whether a draft, a deployed flow or the arguments of a run of the workspace refer to the blob already."""
    if not (len(sha256) == 64 and sha256.isalnum()):
        return False
    # as `BlobRef.to_json` writes it: the hash by itself is no reference, and anybody may write it into a text
    wanted = f'"{REFERENCE}":{{"sha256":"{sha256}"'
    texts = (
        sa.select(sa.literal(1)).where(
            _DRAFT.c.workspace == workspace, _DRAFT.c.document.contains(wanted, autoescape=True)
        ),
        sa.select(sa.literal(1)).where(
            _VERSION.c.workspace == workspace, _VERSION.c.document.contains(wanted, autoescape=True)
        ),
        sa.select(sa.literal(1))
        .select_from(_RUN.join(_VALUE, _VALUE.c.hash == _RUN.c.args))
        .where(_RUN.c.workspace == workspace, _VALUE.c.text.contains(wanted, autoescape=True)),
    )
    return any(connection.execute(query.limit(1)).first() is not None for query in texts)
