"""What tests of approvals have in common: a run that waits for one, its links, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flowapp.jsontext import dumps, loads
from flowapp.store import groups
from flowapp.store.approval_shapes import NewSuspension
from flowapp.store.clock import seconds_ago
from flowapp.store.runs import NewRun, job_id
from flowapp.store.tables import GroupRow
from tests.integration.api.api_server import Server

FORM = {
    "type": "object",
    "order": ["centre", "amount", "urgent", "reason"],
    "required": ["centre", "amount"],
    "properties": {
        "centre": {"type": "string", "title": "Cost centre", "enum": ["4711 Payouts", "4712 Fees"]},
        "amount": {"type": "number", "title": "Amount", "minimum": 1, "default": 10},
        "urgent": {"type": "boolean", "title": "Urgent"},
        "reason": {"type": "string", "description": "In a few words", "pattern": "^[a-z ]*$"},
    },
}


@dataclass
class Wait:
    run: str
    job: str
    path: str


async def a_wait(
    server: Server, *, path: str = "f/pay/out", required: int = 1, by: str = "admin", wait: bool = True, **terms: Any
) -> Wait:
    """A run whose step `a` waits (or will wait) for approval."""
    store = server.workspace.store
    suspend = {"required_events": required, **({"resume_form": {"schema": terms["form"]}} if "form" in terms else {})}
    suspend |= {name: terms[name] for name in ("user_auth_required", "self_approval_disabled") if name in terms}
    module = {"id": "a", "summary": "Pay?", "suspend": suspend, "value": {"type": "identity"}}
    schema = {
        "type": "object",
        "properties": {"total": {"type": "number", "title": "Total"}, "pin": {"password": True}},
    }
    document = dumps({"summary": "Payout", "value": {"modules": [module]}, "schema": schema})
    args = dumps({"total": 12.5, "pin": "1234", "<b>": "<script>alert(1)</script>"})
    hashes = [await store.values.put_value(text) for text in (document, args)]
    new = NewRun("main", "flow", hashes[0], hashes[1], by, path=path, summary="Payout", permissioned_as=f"u/{by}")
    run = await store.runs.create(new)
    await store.runs.claim(run.id, "test")
    step = server.engine._job(run, "a", "success", None)
    await store.database.write(lambda c: store.runs.put_job(c, step.model_dump(), "test"))
    if wait:
        suspension = NewSuspension(
            run.id,
            "a",
            job_id(run.id, "a"),
            "main",
            required,
            (run.id,),
            {"step_id": "a", "summary": "Pay?", **terms},
            seconds_ago(-3600),
        )
        await store.database.write(lambda c: store.approvals.open(c, suspension))
    return Wait(run.id, job_id(run.id, "a"), "a")


async def urls(server: Server, wait: Wait, resume_id: int = 7, **query: Any) -> dict[str, str]:
    answer = await server.client.get(f"/api/w/main/jobs/resume_urls/{wait.job}/{resume_id}", params=query)
    assert answer.status_code == 200, answer.text
    return {name: urlsplit(url)._replace(scheme="", netloc="").geturl() for name, url in answer.json().items()}


async def status(server: Server, wait: Wait) -> str:
    store = server.workspace.store
    row = await store.database.read(lambda c: store.approvals.get(c, wait.run, wait.path))
    return row.status if row is not None else "none"


async def payloads(server: Server, wait: Wait) -> list[Any]:
    store = server.workspace.store
    rows = await store.database.read(lambda c: store.approvals.events_of(c, wait.run, wait.path))
    return [loads(row.payload) for row in rows]


async def in_group(server: Server, group: str, name: str) -> None:
    def work(connection: Any) -> None:
        if groups.get(connection, "main", group) is None:
            groups.put(connection, GroupRow(workspace="main", name=group))
        groups.add_member(connection, "main", group, name)

    await server.workspace.store.database.write(work)
    server.workspace.sessions.rights_changed()
