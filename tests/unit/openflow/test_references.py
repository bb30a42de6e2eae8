"""What expressions refer to, and renaming in one expression."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.openflow.references import References, find, function_body, member, rename, simple_path


class TestFind:
    @pytest.mark.parametrize(
        ("expr", "steps"),
        [
            ("results.a", {"a"}),
            ("results.a.b[0].c", {"a"}),
            ("results?.a?.b", {"a"}),
            ('results["a-b"]', {"a-b"}),
            ("results['a']", {"a"}),
            ("results?.['a']", {"a"}),
            ("results[`a`]", {"a"}),
            ("results['\\u0061\\x62']", {"ab"}),
            ("results[0]", {"0"}),
            ("results\n  .a // results.b\n", {"a"}),
            ("(results).a", {"a"}),
            ("(await results.a).rows", {"a"}),
            ("await results.a", {"a"}),
            ("{...results.a, x: results.b}", {"a", "b"}),
            ("{results: results.a}", {"a"}),
            ("[results.a, ...results.b]", {"a", "b"}),
            ("`${results.a} results.b \\${results.c}`", {"a"}),
            ("`${`${results.a}`}`", {"a"}),
            ("'results.a' + \"results.b\"", set()),
            ("/results.a/.test(results.b)", {"b"}),
            ("/* results.a */ results.b", {"b"}),
            ("x.results.a", set()),
            ("resultsa.b + my_results.c", set()),
            ("results.a ? results.b : results.c", {"a", "b", "c"}),
            ("results.list.map(row => results.b[row.id])", {"list", "b"}),
            ("'a' in results", {"a"}),
            ("delete results.a", {"a"}),
            ("results.größe", {"größe"}),
            ("return results.a", {"a"}),
            ("const x = results.a;\nif (x) { return results.b }\nreturn null", {"a", "b"}),
            ("const {a, b: c, d = 1, 'e-f': g} = results; return a", {"a", "b", "d", "e-f"}),
            ("for (const x of results.a) { if (x) return x }", {"a"}),
            ("(() => { return results.a })()", {"a"}),
            ("results.a;", {"a"}),
        ],
    )
    def test_results(self, expr: str, steps: set[str]) -> None:
        found = find(expr)
        assert found.results == steps
        assert found.syntax is None
        assert not found.whole_results

    @pytest.mark.parametrize(
        "expr",
        [
            "(results => results.a)({})",
            "[1].map(function (results) { return results.a })",
            "[1].map(({results}) => results.a)",
            "[1].map(([results]) => results.a)",
            "[1].map((...results) => results.a)",
            "[1].map((x = 1, {y: results = {}}) => results.a)",
            "const results = {a: 1}; return results.a",
            "var results = {a: 1}; return results.a",
            "if (true) { var results = {} } return results.a",
            "let [results] = [1]; return results.a",
            "function results() {} return results.a",
            "class results {} return results.a",
            "try { f() } catch (results) { return results.a }",
            "for (const results of []) { return results.a }",
            "(function results() { return results.a })()",
        ],
    )
    def test_a_name_that_the_expression_declares_is_not_the_scope(self, expr: str) -> None:
        found = find(expr)
        assert found.results == frozenset()
        assert not found.whole_results

    @pytest.mark.parametrize(
        "expr",
        [
            "(results => results.x)({}) + results.a",
            "{ const results = {}; } return results.a",
            "for (const results of []) {} return results.a",
            "for (results.a of []) {}",
            "const f = ({x = results.a}) => x; return f({})",
            "const {[results.a]: x} = {}; return x",
            "results.a = 1",
        ],
    )
    def test_a_name_is_hidden_only_in_its_scope(self, expr: str) -> None:
        assert find(expr).results == {"a"}

    @pytest.mark.parametrize(
        "expr",
        [
            "results",
            "results[x]",
            "Object.keys(results)",
            "({results})",
            "f(...results)",
            "results[`${x}`]",
            "const {...all} = results; return all",
            "const {[x]: y} = results; return y",
            "x in results",
            "results()",
        ],
    )
    def test_use_of_results_as_a_whole(self, expr: str) -> None:
        assert find(expr).whole_results

    def test_paths_are_followed_while_they_are_literal(self) -> None:
        found = find("results.a.rows[0]['b c'] + results.b[i].x + results.c.items.map(x => x) + results.d.length")
        assert found.result_paths == {("a", "rows", 0, "b c"), ("b",), ("c", "items"), ("d", "length")}

    def test_flow_input(self) -> None:
        found = find("flow_input.x + flow_input['y z'] + flow_input.iter.value")
        assert found.flow_input == {"x", "y z", "iter"}
        assert not found.whole_flow_input
        assert find("{...flow_input}").whole_flow_input

    def test_variables_and_resources(self) -> None:
        found = find("variable('u/a/b') + resource(`f/x/y`).host + resource(path)")
        assert found.variables == {"u/a/b"}
        assert found.resources == {"f/x/y"}
        assert found.names == {"resource"}
        assert found.unknown == {"path"}

    def test_other_names_of_the_scope(self) -> None:
        found = find("previous_result.x + resume.y + flow_env.Z + (error ? result : all_iters)")
        assert found.previous_result
        assert found.names == {"resume", "flow_env", "error", "result", "all_iters"}
        assert found.unknown == frozenset()

    def test_names_that_nothing_defines(self) -> None:
        assert find("reslts.a + Math.max(undefined, NaN)").unknown == {"reslts"}

    def test_empty_expressions_read_nothing(self) -> None:
        assert find("") == find("  \n") == References()

    def test_statements(self) -> None:
        assert find("return 1").statements
        assert find("const x = 1; return x").returns
        assert not find("const x = () => { return 1 }").returns
        assert not find("{a: 1}").statements
        assert not find("[1].map(x => { return x })").statements

    @pytest.mark.parametrize(
        ("expr", "line", "column"),
        [
            ("results.a +", 1, 12),
            ("'a\n", 1, 1),
            ("{\n  a: results.a,\n  b: results b\n}", 3, 14),
            ("results.a) + (results.b", 1, 10),
            ("'é' + * 2", 1, 5),
        ],
    )
    def test_syntax_problems_have_their_place(self, expr: str, line: int, column: int) -> None:
        problem = find(expr).syntax
        assert problem is not None
        assert problem.line == line
        assert abs(problem.column - column) <= 2

    def test_of_broken_text_still_finds_what_is_there(self) -> None:
        assert find("results.a + results.").results >= {"a"}

    def test_text_of_a_size_that_nobody_writes_is_refused(self) -> None:
        assert find("[" * 150_000).syntax is not None
        assert find("results.a + " * 10_000).syntax is not None

    def test_deep_nesting_is_no_problem(self) -> None:
        assert find("[" * 1_900 + "results.a" + "]" * 1_900).results == {"a"}
        assert find("1" + "+results.a" * 9_000).results == {"a"}

    @pytest.mark.parametrize("part", ["`${", "{a:", "a?", "$(", "if(", "x=>{", "results.a ", "'", "<a>", "]", "}\n"])
    def test_long_broken_texts_are_answered(self, part: str) -> None:
        assert find(part * (90_000 // len(part))).syntax is not None

    @settings(deadline=None)
    @given(st.text(max_size=60))
    def test_never_raises(self, text: str) -> None:
        find(text)

    @settings(deadline=None)
    @given(st.text(st.sampled_from("results.ab[]'\"`${}()=>;,\n \\/?*"), max_size=60))
    def test_never_raises_on_something_like_code(self, text: str) -> None:
        find(text)
        rename(text, "a", "b")


IDS = st.from_regex(r"[a-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
ANY_IDS = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
HARMLESS = [
    "'results.a'",
    '"results.zz"',
    "`results.q`",
    "x.results.a",
    "1",
    "/results.a/",
    "(results => results.n)({})",
]


def reference(step_id: str, form: int) -> str:
    """One of the ways to write a reference."""
    dotted = step_id if step_id[0].isalpha() or step_id[0] == "_" else None
    if dotted is None or "-" in step_id or form == 0:
        return f'results["{step_id}"]'
    forms = [
        f"results.{dotted}",
        f"results?.{dotted}.x",
        f"results['{dotted}'][0]",
        f"'{dotted}' in results",
        f"`${{results.{dotted}}}`",
        f"(await results.{dotted})",
        f"(() => results.{dotted})()",
    ]
    return forms[form % len(forms)]


@st.composite
def planted(draw: st.DrawFn) -> tuple[str, set[str]]:
    """An expression, and the steps that it refers to."""
    steps = draw(st.lists(ANY_IDS, min_size=1, max_size=5))
    parts = [f"({reference(step, draw(st.integers(0, 20)))})" for step in steps]
    parts += draw(st.lists(st.sampled_from(HARMLESS), max_size=4))
    joined = ", ".join(draw(st.permutations(parts)))
    shapes = [f"[{joined}]", f"f({joined})", f"return [{joined}]", f"const y = [{joined}];\nreturn y"]
    return draw(st.sampled_from(shapes)), set(steps)


@settings(deadline=None)
@given(planted())
def test_references_found_are_those_planted(case: tuple[str, set[str]]) -> None:
    expr, steps = case
    found = find(expr)
    assert found.syntax is None
    assert found.results == steps


class TestRename:
    @pytest.mark.parametrize(
        ("expr", "expected"),
        [
            ("results.a", "results.b"),
            ("results.a.a + a.a", "results.b.a + a.a"),
            ("results.ab + results.a", "results.ab + results.b"),
            ("results?.a?.a", "results?.b?.a"),
            ("results[\"a\"] + results['a'] + results[`a`]", "results[\"b\"] + results['b'] + results[`b`]"),
            ("'results.a' + `results.a ${results.a}`", "'results.a' + `results.a ${results.b}`"),
            ("// results.a\nresults.a /* results.a */", "// results.a\nresults.b /* results.a */"),
            ("const {a, c} = results; return a", "const {b: a, c} = results; return a"),
            ("const {a: x} = results; return x", "const {b: x} = results; return x"),
            ("const {a = 1} = results; return a", "const {b: a = 1} = results; return a"),
            ("'a' in results", "'b' in results"),
            ("(results => results.a)(1) + results.a", "(results => results.a)(1) + results.b"),
            ("'é' + results.a;", "'é' + results.b;"),
            ("  results . a\n", "  results . b\n"),
            ("flow_input.a + previous_result.a", "flow_input.a + previous_result.a"),
        ],
    )
    def test_changes_every_reference_and_nothing_else(self, expr: str, expected: str) -> None:
        assert rename(expr, "a", "b") == expected

    @pytest.mark.parametrize(
        ("expr", "expected"),
        [
            ("results.a.x", 'results["b-1"].x'),
            ("results?.a", 'results?.["b-1"]'),
            ("results['a']", "results['b-1']"),
            ("const {a} = results; return a", 'const {"b-1": a} = results; return a'),
        ],
    )
    def test_to_an_id_that_is_no_name(self, expr: str, expected: str) -> None:
        assert rename(expr, "a", "b-1") == expected
        assert find(expected).results == {"b-1"}

    @settings(deadline=None)
    @given(planted(), IDS)
    def test_there_and_back_is_the_same(self, case: tuple[str, set[str]], new: str) -> None:
        expr, steps = case
        for old in steps:
            if "-" in old or not (old[0].isalpha() or old[0] == "_") or new in steps:
                continue
            there = rename(expr, old, new)
            assert find(there).results == (steps - {old}) | {new}
            assert rename(there, new, old) == expr

    @settings(deadline=None)
    @given(planted(), ANY_IDS)
    def test_to_any_id_refers_to_it(self, case: tuple[str, set[str]], new: str) -> None:
        expr, steps = case
        old = sorted(steps)[0]
        assert find(rename(expr, old, new)).results == (steps - {old}) | {new}


class TestSimplePath:
    @pytest.mark.parametrize(
        ("expr", "path"),
        [
            ("results.a[0].b", ("results", "a", 0, "b")),
            (" results['a b'] ", ("results", "a b")),
            ("results?.a", ("results", "a")),
            ("flow_input.x;", ("flow_input", "x")),
            ("previous_result", ("previous_result",)),
            ("flow_input.iter.value", ("flow_input", "iter", "value")),
            ("results", ("results",)),
        ],
    )
    def test_of_paths(self, expr: str, path: tuple[str | int, ...]) -> None:
        assert simple_path(expr) == path

    @pytest.mark.parametrize(
        "expr",
        [
            "",
            "1",
            "a.b",
            "results.a()",
            "results.a?.b",
            "results[x]",
            "results.a + 1",
            "results.a[-1]",
            "results.a[01]",
            "results['a\\n']",
            "variable.x",
            "results.a // x",
            "results.é",
        ],
    )
    def test_of_anything_else_is_none(self, expr: str) -> None:
        assert simple_path(expr) is None


class TestMember:
    @pytest.mark.parametrize(
        ("expr", "key", "expected"),
        [
            ("results.a", "b", "results.a.b"),
            ("results.a", "b c", 'results.a["b c"]'),
            ("results.a", 'q"', 'results.a["q\\""]'),
            ("results.a", 0, "results.a[0]"),
            ("results.a;", "b", "results.a.b"),
            ("a || b", "c", "(a || b).c"),
            ("{x: 1}", "x", "({x: 1}).x"),
            ("f(x)", "class", "f(x).class"),
            ("await x", "y", "(await x).y"),
        ],
    )
    def test_of(self, expr: str, key: str | int, expected: str) -> None:
        assert member(expr, key) == expected

    @settings(deadline=None)
    @given(st.text(max_size=10))
    def test_any_key_can_be_read_back(self, key: str) -> None:
        assert find(member("results", key)).results == {key}


@pytest.mark.parametrize(
    ("expr", "body"),
    [
        ("", "return null"),
        ("{a: 1}", "return ({a: 1}\n)"),
        ("results.a;", "return (results.a\n)"),
        ("return 1", "return 1"),
        ("results.a // why", "return (results.a // why\n)"),
    ],
)
def test_function_body(expr: str, body: str) -> None:
    assert function_body(expr) == body
