"""Signatures of Python scripts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.signatures import Signature, SignatureProblem, infer


def signature(code: str, entrypoint: str = "main") -> Signature:
    found = infer("python3", code, entrypoint)
    assert isinstance(found, Signature), found
    return found


def of(annotation: str, before: str = "") -> dict[str, Any]:
    schema: dict[str, Any] = signature(f"{before}\ndef main(x: {annotation}): ...").schema["properties"]["x"]
    return schema


def problem(code: str) -> SignatureProblem:
    found = infer("python3", code)
    assert isinstance(found, SignatureProblem), found
    return found


OBJECT = {"type": "object"}
STRING = {"type": "string"}
INTEGER = {"type": "integer"}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("str", STRING),
        ("int", INTEGER),
        ("float", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("dict", OBJECT),
        ("dict[str, int]", {"type": "object", "additionalProperties": INTEGER}),
        ("Dict[str, Any]", OBJECT),
        ("list", {"type": "array"}),
        ("List[str]", {"type": "array", "items": STRING}),
        ("list[list[int]]", {"type": "array", "items": {"type": "array", "items": INTEGER}}),
        ("tuple[int, ...]", {"type": "array", "items": INTEGER}),
        ("tuple[int, str]", {"type": "array"}),
        ("set[str]", {"type": "array", "uniqueItems": True, "items": STRING}),
        ("Literal['a', 'b']", {"type": "string", "enum": ["a", "b"]}),
        ("Literal[1, 2]", {"type": "integer", "enum": [1, 2]}),
        ("Literal[1, True, 'a']", {"enum": [1, True, "a"]}),
        ("Literal['a', None]", {"type": "string", "enum": ["a"]}),
        ("Literal['a'] | Literal['b']", {"type": "string", "enum": ["a", "b"]}),
        ("Optional[int]", INTEGER),
        ("int | None", INTEGER),
        ("'int | None'", INTEGER),
        ("int | str", {"anyOf": [INTEGER, STRING]}),
        ("Union[int, str, None]", {"anyOf": [INTEGER, STRING]}),
        ("int | Any", {}),
        ("bytes", {"type": "string", "contentEncoding": "base64"}),
        ("datetime", {"type": "string", "format": "date-time"}),
        ("datetime.datetime", {"type": "string", "format": "date-time"}),
        ("dt.date", {"type": "string", "format": "date"}),
        ("Annotated[int, 'how many']", {"type": "integer", "description": "how many"}),
        ("postgresql", {"type": "object", "format": "resource-postgresql"}),
        ("MyThing", {"type": "object", "format": "resource-my_thing"}),
        ("S3Object", {"type": "object", "format": "resource-s3_object"}),
        ("wmill.S3Object", {"type": "object", "format": "resource-s3_object"}),
        ("DynSelect_city", {"type": "object", "format": "dynselect-city"}),
        ("np.ndarray", {}),
        ("Callable[[int], str]", {"type": "object", "format": "resource-callable"}),
        ("Any", {}),
        ("3", {}),
        ("'not valid('", {}),
    ],
)
def test_annotations(annotation: str, schema: dict[str, Any]) -> None:
    assert of(annotation) == schema


class TestClasses:
    def test_enum(self) -> None:
        before = "class Color(str, Enum):\n    RED = 'red'\n    BLUE = 'blue'\n    def f(self): ..."
        assert of("Color", before) == {"type": "string", "enum": ["red", "blue"]}
        found = signature(f"{before}\ndef main(c: Color = Color.RED, d=Color.BLUE.value): ...")
        assert found.schema["properties"]["c"] == {"type": "string", "enum": ["red", "blue"], "default": "red"}
        assert found.schema["properties"]["d"] == {"type": "string", "default": "blue"}

    def test_enum_with_auto(self) -> None:
        assert of("N", "class N(IntEnum):\n    A = auto()\n    B = 5\n    C = auto()") == {
            "type": "integer",
            "enum": [1, 5, 6],
        }
        assert of("S", "class S(StrEnum):\n    ONE = auto()") == {"type": "string", "enum": ["one"]}

    def test_typed_dict(self) -> None:
        before = "class Item(TypedDict, total=False):\n    a: Required[int]\n    b: str\nclass More(Item):\n    c: list[Item]"
        item = {"type": "object", "properties": {"a": INTEGER, "b": STRING}, "required": ["a"]}
        assert of("Item", before) == item
        assert of("More", before)["properties"]["c"] == {"type": "array", "items": item}
        assert of("More", before)["required"] == ["a", "c"]

    def test_classes_in_other_statements(self) -> None:
        row = "class Row(TypedDict):\n{0}    a: int\n"
        expected = {"type": "object", "properties": {"a": INTEGER}, "required": ["a"]}
        for before in (
            "if x:\n  pass\nelse:\n  ",
            "try:\n  pass\nexcept E:\n  ",
            "match x:\n case 1:\n  ",
            "class Outer:\n  ",
        ):
            assert of("Row", before + row.format("  ")) == expected, before
        for before in (
            "for x in y:\n  ",
            "try:\n  pass\nfinally:\n  ",
            "with x:\n  ",
            "def f():\n  ",
            "while (lambda: 1)():\n  ",
        ):
            assert of("Row", before + row.format("  ")) == expected, before

    def test_lower_case_typed_dicts_and_aliases_are_resources(self) -> None:
        resource = {"type": "object", "format": "resource-postgresql"}
        assert of("postgresql", "class postgresql(TypedDict):\n    host: str") == resource
        assert of("postgresql", "postgresql = dict") == resource

    def test_aliases(self) -> None:
        assert of("Size", "Size = Literal['s', 'm']") == {"type": "string", "enum": ["s", "m"]}
        assert of("UserId", "UserId = NewType('UserId', int)") == INTEGER
        assert of("T", "T = TypeVar('T')") == {}
        assert of("A", "A = list[A]") is not None

    def test_dataclass(self) -> None:
        before = "@dataclass\nclass P:\n    x: int\n    y: list[str] = field(default_factory=list)\n    z: float = 1.5\n    c: ClassVar[int] = 1"
        assert of("P", before) == {
            "type": "object",
            "properties": {
                "x": INTEGER,
                "y": {"type": "array", "items": STRING},
                "z": {"type": "number", "default": 1.5},
            },
            "required": ["x"],
        }

    def test_pydantic(self) -> None:
        before = "class M(BaseModel):\n    a: Annotated[int, Field(gt=3)]\n    b: Optional[str] = None\n    c: float = Field(..., ge=1)\n    d: int = Field(default=3)\n    _e: int = 1"
        found = of("M", before)
        assert list(found["properties"]) == ["a", "b", "c", "d"]
        assert found["required"] == ["a", "c"]

    def test_classes_that_refer_to_themselves(self) -> None:
        assert of("Node", "class Node(BaseModel):\n    children: list['Node']") == {
            "type": "object",
            "properties": {"children": {"type": "array", "items": OBJECT}},
            "required": ["children"],
        }
        assert of("A", "class A(B):\n    x: int\nclass B(A):\n    y: int")["type"] == "object"


class TestFunction:
    def test_order_required_and_defaults(self) -> None:
        found = signature(
            "def main(a, /, b: int, c=3, *args, d: str, e: bool = True, f=None, g=[1, 2], h={'x': 1}, i=-1, j=f(), **kw): ..."
        )
        assert found.schema["order"] == ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
        assert found.schema["required"] == ["a", "b", "d"]
        assert found.has_kwargs
        assert found.schema["properties"] == {
            "a": {},
            "b": INTEGER,
            "c": {"type": "integer", "default": 3},
            "d": STRING,
            "e": {"type": "boolean", "default": True},
            "f": {"default": None},
            "g": {"type": "array", "items": INTEGER, "default": [1, 2]},
            "h": {"type": "object", "default": {"x": 1}},
            "i": {"type": "integer", "default": -1},
            "j": {},
        }

    def test_optional_is_not_required(self) -> None:
        found = signature("def main(a: Optional[int], b: 'str | None', c: Union[int, None], d: int): ...")
        assert found.schema["required"] == ["d"]

    def test_defaults_that_json_cannot_hold_are_left_out(self) -> None:
        found = signature("def main(a: float = 1e999, b=b'hi', c=(1,), d={1: 2}, e=2j): ...").schema
        assert found["required"] == []
        assert "default" not in found["properties"]["a"]
        assert found["properties"]["b"] == {"type": "string", "default": "aGk="}
        assert found["properties"]["c"]["default"] == [1]
        assert found["properties"]["d"] == found["properties"]["e"] == {}

    @pytest.mark.parametrize(
        "code",
        [
            "async def main(x: int): ...",
            "@task\ndef main(x: int): ...",
            "if True:\n    def main(x: int): ...\nelse:\n    def other(): ...",
            "try:\n    import x\nexcept ImportError:\n    pass\ndef main(x: int): ...",
            "def main(): ...\ndef main(x: int): ...",
            "def run(x: int): ...\nmain = run",
        ],
    )
    def test_is_found(self, code: str) -> None:
        assert signature(code).schema["properties"] == {"x": INTEGER}

    def test_entry_point(self) -> None:
        code = "def preprocessor(event: dict): ...\ndef main(): ..."
        assert signature(code, "preprocessor").schema["order"] == ["event"]

    def test_that_is_imported_takes_anything(self) -> None:
        assert signature("from f.tools import main").has_kwargs
        assert signature("from f.tools import run as main").has_kwargs

    @pytest.mark.parametrize(
        ("annotation", "schema"),
        [
            ("list[dict]", {"type": "array", "items": OBJECT}),
            ("str | None", STRING),
            ("None", {"type": "null"}),
            ("pd.DataFrame", {"type": "array", "items": OBJECT}),
            ("Unknown", None),
            ("Generator[str, None, None]", STRING),
        ],
    )
    def test_returns(self, annotation: str, schema: dict[str, Any] | None) -> None:
        assert signature(f"def main() -> {annotation}: ...").returns == schema

    @pytest.mark.parametrize(
        ("code", "schema"),
        [
            ("class A(TypedDict):\n    x: int", {"type": "object", "properties": {"x": INTEGER}, "required": ["x"]}),
            ("@dataclass\nclass A:\n    x: int", None),
            ("class A(BaseModel):\n    x: int", None),
            ("class A(NamedTuple):\n    x: int", {"type": "array"}),
            ("class A(str, Enum):\n    X = 'x'", {"type": "string", "enum": ["x"]}),
        ],
    )
    def test_returns_what_an_object_of_a_class_is_as_json(self, code: str, schema: dict[str, Any] | None) -> None:
        assert signature(f"{code}\ndef main() -> A: ...").returns == schema


class TestProblems:
    @pytest.mark.parametrize(
        ("code", "line", "syntax"),
        [
            ("", 1, False),
            ("x = 1", 1, False),
            ("class A:\n    def main(self): ...", 1, False),
            ("def main():\n    return 1 +\n", 2, True),
            ("def main(:\n    pass", 1, True),
            ("def main():\nreturn 1", 2, True),
            ("x = '\\x00' \x00", 1, True),
            ("'\ud800'", 1, True),
            ("(" * 5000, 1, True),
            ("a" + ".b" * 100_000, 1, True),
            ("#" * 300_001, 1, True),
        ],
    )
    def test_have_a_line(self, code: str, line: int, syntax: bool) -> None:
        found = problem(code)
        assert (found.line, found.syntax) == (line, syntax)
        assert found.message.endswith(".")

    def test_odd_escapes_are_no_problem(self) -> None:
        assert signature("x = '\\d'\ndef main(): ...")

    @settings(deadline=None)
    @given(st.text(max_size=50))
    def test_nothing_raises(self, text: str) -> None:
        infer("python3", text)
        infer("python3", f"def main(x: {text}): ...")
