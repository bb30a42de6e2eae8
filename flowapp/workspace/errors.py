"""What can go wrong in a use-case, in words for people.

WorkspaceError
├── BadRequest          request.invalid             400
├── NotStored           workspace.not_stored        404
├── AlreadyThere        workspace.already_there     400
├── OutputMissing       output.missing              404
├── OutputUnreadable    output.unreadable           500
├── DraftConflict       draft.conflict              409
├── EditRejected        (the rejection's own code)  409
├── NothingToUndo       draft.nothing_to_undo       409
├── EditedSince         draft.edited_since          409
├── DocumentRejected    document.invalid            422  (with the list of problems)
├── PathTaken           flow.path_taken             409
├── NewerVersion        flow.newer_version          409
├── MergeOutdated       draft.merge_outdated        409
├── PathInvalid         flow.path_invalid           422
├── NothingToRun        run.nothing_to_run          409
├── AsksFirst           run.asks_first              409  (cells with outside effects wait for consent)
├── JobIdTaken          job.id_taken                400
├── JobOver             job.over                    409
├── JobNotOver          job.not_over                404  (there is no result yet)
├── DataDeleted         job.deleted                 410  (its data is gone, as the flow, step or script asked)
├── QueueTooLong        job.queue_too_long          429
├── WaitedTooLong       job.waited_too_long         504
├── UploadTooLarge      upload.too_large            413
├── UploadNotText       upload.not_text             415
├── AnswerInvalid       approval.invalid            422  (with the problems by field)
└── InputMissing        input.missing               404
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowapp.errors import FlowappError


class WorkspaceError(FlowappError):
    """Base of this room's errors."""

    code = "workspace.error"


class BadRequest(WorkspaceError):
    """The request does not have the shape that this place needs."""

    code = "request.invalid"


class NotStored(WorkspaceError):
    """Nothing is stored at that path, or under that hash, name or id."""

    code = "workspace.not_stored"
    status = 404


class AlreadyThere(WorkspaceError):
    """Something else is stored there; nothing was overwritten."""

    code = "workspace.already_there"


class OutputMissing(WorkspaceError):
    """The step has no such output, or there is nothing at that path in it."""

    code = "output.missing"
    status = 404


class OutputUnreadable(WorkspaceError):
    """The output is stored but could not be read in the time and memory at hand."""

    code = "output.unreadable"
    status = 500


class DraftConflict(WorkspaceError):
    """Somebody else changed the same code meanwhile; nothing was overwritten."""

    code = "draft.conflict"
    status = 409


class EditRejected(WorkspaceError):
    """The document core refused an operation; `code` is the rejection's own (`notebook.…`)."""

    code = "notebook.rejected"
    status = 409

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.rejection = code

    def to_json(self) -> dict[str, str]:
        """The error body, with the rejection's code."""
        return {"code": self.rejection, "message": self.message, "hint": self.hint}


class NothingToUndo(WorkspaceError):
    """There is no edit to take back (or to do again)."""

    code = "draft.nothing_to_undo"
    status = 409


class EditedSince(WorkspaceError):
    """The edit that was to be taken back is not the last one any more."""

    code = "draft.edited_since"
    status = 409


class DocumentRejected(WorkspaceError):
    """A document has errors, so it was not imported or deployed; `problems` says where."""

    code = "document.invalid"
    status = 422

    def __init__(self, message: str, hint: str, problems: Sequence[dict[str, Any]]) -> None:
        super().__init__(message, hint)
        self.problems = list(problems)


class PathTaken(WorkspaceError):
    """Another flow has the path."""

    code = "flow.path_taken"
    status = 409


class NewerVersion(WorkspaceError):
    """Somebody deployed a version of the flow after the one that the draft comes from; nothing was overwritten."""

    code = "flow.newer_version"
    status = 409


class MergeOutdated(WorkspaceError):
    """The draft or the flow changed after the two were compared; nothing was taken in."""

    code = "draft.merge_outdated"
    status = 409


class PathInvalid(WorkspaceError):
    """Not a path that a flow can have."""

    code = "flow.path_invalid"
    status = 422


class NothingToRun(WorkspaceError):
    """The asked cells need no run, or cannot run."""

    code = "run.nothing_to_run"
    status = 409


class AsksFirst(WorkspaceError):
    """Running would repeat outside effects; nothing was started."""

    code = "run.asks_first"
    status = 409

    def __init__(self, message: str, hint: str, cells: Sequence[str]) -> None:
        super().__init__(message, hint)
        self.cells = list(cells)


class JobIdTaken(WorkspaceError):
    """A job of the asked id exists already; nothing was started."""

    code = "job.id_taken"


class JobOver(WorkspaceError):
    """The job does not run (any more)."""

    code = "job.over"
    status = 409


class JobNotOver(WorkspaceError):
    """The job has not ended, so there is no result of it yet."""

    code = "job.not_over"
    status = 404


class DataDeleted(WorkspaceError):
    """The job's arguments, result and logs were deleted after it ended."""

    code = "job.deleted"
    status = 410


class QueueTooLong(WorkspaceError):
    """More jobs wait than the caller's `queue_limit`; nothing was started."""

    code = "job.queue_too_long"
    status = 429


class WaitedTooLong(WorkspaceError):
    """A synchronous call waited for as long as it may; the job goes on."""

    code = "job.waited_too_long"
    status = 504


class UploadTooLarge(WorkspaceError):
    """The body is bigger than this place takes."""

    code = "upload.too_large"
    status = 413


class UploadNotText(WorkspaceError):
    """An uploaded input is not UTF-8 text."""

    code = "upload.not_text"
    status = 415


class InputMissing(WorkspaceError):
    """The flow has no input of that name, or it has no value."""

    code = "input.missing"
    status = 404


class AnswerInvalid(WorkspaceError):
    """The answer to a request does not fit its form; nothing was decided, and `problems` says what is wrong by field."""

    code = "approval.invalid"
    status = 422

    def __init__(self, message: str, problems: Mapping[str, str]) -> None:
        super().__init__(message, "Correct it and answer again.")
        self.problems = dict(problems)
