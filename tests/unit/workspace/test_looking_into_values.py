"""Trees, tables and renderings of values: what is shown, what is cut, and that nothing is rounded."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.workspace import describe, rich, table, tree
from flowapp.workspace.table import View

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


def grid(value: Any) -> table.Grid:
    found = table.grid_of(value)
    assert found is not None
    return found


class TestTree:
    def test_one_level_with_counts(self) -> None:
        assert tree.node({"a": [1, 2], "b": "text"}) == {
            "k": None,
            "t": "object",
            "n": 2,
            "c": [{"k": "a", "t": "array", "n": 2}, {"k": "b", "t": "string", "n": 4, "v": "text"}],
        }

    def test_long_texts_are_cut_and_say_so(self) -> None:
        found = tree.node("x" * 501)
        assert (len(found["v"]), found["n"], found["cut"]) == (500, 501, True)

    def test_children_come_in_pages(self) -> None:
        found = tree.node(list(range(1000)), offset=990, limit=100)
        assert [child["k"] for child in found["c"]] == list(range(990, 1000))

    @pytest.mark.parametrize("number", [2**53, -(2**53), 10**30])
    def test_integers_that_a_browser_would_round_are_texts_of_digits(self, number: int) -> None:
        assert tree.node(number) == {"k": None, "t": "number", "v": str(number)}

    def test_integers_that_a_browser_keeps_are_numbers(self) -> None:
        assert tree.node(2**53 - 1)["v"] == 2**53 - 1

    @pytest.mark.parametrize("path", [["b"], ["a", "0"], ["a", 2], ["a", -1], ["a", 0, "x"]])
    def test_a_path_to_nothing_is_said(self, path: list[str | int]) -> None:
        with pytest.raises(tree.PathMissing):
            tree.at({"a": [1, 2]}, path)

    def test_search_shows_the_way_to_each_match_and_nothing_else(self) -> None:
        value = {"people": [{"name": "Ada", "tags": ["x"]}, {"name": "Bo", "tags": ["ada"]}], "n": 1}
        found = tree.search(value, "ADA")
        people = found["c"][0]
        assert (found["matches"], found["more"], len(found["c"]), people["n"]) == (2, False, 1, 2)
        assert [[child["k"] for child in person["c"]] for person in people["c"]] == [["name"], ["tags"]]

    def test_search_stops_at_its_limit_and_says_so(self) -> None:
        found = tree.search(["x"] * 500, "x")
        assert (found["matches"], found["more"]) == (tree.MAX_MATCHES, True)

    @given(json_values)
    def test_any_value_has_a_node_that_is_json(self, value: Any) -> None:
        json.dumps(tree.node(value, depth=2))
        tree.search(value, "a")
        assert len(tree.summary(value)) < 400
        assert len(tree.preview(value)) <= 200

    @given(json_values)
    def test_a_sample_has_the_types_of_its_value(self, value: Any) -> None:
        assert tree.type_of(tree.sample(value)) == tree.type_of(value)

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ([], "no items"),
            ([1], "1 item"),
            (list(range(1234)), "1,234 items"),
            ({}, "no keys"),
            (True, "true"),
            (None, "null"),
        ],
    )
    def test_summaries(self, value: Any, text: str) -> None:
        assert tree.summary(value) == text


ROWS = [{"n": 2, "s": "b"}, {"n": None, "s": "a"}, {"n": 10, "s": "C", "extra": {"x": 1}}, {"n": "text"}]


class TestTable:
    def test_columns_are_those_of_all_rows(self) -> None:
        page = table.page(grid(ROWS), View())
        assert page["columns"] == [
            {"name": "n", "type": "mixed"},
            {"name": "s", "type": "string"},
            {"name": "extra", "type": "object"},
        ]
        assert page["rows"][2] == [10, "C", '{"x": 1}']
        assert page["rows"][3] == ["text", None, None]

    @pytest.mark.parametrize(
        ("sort", "order"), [("n:asc", [0, 2, 3, 1]), ("n:desc", [3, 2, 0, 1]), ("s:asc", [1, 0, 2, 3])]
    )
    def test_empty_cells_sort_last_either_way(self, sort: str, order: list[int]) -> None:
        assert table.page(grid(ROWS), View(sort=sort))["index"] == order

    def test_an_unknown_column_sorts_nothing(self) -> None:
        assert table.page(grid(ROWS), View(sort="nope:asc"))["index"] == [0, 1, 2, 3]

    @pytest.mark.parametrize(
        ("text", "rows"),
        [
            (">5", [2]),
            ("<=2", [0]),
            ("=10", [2]),
            ("!=10", [0]),
            ("=text", [3]),
            ("te", [3]),
            ("> x", []),
            ("", [0, 1, 2, 3]),
        ],
    )
    def test_filters(self, text: str, rows: list[int]) -> None:
        assert table.page(grid(ROWS), View(filters={"n": text}))["index"] == rows

    def test_the_csv_is_the_whole_view_and_exact(self) -> None:
        rows = [{"a": 10**20, "b": 'say "hi"\n'}, {"a": 0.1, "b": None}] * 2
        text = "".join(table.csv_chunks(grid(rows), View(sort="a:asc", limit=1)))
        assert text.splitlines()[0] == "a,b"
        assert text.count("100000000000000000000") == 2 and '"say ""hi""\n"' in text

    def test_a_spreadsheet_runs_nothing_of_the_csv(self) -> None:
        rows = [{"=a": "=1+1", "b": "-5.2"}, {"=a": "@x", "b": -3}, {"=a": "+49 30 1", "b": "a=b"}]
        lines = "".join(table.csv_chunks(grid(rows), View())).splitlines()
        assert lines == ["'=a,b", "'=1+1,-5.2", "'@x,-3", "'+49 30 1,a=b"]

    @pytest.mark.parametrize(
        ("value", "columns", "first"),
        [
            ({"table-row": [["a", "b"], [1, 2]]}, ["a", "b"], [1, 2]),
            ({"table-row": [[1, 2], [3]]}, ["1", "2"], [1, 2]),
            ({"table-col": {"a": [1, 2], "b": [3]}}, ["a", "b"], [1, 3]),
            ({"table-row-object": [["b", "a"], {"a": 1, "b": 2}]}, ["b", "a"], [2, 1]),
        ],
    )
    def test_windmills_shapes_are_tables(self, value: Any, columns: list[str], first: list[Any]) -> None:
        page = table.page(grid(value), View())
        assert ([column["name"] for column in page["columns"]], page["rows"][0]) == (columns, first)

    @pytest.mark.parametrize(
        "value", [[], [1], [{}], [{"a": 1}, 2], {"a": 1}, "x", {"table-row": 5}, {"table-col": {}}]
    )
    def test_what_is_no_table(self, value: Any) -> None:
        assert table.grid_of(value) is None

    @given(st.lists(st.dictionaries(st.text(max_size=3), json_values, max_size=4), min_size=1, max_size=8))
    def test_sorting_keeps_every_row(self, rows: list[dict[str, Any]]) -> None:
        found = table.grid_of(rows)
        if found is None:
            assert not any(rows)
            return
        for name in found.columns:
            page = table.page(found, View(sort=f"{name}:desc"))
            assert sorted(page["index"]) == list(range(len(rows)))
        json.dumps(page)


class TestRich:
    png = base64.b64encode(b"\x89PNG").decode()

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            ({"html": "<b>x</b>"}, "html"),
            ({"md": "# x"}, "markdown"),
            ({"markdown": "# x"}, "markdown"),
            ({"svg": "<svg/>"}, "image"),
            ({"chart": {"mark": "bar"}}, "chart"),
            ({"file": {"content": "eA==", "filename": "a.txt"}}, "file"),
            ({"pdf": "eA=="}, "file"),
            ({"html": 5}, None),
            ({"html": "x", "more": 1}, None),
            (["html"], None),
        ],
    )
    def test_kinds(self, value: Any, kind: str | None) -> None:
        assert rich.kind_of(value) == kind

    def test_pictures_are_data_uris_so_that_no_script_in_them_runs(self) -> None:
        shown = rich.rich_of({"svg": "<svg onload='x'/>"}, "/file")
        assert shown is not None and shown["value"].startswith("data:image/svg+xml;base64,")
        picture = rich.file_of({"svg": "<svg/>"})
        assert picture is not None and picture.inline is False

    def test_broken_base64_is_a_plain_value(self) -> None:
        assert rich.rich_of({"png": "no base64!"}, "/file") is None
        assert describe.describe({"png": "no base64!"}, "/file")["default_view"] == "json"

    def test_a_prefix_of_a_data_uri_is_taken_off(self) -> None:
        found = rich.file_of({"png": f"data:image/png;base64,{self.png}"})
        assert found is not None and found.content == b"\x89PNG"

    def test_what_an_agent_gives_is_its_answer(self) -> None:
        value = {"output": "Four.", "messages": [{"role": "user", "content": "How much?"}]}
        shown = describe.describe(value, "/file")
        assert (shown["views"], shown["title_text"]) == (["chat", "json"], "Four.")
        assert shown["rich"] == {"kind": "chat", "value": value}
        assert rich.file_of(value) is None
        assert describe.describe({**value, "output": {"n": 4}}, "/file")["title_text"] == "1 key"
        assert rich.kind_of({**value, "more": 1}) is None
        assert rich.kind_of({"output": 1, "messages": ["hi"]}) is None
        big = {**value, "output": "x" * 300_000}
        assert describe.describe(big, "/file")["views"] == ["json"]

    def test_big_content_comes_by_url(self) -> None:
        shown = rich.rich_of({"html": "x" * 300_000}, "/file")
        assert shown == {"kind": "html", "value": None, "size": 300_000, "url": "/file", "name": "html"}


class TestDescribe:
    def test_a_list_of_objects_opens_as_a_table(self) -> None:
        found = describe.describe([{"a": 1}] * 497, "/file")
        assert (found["default_view"], found["title_text"], len(found["table"]["rows"])) == ("table", "497 items", 50)

    def test_a_failed_step_opens_as_its_error(self) -> None:
        value = {"error": {"name": "ValueError", "message": "no", "stack": "Traceback…", "line": 3}}
        found = describe.describe(value, "/file", failed=True)
        assert (found["kind"], found["error"]["line"], found["title_text"]) == ("error", 3, "ValueError: no")

    def test_a_successful_result_that_looks_like_an_error_is_a_value(self) -> None:
        assert describe.describe({"error": {"name": "x"}}, "/file")["kind"] == "value"

    @given(json_values)
    def test_any_value_can_be_described(self, value: Any) -> None:
        for failed in (False, True):
            found = describe.describe(value, "/file", failed=failed)
            assert found["default_view"] in found["views"]
            json.dumps(found)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"s3": "/a/b.png"}, {"key": "a/b.png", "storage": ""}),
        ({"s3": "b.csv", "storage": None}, {"key": "b.csv", "storage": ""}),
        ({"s3": "b.csv", "storage": "old", "presigned": "exp=1"}, {"key": "b.csv", "storage": "old"}),
        ({"s3": ""}, None),
        ({"s3": "/"}, None),
        ({"s3": 1}, None),
        ({"s3": "b.csv", "rows": 2}, None),
    ],
)
def test_the_name_of_a_stored_file_is_shown_as_a_file(value: Any, shown: Any) -> None:
    described = describe.describe(value, "")
    assert (described["rich"] or {}).get("value") == shown
    assert described["default_view"] == ("stored" if shown else described["views"][0])
    assert rich.file_of(value) is None
