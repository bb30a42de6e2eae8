"""What can go wrong between the server and its data.

StoreError
├── DatabaseUnsupported   store.database_unsupported
├── DatabaseAway          store.database_away
├── HomeInUse             store.home_in_use
├── DatabaseClosed        store.closed
├── OwnershipLost         store.ownership_lost
├── ValueMissing          store.value_missing
├── ValueTooLarge         store.value_too_large
├── ApprovalUsed          approval.used
├── ApprovalClosed        approval.closed
├── TooManySecrets        store.too_many_secrets
├── BlobMissing           store.blob_missing
├── ObjectMissing         object.missing
└── ObjectsAway           object.storage_away
"""

from __future__ import annotations

from sqlalchemy.exc import OperationalError

from flowapp.errors import FlowappError

DatabaseFailed = OperationalError
"""What a database says of itself and not of the statement: a broken connection, no space, a lock that it never got."""


class StoreError(FlowappError):
    """Base of the errors of this room."""

    code = "store.error"
    status = 500


class DatabaseUnsupported(StoreError):
    """`DATABASE_URL` names a database that this version cannot use."""

    code = "store.database_unsupported"


class DatabaseAway(StoreError):
    """PostgreSQL does not answer, or does not let us in."""

    code = "store.database_away"
    status = 503


class HomeInUse(StoreError):
    """Another server has the data folder open: two writers would each believe to be alone."""

    code = "store.home_in_use"


class DatabaseClosed(StoreError):
    """The server is stopping and takes no more writes."""

    code = "store.closed"
    status = 503


class OwnershipLost(StoreError):
    """A segment wrote to a run that another one has taken over; the write was refused and the segment must stop."""

    code = "store.ownership_lost"
    status = 409


class ValueTooLarge(StoreError):
    """A value is wanted in memory and is larger than that allows."""

    code = "store.value_too_large"
    status = 413


class ValueMissing(StoreError):
    """A row names a value that is not stored (any more)."""

    code = "store.value_missing"
    status = 404


class BlobMissing(StoreError):
    """A value names a blob whose file is gone."""

    code = "store.blob_missing"
    status = 404


class ObjectMissing(StoreError):
    """There is no stored file of that key."""

    code = "object.missing"
    status = 404


class ObjectsAway(StoreError):
    """What keeps the files of scripts does not answer, or refuses."""

    code = "object.storage_away"
    status = 502


class ApprovalUsed(StoreError):
    """The (job, resume id) of an answer is spent: each is used once."""

    code = "approval.used"
    status = 409


class ApprovalClosed(StoreError):
    """The request was decided, timed out, or its run ended: it takes no more answers."""

    code = "approval.closed"
    status = 409


class TooManySecrets(StoreError):
    """A run has read more secrets than can be kept out of its logs."""

    code = "store.too_many_secrets"
    status = 400
