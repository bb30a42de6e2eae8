"""Groups of the whole installation with Windmill's unmodified command line: `wmill instance pull` and `push`.

The tests of this file follow each other.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.integration.clients.wmill import Wmill
from tests.live import TOKEN, Live

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILE = "instance_groups.yaml"
ONLY_GROUPS = ("--skip-users", "--skip-settings", "--skip-configs", "--yes")


async def test_groups_are_pulled_and_pushed(server: Live, program: Path, tmp_path: Path) -> None:
    wmill = Wmill(program, server.url, tmp_path)
    given = ("--instance", "here", "--base-url", server.url, "--token", TOKEN)
    nothing = await wmill("instance", "pull", *ONLY_GROUPS, *given)
    assert "No instance-level changes to apply" in nothing
    pushed = [
        {"name": "nights", "emails": []},
        {"name": "ops", "summary": "Operations", "id": "7", "emails": ["ann@example.org", "bob@example.org"]},
    ]
    wmill.write({FILE: yaml.safe_dump(pushed)})
    said = await wmill("instance", "push", *ONLY_GROUPS, *given)
    assert "+ instance group ops" in said and "Groups pushed to the instance" in said
    again = await wmill("instance", "push", *ONLY_GROUPS, *given)
    assert "No instance-level changes to apply" in again

    body = {"name": "crew", "instance_group": "ops", "members": ["admin"]}
    await server.post("groups/create", body, status=200)
    (tmp_path / FILE).unlink()
    assert "+ instance group ops" in await wmill("instance", "pull", *ONLY_GROUPS, *given)
    assert yaml.safe_load((tmp_path / FILE).read_text()) == pushed

    wmill.write({FILE: yaml.safe_dump([{**pushed[1], "emails": ["ann@example.org"]}])})
    said = await wmill("instance", "push", *ONLY_GROUPS, *given)
    assert "- instance group nights" in said and "~ instance group ops" in said
    assert (await server.get("groups/get/crew"))["instance_group"] == "ops"

    wmill.write({FILE: yaml.safe_dump([{"name": "ops", "instance_role": "superadmin"}])})
    refused = await wmill("instance", "push", *ONLY_GROUPS, *given, code=1)
    assert "gives no role here" in refused


async def test_a_workspaces_groups_keep_their_link_through_a_sync(server: Live, program: Path, tmp_path: Path) -> None:
    wmill = Wmill(program, server.url, tmp_path)
    wmill.write({"wmill.yaml": "defaultTs: bun\nincludes: ['f/**']\nexcludes: []\nincludeGroups: true\n"})
    await wmill("sync", "pull", "--yes")
    (file,) = (tmp_path / "groups").glob("crew.group.yaml")
    said = yaml.safe_load(file.read_text())
    assert said == {"summary": "", "members": ["u/admin"], "admins": []}
    file.write_text(yaml.safe_dump({**said, "summary": "The crew"}))
    await wmill("sync", "push", "--yes")
    found = await server.get("groups/get/crew")
    assert (found["summary"], found["instance_group"], found["members"]) == ("The crew", "ops", ["admin"])
