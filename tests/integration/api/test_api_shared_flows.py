"""What a link to a flow shows, and what of secrets no link shows."""

from __future__ import annotations

import base64

import pytest

from flowapp.jsontext import dumps
from flowapp.store import identities
from tests.integration.api.api_server import CHAIN, Server, flow_of, js, script
from tests.integration.api.api_sharing import W, archive, execute, links, of_flow, of_run, run_of, share, shareable


class TestFlows:
    async def test_a_stranger_sees_the_flow_and_the_dialog_sees_the_stranger(self, server: Server) -> None:
        where = await shareable(server, "flow")
        path = await share(server.client, where, days=1, note="for Ann")
        stranger = server.make_client()
        page = await stranger.get(path)
        assert page.status_code == 200 and "Test flow" in page.text and "f/team/chain" in page.text
        assert "Version 1, deployed" in page.text and "def main" in page.text and "results.a" in page.text
        assert "for Ann" not in page.text and "admin" not in page.text and "<script" not in page.text
        assert page.headers["referrer-policy"] == "no-referrer" and page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "noindex" in page.headers["x-robots-tag"] and "noindex" in page.text
        (row,) = await links(server, where)
        assert (row["note"], row["created_by"], row["opened"]) == ("for Ann", "admin", 1)
        entries = (await server.client.get(f"{W}/audit/list?operations=link.create,link.open,link.delete")).json()
        assert [entry["operation"] for entry in entries] == ["link.open", "link.create"]
        assert entries[0]["username"] == f"link:{row['id']}" and entries[0]["address"] == "127.0.0.1"
        assert entries[0]["resource"] == "f/team/chain"

    async def test_it_shows_the_version_that_is_deployed_now_and_no_result(self, server: Server) -> None:
        server.engine.answers = {"a": "result of a run"}
        draft = await server.draft(CHAIN, path="f/team/chain")
        await server.post(draft, "deploy", {})
        path = await share(server.client, of_flow("f/team/chain"))
        await server.client.post(f"{W}/jobs/run/f/f/team/chain", json={})
        cell = (await server.notebook(draft))["cells"][0]["id"]
        await server.edit(draft, {"op": "set_title", "cell": cell, "title": "Written later"})
        page = await server.make_client().get(path)
        assert "Version 1" in page.text and "Written later" not in page.text and "result of a run" not in page.text
        await server.post(draft, "deploy", {})
        page = await server.make_client().get(path)
        assert "Version 2" in page.text and "Written later" in page.text

    async def test_it_rests_while_archived_follows_the_flow_and_ends_with_it(self, server: Server) -> None:
        path = await share(server.client, await shareable(server, "flow"))

        async def status() -> int:
            return (await server.make_client().get(path)).status_code

        async def set_archived(to: bool) -> None:
            answer = await server.client.post(f"{W}/flows/archive/f/team/chain", json={"archived": to})
            assert answer.status_code == 200

        await set_archived(True)
        assert await status() == 404
        await set_archived(False)
        assert await status() == 200
        moved = {**(await server.client.get(f"{W}/flows/get/f/team/chain")).json(), "path": "f/team/moved"}
        assert (await server.client.post(f"{W}/flows/update/f/team/chain", json=moved)).status_code == 200
        assert await status() == 200 and len(await links(server, of_flow("f/team/moved"))) == 1
        await server.client.delete(f"{W}/flows/delete/f/team/moved")
        assert await status() == 404
        await server.client.post(f"{W}/flows/create", json=moved)
        assert await status() == 404, "what is stored there now is another flow"

    async def test_links_of_an_archived_flow_are_seen_and_revoked(self, server: Server) -> None:
        where = await shareable(server, "flow")
        await share(server.client, where)
        kept = await share(server.client, where)
        await archive(server)
        listed = await links(server, where)
        assert len(listed) == 2
        assert (await server.client.post(where, json={})).status_code == 404, "no new ones"
        assert (await server.client.delete(f"{where}/{listed[1]['id']}")).status_code == 200
        assert [row["id"] for row in await links(server, where)] == [listed[0]["id"]]
        assert (await server.make_client().get(kept)).status_code == 404
        vic = await server.person("vic", "viewer")
        assert (await vic.get(where)).status_code == 403
        assert (await server.client.get(of_flow("f/team/never"))).status_code == 404

    @pytest.mark.parametrize("by", ["create", "deploy"])
    async def test_a_link_does_not_open_the_next_flow_at_an_archived_path(self, server: Server, by: str) -> None:
        path = await share(server.client, await shareable(server, "flow"))
        await archive(server)
        if by == "create":
            flow = {**CHAIN, "path": "f/team/chain"}
            assert (await server.client.post(f"{W}/flows/create", json=flow)).status_code == 201
        else:
            await server.post(await server.draft(CHAIN, path="f/team/next"), "deploy", {"path": "f/team/chain"})
        assert (await server.client.get(f"{W}/flows/get/f/team/chain")).status_code == 200
        assert (await server.make_client().get(path)).status_code == 404
        assert await links(server, of_flow("f/team/chain")) == []

    async def test_a_draft_is_not_shared(self, server: Server) -> None:
        await server.draft(CHAIN, path="f/team/draft")
        assert (await server.client.post(of_flow("f/team/draft"), json={})).status_code == 404

    async def test_whether_one_may_share_is_told_with_the_form(self, server: Server) -> None:
        await run_of(server)
        for client, may in ((server.client, True), (await server.person("vic", "viewer"), False)):
            assert (await client.get(f"{W}/flows/schema/f/team/chain")).json()["may_share"] is may

    async def test_secrets_of_who_deployed_and_of_who_shares_are_hidden(self, server: Server) -> None:
        ada, bea = await server.person("ada", "developer"), await server.person("bea", "developer")
        secrets = {"ada": "adas-s3cret", "bea": "beas-s3cret"}
        for name, client in (("ada", ada), ("bea", bea)):
            about = {"path": f"u/{name}/key", "value": secrets[name], "is_secret": True, "description": ""}
            assert (await client.post(f"{W}/variables/create", json=about)).status_code == 201
        code = f"def main():\n    # {' '.join(secrets.values())} Oslo\n    return 1\n"
        cell = script(
            "a", code, db={"type": "static", "value": "$res:u/ada/db"}, password={"type": "static", "value": "p-1"}
        )
        flow = {**flow_of(cell), "path": "f/team/keys"}
        assert (await ada.post(f"{W}/flows/create", json=flow)).status_code == 201
        page = (await server.make_client().get(await share(bea, of_flow("f/team/keys")))).text
        assert "Oslo" in page and "•••••" in page
        for hidden in (*secrets.values(), "$res:", "p-1"):
            assert hidden not in page, hidden


class TestSecrets:
    """Nothing that is a secret, or looks like one, is on any page of a link."""

    VARIABLE = "corr3ct-horse/battery=1"
    PLAIN = "resource-passw0rd"
    TYPED = "typed-by-somebody"
    READ = "read-by-a-job-42"

    async def pages(self, server: Server) -> str:
        http = server.client
        variable = {"path": "u/admin/key", "value": self.VARIABLE, "is_secret": True, "description": ""}
        assert (await http.post(f"{W}/variables/create", json=variable)).status_code == 201
        resource = {
            "path": "u/admin/db",
            "value": {"host": "db.example.org", "password": self.PLAIN},
            "resource_type": "any",
        }
        assert (await http.post(f"{W}/resources/create", json=resource)).status_code == 201
        encoded = base64.b64encode(self.VARIABLE.encode()).decode()
        server.engine.answers = {
            "a": {
                "said": f"with {self.VARIABLE} inside and {encoded}",
                "db": {"host": "db.example.org", "password": "anything"},
                "rows": [{"note": self.PLAIN, "api_key": "k-1"}, {"note": self.TYPED}, {"note": self.READ}],
            },
            "b": f"{self.TYPED} {self.READ}",
        }
        flow = flow_of(
            script("a", "def main():\n    return 1\n", n=js("1")),
            script("b", "def main():\n    return 1\n"),
            who={"type": "string"},
            pin={"type": "string", "format": "password"},
            db={"type": "object"},
            token={"type": "string"},
        )
        server.engine.hold = True
        run = await run_of(server, flow, who="Ann", pin=self.TYPED, db="$res:u/admin/db", token="t-123")
        server.workspace.store.masks.note(run, self.READ)
        await server.engine.finish(run)
        args = await server.workspace.store.values.put_value(
            dumps({"n": "$var:u/admin/key", "head": f"Basic {encoded}", "city": "Oslo"})
        )
        log = f"open db\npassword={self.PLAIN}\nkey {self.VARIABLE}\n{self.READ}\nAuthorization: Token abc-777\n"
        await execute(server, f"UPDATE job SET args = '{args}' WHERE run_id = '{run}' AND path = 'a'")
        await execute(server, f"UPDATE log SET text = '{log}' WHERE run_id = '{run}' AND path = 'a'")
        path = await share(http, of_run(run))
        answers = [await server.make_client().get(f"{path}{query}") for query in ("", "?step=a", "?step=b")]
        assert {answer.status_code for answer in answers} == {200}
        return "".join(answer.text for answer in answers)

    async def test_nothing_secret_is_shown_and_the_rest_is(self, server: Server) -> None:
        shown = await self.pages(server)
        assert "(hidden)" not in shown, "all that is hidden looks alike"
        for seen in ("Ann", "Oslo", "db.example.org", "open db", "inside", "•••••"):
            assert seen in shown, seen
        hidden = (
            self.VARIABLE,
            self.PLAIN,
            self.TYPED,
            self.READ,
            "anything",
            "k-1",
            "t-123",
            "abc-777",
            "$res:",
            "$var:",
        )
        for secret in (*hidden, base64.b64encode(self.VARIABLE.encode()).decode()):
            assert secret not in shown, secret

    async def test_nor_after_the_run_s_person_has_left(self, server: Server) -> None:
        await server.person("bea", "admin")
        who = await server.workspace.sessions.identity_named("admin", "main")
        await self.pages(server)
        await server.workspace.store.database.write(lambda c: identities.remove_member(c, "main", who.email))
        bea = server.make_client(
            {"authorization": f"Bearer {await server.workspace.sessions.issue_api_token('bea@example.org', 't')}"}
        )
        run = (await bea.get(f"{W}/runs")).json()[0]["id"]
        page = await server.make_client().get(f"{await share(bea, of_run(run))}?step=a")
        assert page.status_code == 200 and "inside" in page.text
        assert self.VARIABLE not in page.text and self.PLAIN not in page.text

    async def test_errors_are_clean_too(self, server: Server) -> None:
        server.engine.failing = {"a": {"name": "Refused", "message": "no: token=abc-777", "stack": "at x\npwd: 'p-9'"}}
        path = await share(server.client, of_run(await run_of(server)))
        for query in ("", "?step=a"):
            page = (await server.make_client().get(f"{path}{query}")).text
            assert "Refused" in page and "at x" in page and "abc-777" not in page and "p-9" not in page

    async def test_a_long_log_and_a_large_value_are_cut(self, server: Server) -> None:
        server.engine.answers = {"a": "x" * (3 << 20)}
        run = await run_of(server)
        await execute(
            server, f"UPDATE log SET text = '{('y' * 99 + chr(10)) * 2000}' WHERE run_id = '{run}' AND path = 'a'"
        )
        page = (await server.make_client().get(f"{await share(server.client, of_run(run))}?step=a")).text
        assert "Too large for this page: 3.0 MB." in page and "The beginning of a long log." in page
        assert 60_000 < page.count("y") < 70_000
