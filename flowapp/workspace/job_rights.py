"""What of the policy lists of jobs need as conditions of a query: which runs an identity may read.

`access.policy.decide` stays the authority: a test compares the two over many identities and runs.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Allowed, Target, decide
from flowapp.store import jobs
from flowapp.store.jobs import Readable


def readable(connection: Connection, identity: Identity) -> Readable:
    """The runs that the identity may read."""
    paths, cells = None, True
    if identity.scopes is not None:
        # limited tokens are rare, and their scopes may be any pattern: the policy itself is asked, path by path
        paths = tuple(path for path in jobs.paths(connection, identity.workspace) if _may_read(identity, path))
        cells = _may_read(identity, "")
    if identity.role == "admin":
        return Readable(everything=True, paths=paths, cells=cells)
    closed_folders = (f"f/{name}/" for name, right in identity.folders.items() if right == "none")
    return Readable(
        username=identity.username,
        open_prefixes=(f"u/{identity.username}/", *(f"g/{name}/" for name in sorted(identity.groups))),
        closed_prefixes=("u/", "g/", *closed_folders),
        open_flows=tuple(path for kind, path in identity.grants if kind == "flow"),
        open_scripts=tuple(path for kind, path in identity.grants if kind == "script"),
        paths=paths,
        cells=cells,
    )


def _may_read(identity: Identity, path: str) -> bool:
    """Whether the token's scopes cover own runs of a path; those of cells have none."""
    target = Target(identity.workspace, "run", path=path, owner=identity.username)
    return isinstance(decide(identity, "run.read", target), Allowed)
