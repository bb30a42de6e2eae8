"""Signatures of TypeScript scripts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.signatures import Signature, SignatureProblem, infer


def signature(code: str, entrypoint: str = "main") -> Signature:
    found = infer("deno", code, entrypoint)
    assert isinstance(found, Signature), found
    return found


def of(annotation: str, before: str = "") -> dict[str, Any]:
    code = f"{before}\nexport async function main(x: {annotation}) {{}}"
    schema: dict[str, Any] = signature(code).schema["properties"]["x"]
    return schema


STRING = {"type": "string"}
NUMBER = {"type": "number"}
OBJECT = {"type": "object"}
ITEM = "interface Item { id: number; name?: string }"
ITEM_SCHEMA = {"type": "object", "properties": {"id": NUMBER, "name": STRING}, "required": ["id"]}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("string", STRING),
        ("number", NUMBER),
        ("boolean", {"type": "boolean"}),
        ("bigint", {"type": "integer"}),
        ("object", OBJECT),
        ("any", {}),
        ("string[]", {"type": "array", "items": STRING}),
        ("Array<number[]>", {"type": "array", "items": {"type": "array", "items": NUMBER}}),
        ("readonly string[]", {"type": "array", "items": STRING}),
        ("any[]", {"type": "array"}),
        ("[string, number]", {"type": "array"}),
        ("[number, number]", {"type": "array", "items": NUMBER}),
        ("Record<string, number>", {"type": "object", "additionalProperties": NUMBER}),
        ("{ [key: string]: number }", {"type": "object", "additionalProperties": NUMBER}),
        ("'a' | 'b'", {"type": "string", "enum": ["a", "b"]}),
        ("| 'a' | 'b' | 'c'", {"type": "string", "enum": ["a", "b", "c"]}),
        ("1 | -2", {"type": "integer", "enum": [1, -2]}),
        ("'a'", {"type": "string", "enum": ["a"]}),
        ("true", {"type": "boolean", "enum": [True]}),
        ("'it\\'s'", {"type": "string", "enum": ["it's"]}),
        ("string | null", STRING),
        ("('a' | undefined)", {"type": "string", "enum": ["a"]}),
        ("string | number", {"anyOf": [STRING, NUMBER]}),
        ("`a${string}`", STRING),
        (
            "{ a: string; b?: number, c: string | null }",
            {"type": "object", "properties": {"a": STRING, "b": NUMBER, "c": STRING}, "required": ["a"]},
        ),
        ("Date", {"type": "string", "format": "date-time"}),
        ("wmill.Base64", {"type": "string", "contentEncoding": "base64"}),
        ("Base64", {"type": "string", "contentEncoding": "base64"}),
        ("wmill.Email", {"type": "string", "format": "email"}),
        ("wmill.Sql", {"type": "string", "format": "sql"}),
        ("wmill.S3Object", {"type": "object", "format": "resource-s3_object"}),
        ("wmill.Resource<'mysql'>", {"type": "object", "format": "resource-mysql"}),
        ("Postgresql", {"type": "object", "format": "resource-postgresql"}),
        ("CSlackBot", {"type": "object", "format": "resource-c_slack_bot"}),
        ("RT.Slack", {"type": "object", "format": "resource-slack"}),
        ("DynSelect_city", {"type": "object", "format": "dynselect-city"}),
        ("Other.Thing", {}),
        ("() => void", {}),
        ("typeof y", {}),
        ("keyof Item", {}),
        ("Promise<string>", STRING),
    ],
)
def test_annotations(annotation: str, schema: dict[str, Any]) -> None:
    assert of(annotation) == schema


class TestTypesOfTheModule:
    def test_interfaces_and_aliases(self) -> None:
        assert of("Item", ITEM) == ITEM_SCHEMA
        assert of("Item", f"export {ITEM}") == ITEM_SCHEMA
        assert of("Item[]", "type Item = { id: number; name?: string }") == {"type": "array", "items": ITEM_SCHEMA}
        assert of("Item", "class Item { id: number; name?: string; f() {} }") == ITEM_SCHEMA

    def test_inheritance_and_intersections(self) -> None:
        extended = {
            "type": "object",
            "properties": {"id": NUMBER, "name": STRING, "tag": STRING},
            "required": ["id", "tag"],
        }
        assert of("More", f"{ITEM}\ninterface More extends Item {{ tag: string }}") == extended
        assert of("Item & { tag: string }", ITEM) == extended

    def test_utility_types(self) -> None:
        assert of("Partial<Item>", ITEM) == {**ITEM_SCHEMA, "required": []}
        assert of("Readonly<Item>", ITEM) == ITEM_SCHEMA
        assert of("Pick<Item, 'id'>", ITEM) == {"type": "object", "properties": {"id": NUMBER}, "required": ["id"]}
        assert of("Omit<Item, 'id'>", ITEM) == {"type": "object", "properties": {"name": STRING}, "required": []}

    def test_enums(self) -> None:
        assert of("Color", 'enum Color { Red = "red", Blue = "blue" }') == {"type": "string", "enum": ["red", "blue"]}
        assert of("N", "enum N { A, B = 5, /* c */ C }") == {"type": "integer", "enum": [0, 5, 6]}
        found = signature('enum Color { Red = "red" }\nexport function main(c: Color = Color.Red) {}')
        assert found.schema["properties"]["c"] == {"type": "string", "enum": ["red"], "default": "red"}

    def test_alternatives_by_label(self) -> None:
        found = of("U", "type U = { label: 'A'; a: string } | { label: 'B'; b: number }")
        assert [option["title"] for option in found["oneOf"]] == ["A", "B"]
        assert of("{ kind: 'x' } | { kind: 'y' }")["oneOf"][1]["title"] == "y"

    def test_an_object_without_fields_is_a_resource(self) -> None:
        assert of("Postgresql", "type Postgresql = object") == {"type": "object", "format": "resource-postgresql"}

    def test_types_that_refer_to_themselves(self) -> None:
        assert of("Tree", "type Tree = { children: Tree[] }")["properties"] == {
            "children": {"type": "array", "items": OBJECT}
        }
        assert of("A", "interface A extends B {}\ninterface B extends A {}")["type"] == "object"

    def test_type_parameters_are_anything(self) -> None:
        assert signature("export function main<T>(x: T) {}").schema["properties"]["x"] == {}


class TestFunction:
    def test_order_required_and_defaults(self) -> None:
        found = signature(
            "export function main(a: string, b?: number, c = 3, d = {x: 1, 'y z': [-1.5, 'q', null]}, e: string = `hi`, "
            "f: number = -2, g = new Date(), h: string | null, i = [] as string[], j = {...k}, k = 'é\\n\\u0041', l = true) {}"
        ).schema
        assert found["order"] == list("abcdefghijkl")
        assert found["required"] == ["a"]
        properties = found["properties"]
        assert properties["c"] == {"type": "number", "default": 3}
        assert properties["d"] == {"type": "object", "default": {"x": 1, "y z": [-1.5, "q", None]}}
        assert properties["e"] == {"type": "string", "default": "hi"}
        assert properties["f"] == {"type": "number", "default": -2}
        assert properties["g"] == properties["j"] == {}
        assert properties["i"] == {"type": "array", "default": []}
        assert properties["k"] == {"type": "string", "default": "é\nA"}
        assert properties["l"] == {"type": "boolean", "default": True}

    @pytest.mark.parametrize(
        "code",
        [
            "export function main(x: number) {}",
            "export async function main(x: number) {}",
            "export async function* main(x: number) {}",
            "export const main = (x: number) => x",
            "export const main = async function (x: number) {}",
            "export let main = ((x: number) => x)",
            "export const main = (async (x: number) => x) satisfies unknown",
            "export default function main(x: number) {}",
            "export default async (x: number) => x",
            "export default async function (x: number) {}",
            "const impl = (x: number) => x\nexport { impl as main }",
            "function main(x: number) {}\nexport { main }",
            "export default impl\nfunction impl(x: number) {}",
            "const impl = (x: number) => x\nexport const main = impl",
            "function impl(x: number) {}\nexport { impl as default }",
            "export function main(x: string): void\nexport function main(x: number) {}",
            "// comment\nimport a from 'a'\n\nexport function main(x: number /* c */) {}",
            "export function main(this: Foo, x: number) {}",
            "import { workflow } from 'windmill-client'\nexport const main = workflow(async (x: number) => x)",
            "export default wmill.workflow(/* all of it */ async function (x: number) {})",
            "export const main = workflow<any>((async (x: number) => x))",
            "async function impl(x: number) {}\nexport const main = workflow(impl)",
        ],
    )
    def test_is_found(self, code: str) -> None:
        assert signature(code).schema["properties"] == {"x": NUMBER}

    def test_single_parameter_without_parentheses(self) -> None:
        assert signature("export const main = x => x").schema["properties"] == {"x": {}}

    def test_entry_point(self) -> None:
        code = "export function preprocessor(event: object) {}\nexport function main() {}"
        assert signature(code, "preprocessor").schema["order"] == ["event"]

    @pytest.mark.parametrize(
        "code", ["export { main } from './x'", "export * from './x'", "import { main } from './x'\nexport { main }"]
    )
    def test_of_another_module_takes_anything(self, code: str) -> None:
        assert signature(code).has_kwargs

    @pytest.mark.parametrize(
        ("annotation", "schema"),
        [
            ("Promise<Item[]>", {"type": "array", "items": ITEM_SCHEMA}),
            ("string", STRING),
            ("void", {"type": "null"}),
            ("Promise<Unknown>", None),
            ("AsyncGenerator<string>", STRING),
        ],
    )
    def test_returns(self, annotation: str, schema: dict[str, Any] | None) -> None:
        assert signature(f"{ITEM}\nexport async function main(): {annotation} {{}}").returns == schema


class TestProblems:
    @pytest.mark.parametrize(
        ("code", "line", "syntax", "words"),
        [
            ("", 1, False, "no code"),
            ("\nfunction main() {}", 2, False, "not exported"),
            ("export const x = 1", 1, False, "no exported function"),
            ("export function main(\n  {a, b}: {a: string}) {}", 2, False, "destructured"),
            ("export function main([a]: string[]) {}", 1, False, "destructured"),
            ("export function main(...a: string[]) {}", 1, False, "rest"),
            ("export function main() {\n  const x = ;\n}", 2, True, "TypeScript"),
            ("export function main() {\n  return 1\n", 2, True, "missing"),
            ("export function main(a: {) {}", 1, True, ""),
        ],
    )
    def test_have_a_line(self, code: str, line: int, syntax: bool, words: str) -> None:
        found = infer("bun", code)
        assert isinstance(found, SignatureProblem)
        assert (found.line, found.syntax) == (line, syntax)
        assert words in found.message

    @settings(deadline=None)
    @given(st.text(max_size=50))
    def test_nothing_raises(self, text: str) -> None:
        infer("deno", text)
        infer("deno", f"export function main(x: {text}) {{}}")

    @settings(deadline=None)
    @given(st.text(st.sampled_from("export{}()[]:;,=>|&'\"`<>?. main fnctio\n"), max_size=50))
    def test_nothing_raises_on_something_like_code(self, text: str) -> None:
        infer("deno", text)
        infer("deno", f"export function main(x = {text}) {{}}")
