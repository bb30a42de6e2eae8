"""The tables of Flowapp's own database (DBOS keeps its own, in a file or schema of its own).

Values (arguments, results) are never stored in these rows: rows hold the content hash of a `value`, so that equal results
are stored once and a row stays small. Times are UTC, ISO 8601 with microseconds, as text: they sort, and read the same on
SQLite and PostgreSQL.
"""

from __future__ import annotations

from flowapp.store.tables.approvals import ApprovalMessageRow, ApprovalNoteRow
from flowapp.store.tables.comments import CommentRow, StepRenameRow
from flowapp.store.tables.documents import (
    DraftCellRow,
    DraftOperationRow,
    DraftRow,
    FlowVersionRow,
    ScriptRow,
    TempScriptRow,
)
from flowapp.store.tables.machines import ExecutorRow, LeafRow
from flowapp.store.tables.nouns import ResourceRow, ResourceTypeRow, ResourceVersionRow, VariableRow
from flowapp.store.tables.people import (
    AclRow,
    AuditRow,
    FolderRow,
    GroupMemberRow,
    GroupRow,
    InstanceGroupMemberRow,
    InstanceGroupRow,
    InvitationRow,
    MemberRow,
    TokenRow,
    UserRow,
    WorkspaceRow,
)
from flowapp.store.tables.run_views import RunViewRow
from flowapp.store.tables.runs import FlowStateRow, JobRow, LogRow, ResultRow, RunRow, WipeRow
from flowapp.store.tables.schedules import ScheduleRow, TickRow
from flowapp.store.tables.sharing import SharedLinkRow
from flowapp.store.tables.values import BlobChunkRow, BlobRow, CounterRow, FactRow, ValueRow
from flowapp.store.tables.waits import DebounceRow, ResumeEventRow, SlotRow, SuspensionRow

__all__ = [
    "AclRow",
    "ApprovalMessageRow",
    "ApprovalNoteRow",
    "AuditRow",
    "BlobChunkRow",
    "BlobRow",
    "CommentRow",
    "CounterRow",
    "DebounceRow",
    "DraftCellRow",
    "DraftOperationRow",
    "DraftRow",
    "ExecutorRow",
    "FactRow",
    "FlowStateRow",
    "FlowVersionRow",
    "FolderRow",
    "GroupMemberRow",
    "GroupRow",
    "InstanceGroupMemberRow",
    "InstanceGroupRow",
    "InvitationRow",
    "JobRow",
    "LeafRow",
    "LogRow",
    "MemberRow",
    "ResourceRow",
    "ResourceTypeRow",
    "ResourceVersionRow",
    "ResultRow",
    "ResumeEventRow",
    "RunRow",
    "RunViewRow",
    "ScheduleRow",
    "ScriptRow",
    "SharedLinkRow",
    "SlotRow",
    "StepRenameRow",
    "SuspensionRow",
    "TempScriptRow",
    "TickRow",
    "TokenRow",
    "UserRow",
    "ValueRow",
    "VariableRow",
    "WipeRow",
    "WorkspaceRow",
]
