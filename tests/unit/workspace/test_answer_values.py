"""What is shown of an answer to a request for approval."""

from __future__ import annotations

from flowapp.jsontext import dumps
from flowapp.store.tables import ResumeEventRow
from flowapp.workspace.approval_views import values_of


def test_passwords_inside_of_an_answer_are_hidden() -> None:
    host = {"type": "object", "properties": {"host": {}, "pw": {"type": "string", "format": "password"}}}
    form = {"properties": {"servers": {"type": "array", "items": host}, "note": {"type": "string"}}}
    payload = dumps({"servers": [{"host": "h1", "pw": "w0rd-one"}], "note": "n1"})
    event = ResumeEventRow(
        job_id="j", resume_id=1, run_id="r", workspace="main", approved=True, at="2026-01-01T00:00:00Z", payload=payload
    )
    said = repr(values_of(event, form))
    assert ("h1" in said, "n1" in said, "w0rd-one" in said) == (True, True, False)
