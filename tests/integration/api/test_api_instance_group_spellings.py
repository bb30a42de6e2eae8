"""How names of instance groups and emails in them may be written."""

from __future__ import annotations

import pytest

from flowapp.store import groups, identities
from flowapp.store.clock import now
from flowapp.store.tables import UserRow
from tests.integration.api.api_server import Server
from tests.integration.api.test_api_instance_groups import G, groups_of, linked, made


class TestEmails:
    @pytest.mark.parametrize("way", ["create", "adduser", "update", "overwrite"])
    async def test_an_email_counts_however_its_letters_are_written(self, server: Server, way: str) -> None:
        ann = await server.person("ann", "developer")
        written = ["Ann@Example.org", "Nobody@Example.org"]
        people = {"emails": [*written, "ann@example.org"]}
        if way == "create":
            await server.client.post(f"{G}/create", json={"name": "ops", **people})
        else:
            await made(server, "ops")
        await linked(server, "crew", "ops")
        if way == "adduser":
            for email in written:
                await server.client.post(f"{G}/adduser/ops", json={"email": email})
        elif way != "create":
            path, body = ("update/ops", people) if way == "update" else ("overwrite", [{"name": "ops", **people}])
            answer = await server.client.post(f"{G}/{path}", json=body)
            assert answer.status_code == 200, answer.text
        assert await groups_of(ann) == ["all", "crew"]
        emails = (await server.client.get(f"{G}/get/ops")).json()["emails"]
        assert emails == ["Nobody@Example.org", "ann@example.org"]  # of the account's spelling; without one, as written
        await server.client.post(f"{G}/removeuser/ops", json={"email": "ANN@example.org"})
        assert await groups_of(ann) == ["all"]

    async def test_an_account_that_looks_like_another_is_not_it(self, server: Server) -> None:
        ann, database = await server.person("ann", "developer"), server.workspace.store.database
        like = UserRow(email="ANN@example.org", username="ann2", created_at=now())
        await database.write(lambda c: identities.add_user(c, like))
        await made(server, "ops")
        await linked(server, "crew", "ops")
        await server.client.post(f"{G}/adduser/ops", json={"email": "Ann@example.org"})
        assert await groups_of(ann) == ["all"]
        await server.client.post(f"{G}/adduser/ops", json={"email": "ann@example.org"})
        assert await database.read(lambda c: groups.everybody_in(c, "main", "crew")) == ["ann"]
