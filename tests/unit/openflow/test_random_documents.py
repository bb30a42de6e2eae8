"""Documents that nobody thought of come out as they went in, by every way."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.openflow import documents

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text(st.sampled_from("a \t\n\r:#-'\"|>!&*?{}[],%@`\\~=<0.\u2028\u0085\ufeff"), max_size=20),
    st.sampled_from(
        [
            "",
            "yes",
            "No",
            "null",
            "~",
            "1",
            "1.5",
            "1e3",
            "0x1f",
            "0o7",
            "2024-01-01",
            "<<",
            "=",
            ".inf",
            "a: b",
            "a #b",
            "\n",
            "\na",
            " a\nb",
            "a\n\n",
            "a\n ",
            "\tx\ny",
            "a\n\t\nb",
            "!inline x.py",
            "--- a\n...\n",
            "?",
            "- a",
        ]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
EXTRAS = st.dictionaries(TEXTS.map(lambda key: f"x_{key}"), JSON, max_size=2)
TRANSFORMS = st.dictionaries(
    TEXTS,
    st.one_of(
        st.fixed_dictionaries({"type": st.just("static")}, optional={"value": JSON}),
        st.fixed_dictionaries({"type": st.just("javascript"), "expr": TEXTS}),
        st.just({"type": "ai"}),
    ),
    max_size=3,
)


def with_extras(base: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda extra, known, last: {**extra, **known} if last else {**known, **extra}, EXTRAS, base, st.booleans()
    )


LEAVES = st.one_of(
    with_extras(
        st.fixed_dictionaries(
            {
                "type": st.just("rawscript"),
                "language": st.sampled_from(["python3", "deno", "bash", "odd"]),
                "content": TEXTS,
            },
            optional={"lock": st.none() | TEXTS, "input_transforms": TRANSFORMS, "tag": st.none() | TEXTS},
        )
    ),
    with_extras(
        st.fixed_dictionaries({"type": st.just("script"), "path": TEXTS}, optional={"input_transform": TRANSFORMS})
    ),
    with_extras(st.fixed_dictionaries({"type": st.just("identity")})),
)


def module_of(value: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return with_extras(
        st.fixed_dictionaries(
            {"value": value},
            optional={
                "id": st.none() | TEXTS,
                "summary": st.none() | TEXTS,
                "timeout": st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
                "continue_on_error": st.none() | st.booleans(),
                "input_transforms": TRANSFORMS,
            },
        )
    )


def containers(modules: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(modules, max_size=2)
    branch = with_extras(st.fixed_dictionaries({"expr": TEXTS, "modules": several}))
    return st.one_of(
        modules,
        module_of(
            with_extras(
                st.fixed_dictionaries(
                    {"type": st.just("branchone"), "branches": st.lists(branch, max_size=2)},
                    optional={"default": several},
                )
            )
        ),
        module_of(with_extras(st.fixed_dictionaries({"type": st.just("whileloopflow"), "modules": several}))),
    )


MODULES = st.recursive(module_of(LEAVES), containers, max_leaves=4)
FLOWS = with_extras(
    st.fixed_dictionaries(
        {
            "value": with_extras(
                st.fixed_dictionaries(
                    {"modules": st.lists(MODULES, max_size=3)}, optional={"failure_module": st.none() | MODULES}
                )
            )
        },
        optional={"summary": st.none() | TEXTS, "schema": st.none() | st.dictionaries(TEXTS, JSON, max_size=2)},
    )
)


@settings(max_examples=150, deadline=None)
@given(FLOWS)
def test_round_trips_of_random_documents_are_lossless(flow: dict[str, Any]) -> None:
    text = json.dumps(flow)
    assert json.dumps(documents.dump(documents.parse(flow))) == text
    assert json.dumps(documents.dump(documents.read_text(documents.to_json(flow), "json"))) == text
    assert json.dumps(documents.dump(documents.read_text(documents.to_yaml(flow), "yaml"))) == text
    assert json.dumps(documents.dump(documents.from_folder(documents.to_folder(flow)))) == text
