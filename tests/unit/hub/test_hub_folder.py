"""A folder as a hub, and several hubs as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowapp.hub import (
    FolderHub,
    Hub,
    HubEntry,
    HubError,
    HubPath,
    HubPathInvalid,
    HubScript,
    HubScriptMissing,
    HubUnreachable,
    HubUnusable,
    Origin,
)
from flowapp.hub.hub import Source
from flowapp.hub.scripts import slug


def put(folder: Path, path: str, content: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


class TestPaths:
    def test_a_path_has_three_parts(self) -> None:
        path = HubPath.parse("hub/28145/slack/send_message")
        assert (path.version, path.app, path.name) == ("28145", "slack", "send_message")
        assert str(path) == "hub/28145/slack/send_message"

    @pytest.mark.parametrize(
        "text",
        [
            "hub/1/slack",
            "hub/x/slack/send",
            "hub/1/../send",
            "hub/1/slack/..",
            "hub/1/slack/a/b",
            "hub/1/slack/.hidden",
            "hub/1/slack/a\n",
            "hub//slack/a",
            "f/1/slack/a",
            "",
            "hub/" + "9" * 40 + "/a/b",
            "hub/1/a/" + "b" * 300,
            "hub/１/a/b",
        ],
    )
    def test_others_are_refused(self, text: str) -> None:
        with pytest.raises(HubPathInvalid):
            HubPath.parse(text)

    def test_a_title_becomes_a_name(self) -> None:
        assert slug("Send a message, now!") == "send_a_message_now"
        assert slug("日本") == "script"


class TestFolder:
    async def test_a_script_with_all_about_it(self, tmp_path: Path) -> None:
        put(tmp_path, "7/team/greet.py", "def main(name: str):\n    return name\n")
        about = "summary: Greets\nkind: trigger\nlock: |\n  requests==2\nschema: {type: object, properties: {}}\n"
        put(tmp_path, "7/team/greet.script.yaml", about)
        script = await FolderHub(tmp_path).script(HubPath.parse("hub/7/team/greet"))
        assert script == HubScript(
            path="hub/7/team/greet",
            version="7",
            content="def main(name: str):\n    return name\n",
            language="python3",
            lock="requests==2\n",
            schema=script.schema if script else None,
            summary="Greets",
            kind="trigger",
        )
        assert script is not None
        assert script.schema == '{"type":"object","properties":{}}'

    @pytest.mark.parametrize(
        ("ending", "language"),
        [("ts", "deno"), ("deno.ts", "deno"), ("bun.ts", "bun"), ("sh", "bash"), ("pg.sql", "postgresql")],
    )
    async def test_the_ending_says_the_language(self, tmp_path: Path, ending: str, language: str) -> None:
        put(tmp_path, f"1/a/b.{ending}", "x")
        script = await FolderHub(tmp_path).script(HubPath.parse("hub/1/a/b"))
        assert script is not None
        assert (script.language, script.summary, script.schema, script.kind) == (language, "", None, "script")

    async def test_what_is_not_there(self, tmp_path: Path) -> None:
        put(tmp_path, "1/a/b.script.yaml", "summary: no code\n")
        hub = FolderHub(tmp_path)
        assert await hub.script(HubPath.parse("hub/1/a/b")) is None
        with pytest.raises(HubUnusable, match="none is not there"):
            await FolderHub(tmp_path / "none").entries()
        assert await FolderHub(tmp_path / "none").script(HubPath.parse("hub/1/a/b")) is None

    async def test_changes_show_at_once(self, tmp_path: Path) -> None:
        hub = FolderHub(tmp_path)
        assert await hub.entries() == []
        put(tmp_path, "1/a/b.py", "x = 1\n")
        assert await hub.entries() == [HubEntry("hub/1/a/b", "", "script", "python3")]

    @pytest.mark.parametrize("about", ["- a\n- b\n", "a: [", "a: 1\na: 2\n"])
    async def test_a_broken_description_is_told_and_left_out_of_lists(self, tmp_path: Path, about: str) -> None:
        put(tmp_path, "1/a/b.py", "x = 1\n")
        put(tmp_path, "1/a/b.script.yaml", about)
        put(tmp_path, "1/a/good.py", "x = 1\n")
        put(tmp_path, "x/a/no_id.py", "x = 1\n")
        hub = FolderHub(tmp_path, "ours")
        with pytest.raises(HubUnusable, match=r"b\.script\.yaml of ours"):
            await hub.script(HubPath.parse("hub/1/a/b"))
        assert [entry.path for entry in await hub.entries()] == ["hub/1/a/good"]

    async def test_code_that_is_no_text(self, tmp_path: Path) -> None:
        put(tmp_path, "1/a/b.py", "")
        (tmp_path / "1/a/b.py").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(HubError, match="UTF-8"):
            await FolderHub(tmp_path).script(HubPath.parse("hub/1/a/b"))

    async def test_a_link_out_of_an_id_is_followed_only_by_the_administrator_who_made_it(self, tmp_path: Path) -> None:
        (tmp_path / "secret.py").write_text("password")
        (tmp_path / "hub" / "1" / "a").mkdir(parents=True)
        hub = FolderHub(tmp_path / "hub")
        for text in ("hub/1/a/../../../secret", "hub/1/../secret"):
            with pytest.raises(HubPathInvalid):
                await hub.script(HubPath.parse(text))


class Down:
    """A hub that does not answer."""

    name = "the hub that is down"
    origin: Origin = "http"

    async def script(self, path: HubPath, /) -> HubScript | None:
        raise HubUnreachable(f"{self.name} does not answer for {path}", "")

    async def entries(self) -> list[HubEntry]:
        raise HubUnreachable(f"{self.name} does not answer", "")


class TestAllHubs:
    async def test_each_says_what_it_lists_or_why_not(self, tmp_path: Path) -> None:
        put(tmp_path / "one", "1/a/b.py", "one")
        put(tmp_path / "two", "1/a/b.py", "hidden by the first")
        put(tmp_path / "two", "2/a/c.deno.ts", "two")
        sources: list[Source] = [
            FolderHub(tmp_path / "one"),
            FolderHub(tmp_path / "two"),
            FolderHub(tmp_path / "none"),
            Down(),
        ]
        one, two, none, down = await Hub(sources).shelves()
        assert [entry.path for entry in one.entries] == ["hub/1/a/b"]
        assert [(entry.path, entry.language) for entry in two.entries] == [("hub/2/a/c", "deno")]
        assert none.problem is not None and "is not there" in none.problem.message
        assert down.problem is not None and down.origin == "http" and down.asked

    async def test_a_hub_over_http_is_named_without_being_asked(self, tmp_path: Path) -> None:
        hub = Hub.open("http://127.0.0.1:9", str(tmp_path), tmp_path / "cache")
        starter, folder, remote = await hub.shelves(remote=False)
        assert (starter.origin, folder.origin, remote.origin) == ("starter", "folder", "http")
        assert len(starter.entries) == 12
        assert (remote.asked, remote.problem, remote.entries) == (False, None, ())

    async def test_a_script_tells_which_hub_has_it(self, tmp_path: Path) -> None:
        put(tmp_path, "1/a/b.py", "x = 1\n")
        put(tmp_path, "1/a/b.script.yaml", "summary: B\ndescription: More of it.\n")
        ours = FolderHub(tmp_path, "ours")
        script, source = await Hub([ours]).found("hub/1/a/b")
        assert (script.description, source.name, source.origin) == ("More of it.", "ours", "folder")

    async def test_the_first_that_has_it_answers(self, tmp_path: Path) -> None:
        put(tmp_path / "one", "1/a/b.py", "one")
        put(tmp_path / "two", "1/a/b.py", "two")
        put(tmp_path / "two", "2/a/c.py", "two")
        hub = Hub([FolderHub(tmp_path / "one"), FolderHub(tmp_path / "two")])
        assert (await hub.script("hub/1/a/b")).content == "one"
        assert (await hub.script("hub/2/a/c")).content == "two"

    async def test_what_nobody_has_says_who_was_asked(self, tmp_path: Path) -> None:
        hub = Hub([FolderHub(tmp_path, "ours"), FolderHub(tmp_path, "theirs")])
        with pytest.raises(HubScriptMissing) as told:
            await hub.script("hub/1/a/b")
        assert "hub/1/a/b" in told.value.message
        assert "ours, theirs" in told.value.message
        assert await hub.knows("hub/1/a/b") is False

    async def test_one_that_is_down_hides_no_other(self, tmp_path: Path) -> None:
        put(tmp_path, "1/a/b.py", "x")
        hub = Hub([FolderHub(tmp_path), Down()])
        assert [entry.path for entry in await hub.entries()] == ["hub/1/a/b"]
        assert await hub.knows("hub/1/a/b") is True
        assert await hub.knows("hub/9/a/b") is None

    async def test_the_starter_hub_is_always_there_and_can_be_searched(self, tmp_path: Path) -> None:
        hub = Hub.open("", "", tmp_path)
        found = await hub.search("csv rows")
        assert found[0].path == "hub/9000001/data/parse_csv"
        assert await hub.search("nothing like that") == []
        assert {entry.app for entry in await hub.search(app="time")} == {"time"}
        assert len(await hub.search(limit=3)) == 3
        assert await hub.search(kind="trigger") == []
        await hub.close()
