"""Which texts name a variable or a resource."""

from __future__ import annotations

import pytest

from flowapp.jsontext import dumps
from flowapp.workspace.usages import Kind, names


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("variable", dumps({"value": "$var:u/ada/key"}), True),
        ("variable", dumps({"expr": 'variable("u/ada/key")'}), True),
        ("variable", dumps({"expr": "variable( 'u/ada/key' ) + 1"}), True),
        ("variable", 'wmill.get_variable("u/ada/key")', True),
        ("variable", "await wmill.getVariable('u/ada/key')", True),
        ("variable", 'wmill.set_variable("u/ada/key", "x")', True),
        ("resource", dumps({"expr": "resource(`u/ada/key`).host"}), True),
        ("resource", dumps("$res:u/ada/key"), True),
        ("resource", dumps({"tool_type": "mcp", "resource_path": "u/ada/key"}), True),
        ("resource", 'wmill.get_resource("$res:u/ada/key")', True),
        ("resource", "-- database u/ada/key\nselect 1", True),
        ("resource", dumps({"content": "--\tdatabase\tu/ada/key\nselect 1"}), True),
        ("variable", dumps({"value": "$var:u/ada/key2"}), False),
        ("variable", dumps({"value": "$var:u/ada/key/more"}), False),
        ("variable", dumps({"value": "$res:u/ada/key"}), False),
        ("variable", "my_variable = 'u/ada/key'", False),
        ("resource", dumps({"expr": "u/ada/key"}), False),
        ("resource", "-- database u/ada/key2\nselect 1", False),
        ("resource", "-- see u/ada/key", False),
    ],
)
def test_a_text_names_it(kind: Kind, text: str, found: bool) -> None:
    assert names(kind, "u/ada/key", text) is found
