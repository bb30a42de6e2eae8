"""The application as the states of pages see it: canned answers, and who asked for what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reflex_base.event import EventSpec

from flowapp.access.identity import Identity
from flowapp.settings import Settings
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.many_runs import Outcome

VIEW = {
    "id": "v1",
    "name": "Nightly",
    "status": "failure",
    "path": "f/x",
    "shared": False,
    "owner_name": "Ada",
    "mine": True,
    "may": {"edit": True, "share": True, "delete": True},
}


ADA = Identity("main", "ada@example.org", "ada", "developer")


FACTS: dict[str, Any] = {
    "isolation": {"label": "Full", "mechanisms": {"own user": True, "seccomp": False}, "notes": ["a note"]},
    "languages": {
        "python3": {"available": True, "version": "3.11.7"},
        "nativets": {"available": True, "version": "1.4.5", "runs_on": "bun"},
        "go": {"available": False, "version": None, "note": "Go 1.27.3 is fetched when a cell first needs it"},
        "bigquery": {"available": True, "version": "3.47.0", "note": "Its driver is installed by the first cell."},
        "bun": {"available": True, "version": None, "note": "Bun is not installed: why"},
        "php": {"available": False, "version": None, "note": "Install it with: sudo apt install php-cli"},
    },
    "pools": {"script": {"idle": 4, "target": 5}, "nativets": {"idle": 0, "target": 0}},
}


def made_token(kind: str, **more: Any) -> dict[str, Any]:
    found = {"kind": kind, "token_prefix": f"{kind}_1", "device": "", "address": "", "label": "", "current": False}
    return {**found, "expiration": None, "last_used_at": "2026-11-29", "scopes": None, "workspace_id": None, **more}


TOKENS = [
    made_token("session", device="Firefox on Linux", address="10.0.0.1"),
    made_token("session", token_prefix="session_2", current=True),
    made_token("api", label="ci", scopes=["jobs:run"], workspace_id="main"),
]


class FakeSessions:
    def account(self, person: str) -> Identity:
        assert person == "ada"
        return ADA

    async def person(self, token: str) -> str | None:
        return "ada" if token == "good" else None

    async def identity(self, person: str, workspace: str) -> Identity:
        assert person == "ada"
        return ADA if workspace == "main" else Identity(workspace, ADA.email, "ada", "none")


class FakeMembers:
    """The workspace's members: what is listed, or one person where that are runs."""

    def __init__(self, of: FakeWorkspace) -> None:
        self.of = of

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of, name)

    async def listing(self, identity: Identity) -> list[dict[str, Any]]:
        filters = self.of.filters
        listed = await self.of.listing(identity)
        self.of.filters = filters
        return [{"username": "ada"}] if any("number" in row for row in listed) else listed


class FakeWorkspace:
    """What states ask for; each call notes the identity it came with."""

    def __init__(self) -> None:
        self.sessions = FakeSessions()
        self.flows = self.runs = self.run_filters = self.new_drafts = self.many_runs = self
        self.schedules = self.scripts = self.variables = self.resources = self.resource_types = self.usages = (
            self.packages
        ) = self.runtimes = self.script_uses = self
        self.members = FakeMembers(self)
        self.invitations = self.accounts = self.groups = self.folders = self.audit_trail = self
        self.instance_groups = FakeInstanceGroups(self)
        self.resource_history = FakeHistory(self)
        self.settings = Settings(home=Path("nowhere"))
        self.asked: list[Identity] = []
        self.listed: list[dict[str, Any]] = []
        self.fails: Exception | None = None
        self.filters: dict[str, Any] = {}
        self.edited_at = "2026-11-29T10:00:00Z"
        self.own = ["main"]

    async def workspaces(self, person: str) -> dict[str, Any]:
        assert person == "ada"
        return {"email": ADA.email, "workspaces": [{"id": name} for name in self.own]}

    async def listing(self, identity: Identity, *query: Any, **filters: Any) -> list[dict[str, Any]]:
        self.asked.append(identity)
        self.filters = filters
        if self.fails:
            raise self.fails
        return self.listed

    async def create(self, identity: Identity, *body: Any, **given: Any) -> dict[str, str]:
        self.asked.append(identity)
        self.created = given
        self.bodies = body
        if self.fails:
            raise self.fails
        return {"id": "d1", "path": "u/ada/x"}

    async def get(self, identity: Identity, path: str, **how: Any) -> dict[str, Any]:
        self.asked.append(identity)
        return {
            **VIEW,
            "id": path,
            "path": path,
            "name": path,
            "summary": "",
            "members": ["bo"],
            "owners": ["u/ada"],
            "extra_perms": {"g/crew": False},
            "email": "bo@example.org",
            "role": "viewer",
            "is_secret": True,
            "value": None,
            "description": "d",
            "resource_type": "any",
            "schedule": "0 0 9 * * *",
            "timezone": "UTC",
            "is_flow": True,
            "script_path": "f/a/b",
            "no_flow_overlap": True,
            "edited_at": self.edited_at,
        }

    async def update(self, identity: Identity, path: str, body: dict[str, Any]) -> str:
        self.asked.append(identity)
        self.updated = body
        return path

    async def delete(self, identity: Identity, path: str) -> None:
        self.asked.append(identity)

    async def of(self, identity: Identity, kind: str, path: str = "") -> list[str]:
        self.asked.append(identity)
        return [f"flow f/team/{kind}"]

    async def counts(self, identity: Identity) -> dict[str, int]:
        self.asked.append(identity)
        return {"shop": 1200, "one": 1}

    async def signature(self, identity: Identity, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(identity)
        return {"schema": {"title": body["language"]}, "problem": None}

    async def archive(self, identity: Identity, *, path: str) -> None:
        self.asked.append(identity)

    async def holdings(self, identity: Identity, name: str) -> list[str]:
        self.asked.append(identity)
        if self.fails:
            raise self.fails
        return [f"schedule u/{name}/daily runs as them"]

    async def welcome(self, identity: Identity, body: dict[str, Any]) -> tuple[str, str]:
        self.asked.append(identity)
        return "cy", "/signin?token=fi_x&next=/account"

    async def sign_in_link(self, person: str, body: dict[str, Any]) -> str:
        assert person == "ada"
        self.asked.append(ADA)
        return "/signin?token=fi_y"

    async def users(self, identity: Identity, name: str) -> list[str]:
        self.asked.append(identity)
        return [f"owner of folder {name}"]

    async def names(self, identity: Identity) -> list[str]:
        self.asked.append(identity)
        return ["all"]

    async def usage(self, identity: Identity, name: str) -> dict[str, int]:
        self.asked.append(identity)
        return {"flows": 2, "scripts": 1, "variables": 0}

    async def whoami(self, person: str) -> dict[str, Any]:
        assert person == "ada"
        self.asked.append(ADA)
        return {"email": "ada@example.org", "username": "ada"}

    async def has_password(self, person: str) -> bool:
        return person == "ada"

    async def tokens(self, person: str) -> list[dict[str, Any]]:
        assert person == "ada"
        self.asked.append(ADA)
        if self.fails:
            raise self.fails
        return TOKENS

    async def set_password(self, person: str, body: dict[str, Any]) -> None:
        assert person == "ada"
        self.asked.append(ADA)
        self.updated = body

    async def delete_token(self, person: str, prefix: str) -> str:
        assert person == "ada"
        self.asked.append(ADA)
        return prefix

    async def end_other_sessions(self, person: str) -> int:
        assert person == "ada"
        self.asked.append(ADA)
        return 1

    async def create_token(self, person: str, body: dict[str, Any]) -> str:
        assert person == "ada"
        self.asked.append(ADA)
        self.updated = body
        return "fa_new"

    async def again(self, identity: Identity, run_ids: Sequence[str]) -> Outcome:
        self.asked.append(identity)
        return Outcome(len(run_ids), ("Not this one.",))

    cancel = again
    remove = revoke = delete

    def preview(self, identity: Identity, body: dict[str, Any]) -> list[str]:
        self.asked.append(identity)
        if body["schedule"] == "never":
            raise BadRequest("'never' is not a schedule.", "Write five fields.")
        return ["2026-11-30T09:00:00Z"]

    async def set_enabled(self, identity: Identity, path: str, enabled: bool) -> None:
        self.asked.append(identity)

    def describe(self) -> dict[str, Any]:
        self.asked.append(ADA)
        return FACTS

    async def show(self, person: str) -> dict[str, Any]:
        assert person == "ada"
        self.asked.append(ADA)
        built = [{"language": "go", "programs": 0, "bytes": 0, "limit_bytes": 500 << 20}]
        return {"folders": [], "bytes": 0, "cache_bytes": 0, "limit_bytes": 1 << 30, "built": built}

    clear = show

    async def from_deployed(self, identity: Identity, path: str) -> dict[str, str]:
        return await self.create(identity)


class FakeHistory:
    """A resource that had two other values."""

    def __init__(self, workspace: FakeWorkspace) -> None:
        self.of_workspace = workspace
        self.restored: list[int] = []

    async def of(self, identity: Identity, path: str) -> dict[str, Any]:
        self.of_workspace.asked.append(identity)
        rows = [{"id": 9 - n, "version": 3 - n, "created_at": f"2026-11-2{n}", "created_by": "bo"} for n in range(3)]
        return {"versions": rows, "versioned": True}

    async def get(self, identity: Identity, version_id: int) -> dict[str, Any]:
        self.of_workspace.asked.append(identity)
        if self.of_workspace.fails:
            raise self.of_workspace.fails
        return {"id": version_id, "value": {"host": "one"}, "missing_references": ["$var:f/a/gone"]}

    async def restore(self, identity: Identity, version_id: int) -> str:
        self.of_workspace.asked.append(identity)
        if self.of_workspace.fails:
            raise self.of_workspace.fails
        self.restored.append(version_id)
        return "restored"


class FakeInstanceGroups:
    """What is of the installation and no workspace: calls come with the person."""

    def __init__(self, workspace: FakeWorkspace) -> None:
        self.of = workspace

    def _asked(self, person: str) -> None:
        assert person == "ada"
        self.of.asked.append(ADA)
        if self.of.fails:
            raise self.of.fails

    async def listing(self, person: str, *, linked: bool) -> list[dict[str, Any]]:
        self._asked(person)
        assert linked
        return self.of.listed

    async def get(self, person: str, name: str) -> dict[str, Any]:
        self._asked(person)
        places = [{"workspace_id": "main", "workspace_name": "Main", "groups": ["crew", "night"]}]
        return {"name": name, "summary": None, "emails": ["a@example.org", "b@example.org"], "workspaces": places}

    async def create(self, person: str, body: dict[str, Any]) -> str:
        self._asked(person)
        self.of.updated = body
        return str(body["name"])

    async def update(self, person: str, name: str, body: dict[str, Any]) -> None:
        self._asked(person)
        self.of.updated = {"name": name, **body}

    async def delete(self, person: str, name: str) -> None:
        self._asked(person)


def target(answer: Any) -> str:
    """Where a redirect goes."""
    assert isinstance(answer, EventSpec)
    return str(dict(answer.args and [(str(k), v) for k, v in answer.args])["path"]).strip('"')
