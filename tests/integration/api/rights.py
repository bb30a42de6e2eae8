"""What the tests of rights have in common: who tries, what is tried on which things, and by which door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from flowapp.access.policy import Action
from flowapp.jsontext import dumps
from flowapp.store.runs import NewRun
from tests.integration.api.api_approvals import a_wait
from tests.integration.api.api_server import CHAIN, Server
from tests.support.states import send, state_of

W = "/api/w/main"
#: Name of each caller, with role in the workspace and part in the folder. `olga` is an admin elsewhere, `stranger` nobody.
CALLERS = {
    "stranger": ("", None),
    "olga": ("", None),
    "vic": ("viewer", "owner"),
    "otto": ("operator", "owner"),
    "dora": ("developer", "owner"),
    "wim": ("developer", "write"),
    "rea": ("developer", "read"),
    "cleo": ("developer", None),
    "ada": ("admin", None),
}
#: What the folder itself decides, for roles that may do it at all.
ALL = ("vic", "otto", "dora", "wim", "rea", "cleo", "ada")
_OUTSIDE = {"stranger": "sign in", "olga": "none"}


def only(*names: str, hidden: tuple[str, ...] = ()) -> dict[str, str]:
    """Those who may; `hidden` do not even know of it; others are refused."""
    return {**_OUTSIDE, **{name: "yes" if name in names else "none" if name in hidden else "no" for name in ALL}}


@dataclass(frozen=True)
class Deed:
    """Something that can be done, and the action of the policy that decides it.

    `{n}` in texts is the number of the attempt, by which its things are named; other names in braces are ids of its things, also of
    those that only some deeds need (`needs`). `by_job`: a job that runs for the caller does it, not they themselves.
    """

    name: str
    action: Action
    method: str
    path: str
    allowed: dict[str, str]
    body: Any = field(default_factory=dict)
    page: tuple[type[Any], str, tuple[Any, ...]] | None = None
    #: The state as the page has it before the event: values of its fields.
    shown: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    by_job: bool = False


WRITERS = only("dora", "wim", "ada", hidden=("cleo",))
LOOKERS = only("dora", "wim", "rea", "ada", hidden=("cleo",))
READERS = only("vic", "otto", "dora", "wim", "rea", "ada", hidden=("cleo",))
OWNERS = only("dora", "ada", hidden=("cleo",))
DEVELOPERS = only("dora", "wim", "rea", "cleo", "ada")
MEMBERS = only(*ALL)
ADMINS = only("ada")
IN = "f/t{n}"
SCHEDULE = {"schedule": "0 0 9 * * *", "timezone": "UTC", "args": {}}


class Table:
    """A server with the callers, and things for each attempt: new ones after each that was let do something to them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients: dict[str, httpx.AsyncClient] = {"stranger": server.make_client(), "root": server.client}
        self.jobs: dict[str, httpx.AsyncClient] = {"stranger": server.make_client()}
        self.cookies = {"stranger": ""}
        self.count = 0
        self._whole: dict[str, str] = {}
        self._makers: dict[str, Callable[[str], Awaitable[dict[str, str]]]] = {
            "schedule": self._schedule,
            "file": self._file,
            "type": self._type,
            "value": self._value,
            "view": self._view,
            "grant": self._grant,
            "draft": self._draft,
            "flow draft": self._flow_draft,
            "wait": self._wait,
            "own run": self._own_run,
            "live run": self._live_run,
            "own live run": self._own_live_run,
            "live workflow": self._live_workflow,
        }

    async def fill(self) -> None:
        for name, (role, _) in CALLERS.items():
            if name == "stranger":
                continue
            workspace = "main" if role else "elsewhere"
            self.clients[name] = await self.server.person(name, role or "admin", workspace)
            session = await self.server.workspace.sessions.open(f"{name}@example.org", "127.0.0.1")
            self.cookies[name] = f"flowapp_session={session}"
            self.jobs[name] = await self._job_of(name)
        (await self.server.client.post("/api/groups/create", json={"name": "listed"})).raise_for_status()

    async def things(self, needs: tuple[str, ...] = ()) -> dict[str, str]:
        """A folder with things, a flow and a run with a link each, an empty one, a group, a member and an invitation, for one attempt."""
        if self._whole:
            return self._whole
        self.count += 1
        n, http = str(self.count), self.server.client
        parts = {f"u/{name}": part for name, (_, part) in CALLERS.items() if part}
        body = {
            "owners": [who for who, part in parts.items() if part == "owner"],
            "extra_perms": {who: part == "write" for who, part in parts.items() if part != "owner"},
        }
        for name in (f"t{n}", f"e{n}"):
            (await http.post(f"{W}/folders/create", json={"name": name, **body})).raise_for_status()
        draft = await self.server.draft(CHAIN, path=f"f/t{n}/flow")
        await self.server.post(draft, "deploy", {})
        for kind, made in (
            ("variables", {"path": f"f/t{n}/v", "value": "1", "is_secret": False}),
            ("resources", {"path": f"f/t{n}/r", "value": {}, "resource_type": "any"}),
            ("groups", {"name": f"g{n}"}),
            ("scripts", {"path": f"f/t{n}/s", "content": "echo 1", "language": "bash"}),
        ):
            (await http.post(f"{W}/{kind}/create", json=made)).raise_for_status()
        body = {"email": f"m{n}@example.org", "role": "viewer"}
        (await http.post(f"{W}/workspaces/add_user", json=body)).raise_for_status()
        invited = await http.post(f"{W}/workspaces/invitations/create", json={})
        run = (await http.post(f"{W}/jobs/run/f/f/t{n}/flow", json={})).text
        link = await http.post(f"{W}/runs/{run}/links", json={})
        flow_link = await http.post(f"{W}/flows/links/f/t{n}/flow", json={})
        ids = {"invitation": invited, "link": link, "flow_link": flow_link}
        made = {"n": n, "run": run, **{name: str(answer.json()["id"]) for name, answer in ids.items()}}
        made |= {"token": link.json()["token"], "flow_token": flow_link.json()["token"]}
        for one in needs:
            made |= await self._makers[one](n)
        self._whole = made
        return made

    async def by_api(self, deed: Deed, caller: str) -> str:
        named = await self.things(deed.needs)
        body = filled(deed.body, named) if deed.method == "POST" or deed.body else None
        client = (self.jobs if deed.by_job else self.clients)[caller]
        answer = await client.request(deed.method, filled(deed.path, named), json=body)
        if answer.is_success and deed.method != "GET":
            self._whole = {}
        words = {401: "sign in", 403: "no", 404: "none"}
        return "yes" if answer.is_success else words.get(answer.status_code, f"{answer.status_code} {answer.text}")

    async def by_page(self, deed: Deed, caller: str) -> str:
        assert deed.page is not None
        kind, handler, arguments = deed.page
        named = await self.things(deed.needs)
        state = state_of(kind, self.cookies[caller])
        for name, value in filled(deed.shown, named).items():
            setattr(state, name, value)
        answer = await send(state, handler, *filled(arguments, named))
        if "/signin" in str(answer):
            return "sign in"
        if state.problem == "You are not in a workspace main.":
            return "none"  # said before anything is done
        said = f"{state.problem} {getattr(state, 'error', '')}".strip()
        if not said:
            self._whole = {}
            return "yes"
        if "There is no such" in said:
            return "none"
        refusals = ("you cannot do this", "you may look", "Only the folder", "Only who keeps a view")
        return "no" if any(words in said for words in refusals) else said

    # --- things that only some deeds need -----------------------------------------------------------------------------

    async def _schedule(self, n: str) -> dict[str, str]:
        body = {**SCHEDULE, "path": f"f/t{n}/c", "script_path": f"f/t{n}/flow", "is_flow": True}
        (await self.server.client.post(f"{W}/schedules/create", json=body)).raise_for_status()
        return {}

    async def _file(self, n: str) -> dict[str, str]:
        address = f"{W}/job_helpers/upload_s3_file?file_key=f/t{n}/file.txt"
        (await self.server.client.post(address, content=b"abc")).raise_for_status()
        return {}

    async def _type(self, n: str) -> dict[str, str]:
        body = {"name": f"y{n}", "schema": {}}
        (await self.server.client.post(f"{W}/resources/type/create", json=body)).raise_for_status()
        return {}

    async def _value(self, n: str) -> dict[str, str]:
        """The resource has had another value."""
        http = self.server.client
        (await http.post(f"{W}/resources/update_value/f/t{n}/r", json={"value": {"host": "two"}})).raise_for_status()
        found = (await http.get(f"{W}/resources/history/p/f/t{n}/r")).json()["versions"]
        return {"version": str(found[-1]["id"])}

    async def _grant(self, n: str) -> dict[str, str]:
        """What is in the folder names Cleo, who has no part in it: she may look at the script and write the variable."""
        for kind, name, write in (("script", "s", False), ("flow", "flow", False), ("variable", "v", True)):
            address = f"{W}/acls/add/{kind}/f/t{n}/{name}"
            (await self.server.client.post(address, json={"owner": "u/cleo", "write": write})).raise_for_status()
        return {}

    async def _view(self, n: str) -> dict[str, str]:
        body = {"name": f"of dora {n}", "status": "failure", "shared": True}
        made = await self.clients["dora"].post(f"{W}/run_views", json=body)
        return {"view": str(made.json()["id"])}

    async def _draft(self, n: str) -> dict[str, str]:
        """A draft of Dora's with a comment of hers."""
        made = await self.clients["dora"].post(f"{W}/drafts", json={"flow": CHAIN, "path": f"u/dora/d{n}"})
        return await self._commented(str(made.json()["id"]))

    async def _flow_draft(self, n: str) -> dict[str, str]:
        """Dora's draft of the deployed flow: comments on its steps are the flow's."""
        made = await self.clients["dora"].post(f"{W}/flows/edit/f/t{n}/flow")
        return await self._commented(str(made.json()["id"]))

    async def _commented(self, draft: str) -> dict[str, str]:
        http = self.clients["dora"]
        notebook = (await http.get(f"{W}/drafts/{draft}/notebook")).json()
        cell = str(notebook["cells"][0]["id"])
        said = await http.post(f"{W}/drafts/{draft}/comments", json={"cell": cell, "text": "Why?"})
        said.raise_for_status()
        return {"draft": draft, "cell": cell, "comment": str(said.json()["id"])}

    async def _wait(self, n: str) -> dict[str, str]:
        wait = await a_wait(self.server, path=f"f/t{n}/flow")
        return {"waiting": wait.run, "waiting_job": wait.job}

    async def _own_run(self, n: str) -> dict[str, str]:
        """A run that Otto started."""
        started = await self.clients["otto"].post(f"{W}/jobs/run/f/f/t{n}/flow", json={})
        return {"own": started.text}

    async def _live_run(self, n: str) -> dict[str, str]:
        run, _ = await self._live(f"f/t{n}/flow", "admin")
        return {"live": run}

    async def _live_workflow(self, n: str) -> dict[str, str]:
        """A workflow as code that has handed out the links of an approval."""
        run, _ = await self._live(f"f/t{n}/flow", "admin", "script", ("a", "a/boss"))
        return {"live": run}

    async def _own_live_run(self, n: str) -> dict[str, str]:
        run, _ = await self._live(f"f/t{n}/flow", "otto")
        return {"live": run}

    async def _live(self, path: str, by: str, kind: str = "flow", steps: tuple[str, ...] = ("a",)) -> tuple[Any, str]:
        """A run that is under way, and the job of its last step."""
        store = self.server.workspace.store
        hashes = [await store.values.put_value(text) for text in (dumps(CHAIN), dumps({}))]
        run = await store.runs.create(
            NewRun("main", kind, hashes[0], hashes[1], by, path=path, permissioned_as=f"u/{by}")
        )
        await store.runs.claim(run.id, "test")
        rows = [self.server.engine._job(run, path, "running", None) for path in steps]
        for row in rows:
            await store.database.write(partial(store.runs.put_job, row=row.model_dump(), owner="test"))
        return run.id, rows[-1].id

    async def _job_of(self, caller: str) -> httpx.AsyncClient:
        """A job that runs with somebody's rights."""
        run, job = await self._live(f"u/{caller}/job", caller)
        row = await self.server.workspace.store.runs.get(run)
        assert row is not None
        token = await self.server.workspace.sessions.job_tokens.issue(row, job, 3600)
        return self.server.make_client({"authorization": f"Bearer {token}"})


def filled(value: Any, named: dict[str, str]) -> Any:
    """The value with the names of things in the place of words in braces."""
    match value:
        case str():
            for name, text in named.items():
                value = value.replace(f"{{{name}}}", text)
            return value
        case dict():
            return {key: filled(item, named) for key, item in value.items()}
        case tuple():
            return tuple(filled(item, named) for item in value)
        case list():
            return [filled(item, named) for item in value]
    return value
