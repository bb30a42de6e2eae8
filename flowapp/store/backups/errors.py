"""What can go wrong with a backup.

BackupError           backup.error
├── BackupUnusable    backup.unusable
└── RestoreRefused    backup.restore_refused
"""

from __future__ import annotations

from flowapp.errors import FlowappError


class BackupError(FlowappError):
    """A backup could not be made."""

    code = "backup.error"


class BackupUnusable(BackupError):
    """The file is no backup, is damaged, or is one of a later version."""

    code = "backup.unusable"


class RestoreRefused(BackupError):
    """There is something already where the backup would go, or its key is not the one here; nothing was changed."""

    code = "backup.restore_refused"
