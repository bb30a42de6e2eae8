"""Lint of what wires carry: unknown fields and values of another type, and silence wherever that is not certain."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.openflow.problems import Problem
from flowapp.openflow.shapes import of_value
from flowapp.signatures import lint
from flowapp.signatures.known import Known

ORDERS = """from typing import Any, TypedDict, NotRequired
class Customer(TypedDict):
    name: str
    mail: str | None
class Order(TypedDict):
    id: int
    total: float
    customer: Customer
    note: NotRequired[str]
    extra: Any
    tags: dict[str, int]
"""
ONE = f"{ORDERS}def main() -> Order: ..."
MANY = f"{ORDERS}def main() -> list[Order]: ..."
TYPESCRIPT = """interface Item { sku: string; count?: number }
export async function main(): Promise<{ items: Item[]; first: Item | null; raw: Record<string, number> }> { return null as any }"""


def js(text: str) -> dict[str, str]:
    return {"type": "javascript", "expr": text}


def step(step_id: str, code: str, language: str = "python3", **inputs: str) -> dict[str, Any]:
    transforms = {name: js(text) for name, text in inputs.items()}
    value = {"type": "rawscript", "language": language, "content": code, "input_transforms": transforms}
    return {"id": step_id, "value": value}


def flow(*modules: dict[str, Any], properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"summary": "", "value": {"modules": list(modules), **more}, "schema": {"properties": properties or {}}}


def checks(document: dict[str, Any], **observed: Any) -> list[Problem]:
    known = Known({name: of_value(value) for name, value in observed.items()})
    return [found for found in lint(document, known) if found.rule in ("wire.unknown_field", "wire.type_mismatch")]


def read(text: str, code: str = ONE, language: str = "python3", **observed: Any) -> list[str]:
    """The messages about an expression of a step `b` after a step `a` with this code."""
    document = flow(step("a", code, language), step("b", "def main(x): ...", x=text))
    return [found.message for found in checks(document, **observed)]


def taken(text: str, parameter: str, code: str = ONE, language: str = "python3", **observed: Any) -> list[str]:
    document = flow(step("a", code), step("b", parameter, language, x=text))
    return [found.message for found in checks(document, **observed)]


def test_a_field_that_the_annotation_does_not_have() -> None:
    document = flow(step("a", ONE), step("b", "def main(x): ...", x="results.a.totl"))
    (found,) = checks(document)
    assert (found.rule, found.severity, found.step_id, found.field) == ("wire.unknown_field", "warning", "b", "x")
    assert found.pointer == "/value/modules/1/value/input_transforms/x/expr"
    assert (found.message, found.hint) == ("The code of a declares no totl in results.a.", "Did you mean total?")


def test_fields_deeper_inside() -> None:
    assert read("results.a.customer.phone") == ["The code of a declares no phone in results.a.customer."]
    assert read("results.a[0].idd", MANY) == ["The code of a declares no idd in results.a[0]."]
    assert read("results.a.total", MANY) == ["results.a is a list, which has no field total."]
    assert read("results.a.id.x") == ["results.a.id is a whole number, which has no field x."]
    assert read("previous_result.idd") == ["The code of a declares no idd in previous_result."]
    assert read("results.a.items[0].name", TYPESCRIPT, "bun") == [
        "The code of a declares no name in results.a.items[0]."
    ]
    assert read("`${results.a.idd} of ${results.a.id}`") == ["The code of a declares no idd in results.a."]


@pytest.mark.parametrize(
    "text",
    [
        "results.a.total",
        "results.a.note",
        "results.a.customer.mail",
        "results.a.extra.anything.at.all",
        "results.a.tags.whatever",
        "results.a[flow_input.key]",
        "results.a?.totl",
        "results?.a?.totl",
        "results.a.totl?.x",
        "results.a.totl ?? 0",
        "results.a.totl || 0",
        "results.a.totl && 1",
        "results.a.totl ? results.a.totl : 0",
        "flow_input.k ? results.a.totl : 0",
        "typeof results.a.totl",
        "results.a.totl === undefined",
        "'totl' in results.a && results.a.totl",
        "!results.a.totl",
        "({...results.a.totl})",
        "Array.isArray(results.a.totl)",
        "results.a.toString()",
        "Object.keys(results.a)",
        "if (results.a.id) return results.a.totl; return 1",
        "(results => results.a.totl)(1)",
        "results.a.totl +",
    ],
)
def test_silence_where_a_field_is_there_or_asked_for(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("def main(): ...", "python3"),
        ("from typing import Any\ndef main() -> Any: ...", "python3"),
        ("def main() -> dict: ...", "python3"),
        ("def main() -> dict[str, int]: ...", "python3"),
        (f"{ORDERS}def main() -> Order | Customer: ...", "python3"),
        ("from x import Order\ndef main() -> Order: ...", "python3"),
        ("from x import Base\nclass Order(Base):\n    id: int\ndef main() -> Order: ...", "python3"),
        ("class Order:\n    id: int\ndef main() -> Order: ...", "python3"),
        ("type A = {id: number, [more: string]: any}\nexport async function main(): Promise<A> {}", "bun"),
        ("interface A extends B {id: number}\nexport async function main(): Promise<A> {}", "bun"),
        ("type A = {id: number} & B\nexport async function main(): Promise<A> {}", "bun"),
        ("class A {id: number}\nexport async function main(): Promise<A> {}", "bun"),
        ("export async function main(): Promise<object> {}", "bun"),
    ],
)
def test_silence_where_the_annotation_leaves_it_open(code: str, language: str) -> None:
    assert read("results.a.idd", code, language) == []


def test_the_last_result_counts_where_the_code_says_nothing() -> None:
    bare = "def main(): ..."
    assert read("results.a.nam", bare, a={"name": "x", "age": 3}) == ["The last result has no nam in results.a."]
    assert read("results.a.name", bare, a={"name": None}) == []
    assert read("results.a.name.first", bare, a={"name": None}) == []
    assert read("results.a[0].nam", bare, a=[{"name": "x"}]) == ["The last result has no nam in results.a[0]."]
    assert read("results.a.x", bare, a={}) == []
    assert read("results.a.x", bare, a=[]) == ["results.a was a list, which has no field x."]


def test_who_says_that_it_is_there_is_believed() -> None:
    assert read("results.a.totl", a={"totl": 1}) == []
    assert read("results.a.note", a={"id": 1}) == []
    assert read("results.a.extra.x", a={"extra": {"y": 1}}) == []
    assert read("results.a.totl", a={"id": 1}) == ["The last result has no totl in results.a."]


def test_what_was_seen_last_says_nothing_of_another_case() -> None:
    bare, seen = "def main(): ...", {"kind": "x"}
    reader = step("b", "def main(x): ...", x="results.a.only_of_y")
    branches = {"branches": [{"expr": "results.a.kind == 'y'", "modules": [reader]}], "default": []}
    assert checks(flow(step("a", bare), {"id": "c", "value": {"type": "branchone", **branches}}), a=seen) == []
    skipped = {**reader, "skip_if": {"expr": "results.a.kind == 'x'"}}
    assert checks(flow(step("a", bare), skipped), a=seen) == []
    assert len(checks(flow(step("a", bare), reader), a=seen)) == 1


@pytest.mark.parametrize("setting", [{"skip_if": {"expr": "true"}}, {"continue_on_error": True}])
def test_a_step_that_may_give_another_result_is_left_out(setting: dict[str, Any]) -> None:
    document = flow({**step("a", ONE), **setting}, step("b", "def main(x): ...", x="results.a.error"))
    assert checks(document, a={"id": 1}) == []


def test_the_items_of_a_loop() -> None:
    inner = step("b", "def main(x: int): ...", x="flow_input.iter.value.customer.name")
    loop = {"id": "l", "value": {"type": "forloopflow", "iterator": js("results.a"), "modules": [inner]}}
    assert [found.message for found in checks(flow(step("a", MANY), loop))] == [
        "flow_input.iter.value.customer.name is a text, and x takes a whole number."
    ]
    inner["value"]["input_transforms"]["x"] = js("flow_input.iter.value.idd")
    (found,) = checks(flow(step("a", MANY), loop))
    assert (found.rule, found.step_id) == ("wire.unknown_field", "b")
    loop["value"]["iterator"] = js("results.a.filter(row => row.id)")  # type: ignore[index]
    assert checks(flow(step("a", MANY), loop)) == []


def test_a_loop_goes_over_a_list() -> None:
    loop = {"id": "l", "value": {"type": "forloopflow", "iterator": js("results.a"), "modules": []}}
    (found,) = checks(flow(step("a", ONE), loop))
    assert (found.rule, found.field) == ("wire.type_mismatch", "iterator")
    assert found.message == "results.a is an object, and a loop goes over a list."
    assert checks(flow(step("a", MANY), loop)) == []
    assert [found.message for found in checks(flow(step("a", "def main(): ..."), loop), a="x")] == [
        "results.a was a text in the last run, and a loop goes over a list."
    ]


def test_the_result_of_a_loop_is_a_list() -> None:
    loop = {"id": "l", "value": {"type": "forloopflow", "iterator": js("[1]"), "modules": [step("i", ONE)]}}
    after = step("b", "def main(x: str): ...", x="results.l")
    assert [found.message for found in checks(flow(loop, after))] == ["results.l is a list, and x takes a text."]
    after["value"]["input_transforms"]["x"] = js("results.l[0].idd")
    assert [found.rule for found in checks(flow(loop, after), l=[{"id": 1}])] == ["wire.unknown_field"]
    after["value"]["input_transforms"]["x"] = js("results.i.idd")
    assert checks(flow(loop, after)) == []  # of which iteration? another rule speaks of it


def test_values_of_another_type() -> None:
    assert taken("results.a.id", "def main(x: str): ...") == ["results.a.id is a whole number, and x takes a text."]
    assert taken("results.a.customer.mail", "def main(x: int): ...") == [
        "results.a.customer.mail is a text, and x takes a whole number."
    ]
    assert taken("results.a", "export function main(x: string[]) {}", language="bun") == [
        "results.a is an object, and x takes a list."
    ]
    assert taken("results.a", "def main(x: list[int]): ...", "def main() -> list[str]: ...") == [
        "results.a[…] is a text, and x[…] takes a whole number."
    ]
    assert taken("results.a.length", "def main(x: str): ...", MANY) == [
        "results.a.length is a whole number, and x takes a text."
    ]
    assert taken("results.a.n", "def main(x: int): ...", "def main(): ...", a={"n": "4"}) == [
        "results.a.n was a text in the last run, and x takes a whole number."
    ]


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("results.a.id", "x: float"),
        ("results.a.total", "x: int"),
        ("results.a.id", "x: int | None"),
        ("results.a.id", "x: int | str"),
        ("results.a.id", "x"),
        ("results.a.id", "x=''"),
        ("results.a.extra", "x: str"),
        ("results.a.customer.mail", "x: str"),
        ("results.a", "x: dict"),
        ("results.a", "x: 'Postgresql'"),
        ("results.a.idd", "x: str"),
        ("results.a?.id", "x: str"),
        ("results.a.id + ''", "x: str"),
        ("results.a.customer.mail", "x: datetime"),
    ],
)
def test_silence_where_a_value_may_fit(text: str, parameter: str) -> None:
    found = taken(text, f"from datetime import datetime\ndef main({parameter}): ...")
    assert [message for message in found if "takes" in message] == []


def test_scripts_that_read_texts_take_numbers() -> None:
    assert taken("results.a.id", 'x="$1"', language="bash") == []
    assert taken("results.a.customer.name", "-- $1 x (int)\nSELECT $1::int", language="postgresql") == []
    assert taken("results.a", "-- $1 x (int)\nSELECT $1::int", language="postgresql") == [
        "results.a is an object, and x takes a whole number."
    ]


def test_the_flows_own_input() -> None:
    customer = {"type": "object", "properties": {"name": {"type": "string"}}}
    properties = {"n": {"type": "string"}, "customer": customer, "any": {}}
    document = flow(
        step(
            "a", "def main(x: int, y, z: int): ...", x="flow_input.n", y="flow_input.customer.nme", z="flow_input.any"
        ),
        properties=properties,
    )
    assert [found.message for found in checks(document)] == [
        "flow_input.n is a text, and x takes a whole number.",
        "flow_input.customer has no field nme.",
    ]
    customer["additionalProperties"] = True  # type: ignore[assignment]
    assert [found.field for found in checks(document)] == ["x"]


def test_conditions_ask_whether_something_is_there() -> None:
    stop = {**step("b", "def main(): ..."), "skip_if": {"expr": "results.a.totl"}}
    assert checks(flow(step("a", ONE), stop)) == []
    stop["skip_if"]["expr"] = "results.a.totl > 3"
    assert [found.field for found in checks(flow(step("a", ONE), stop))] == ["skip_if"]


@pytest.mark.parametrize("kind", ["script", "flow"])
def test_what_is_called_takes_what_its_inputs_say(kind: str) -> None:
    call = {"type": kind, "path": "f/team/x", "input_transforms": {"n": js("results.a"), "s": js("results.a")}}
    document = flow(step("a", ONE), {"id": "b", "value": call})
    called = {"properties": {"n": {"type": "integer"}, "s": {"type": "string"}, "d": {"type": "integer", "default": 1}}}
    (found,) = [each for each in lint(document, Known(called={"b": called})) if each.rule == "wire.type_mismatch"]
    assert found.message == "results.a is an object, and n takes a whole number."
    call["input_transforms"] = {"d": js("results.a"), "n": js("results.a.customer.name")}
    assert [each.rule for each in lint(document, Known(called={"b": called}))] == []
    assert [each.rule for each in lint(document, Known(called={"b": {"properties": {"d": 3}}}))] == []


@pytest.mark.parametrize("language", ["python3", "bun"])
def test_a_guess_by_the_default_is_no_type(language: str) -> None:
    code = "def main(x=1): ..." if language == "python3" else "export function main(x = 1) {}"
    assert taken("results.a.customer.name", code, language=language) == []


FIELDS = st.dictionaries(
    st.sampled_from(["id", "name", "total", "rows"]), st.sampled_from(["int", "str", "float", "bool"])
)


@given(FIELDS, st.sampled_from(["id", "name", "total", "rows"]), st.sampled_from(["int", "str", "float", "bool"]))
def test_exactly_the_wrong_wires_are_told_of(fields: dict[str, str], name: str, wanted: str) -> None:
    listed = "".join(f"    {field}: {kind}\n" for field, kind in fields.items())
    code = f"from typing import TypedDict\nclass T(TypedDict):\n{listed or '    pass'}\ndef main() -> T: ..."
    document = flow(step("a", code), step("b", f"def main(x: {wanted}): ...", x=f"results.a.{name}"))
    numbers = {"int", "float"}
    fits = fields.get(name) == wanted or {fields.get(name), wanted} <= numbers
    expected = (
        []
        if not fields or (name in fields and fits)
        else ["wire.type_mismatch" if name in fields else "wire.unknown_field"]
    )
    assert [found.rule for found in checks(document)] == expected


@given(
    st.recursive(
        st.none() | st.text(max_size=2) | st.integers(),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "value", "modules", "iterator", "expr", "schema", "properties", "id", "input_transforms"]
                ),
                x,
                max_size=4,
            )
        ),
    )
)
def test_broken_documents_do_no_harm(part: Any) -> None:
    lint(
        {
            "value": {
                "modules": [
                    part,
                    {
                        "id": "l",
                        "value": {
                            "type": "forloopflow",
                            "iterator": part,
                            "modules": [
                                step("b", "def main(x): ...", x="flow_input.iter.value.a + results.l.b + results.id.c")
                            ],
                        },
                    },
                ]
            },
            "schema": part,
        }
    )
