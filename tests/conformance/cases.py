"""The cases, and how what came of a run is compared with what its case says: the same by whatever means it ran."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "flows"
CASES: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values: `true` is not `1`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def matches(found: Any, part: Any) -> bool:
    """`result_match`."""
    if isinstance(part, dict):
        return isinstance(found, dict) and all(key in found and matches(found[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(found, list) and len(found) == len(part) and all(map(matches, found, part))
    return same(found, part)


def check(expect: dict[str, Any], result: Any, *, success: bool, skipped: bool, seconds: float) -> None:
    """Compare a finished run with a case's `expect`."""
    assert success == expect["success"], result
    if "result" in expect:
        assert same(result, expect["result"]), result
    if "result_match" in expect:
        assert matches(result, expect["result_match"]), result
    if "error_name" in expect:
        assert result["error"]["name"] == expect["error_name"], result
    if "error_message_contains" in expect:
        assert expect["error_message_contains"].lower() in json.dumps(result).lower(), result
    if "skipped" in expect:
        assert skipped == expect["skipped"], result
    assert expect.get("min_seconds", 0) <= seconds <= expect.get("max_seconds", 600), seconds


def check_all(case: dict[str, Any], results: list[Any]) -> None:
    """What a case says of the results of all its runs together."""
    if "expect_runs" in case:
        assert same(results, case["expect_runs"]), results
    if "expect_same_across_runs" in case:
        assert all(same(result, results[0]) for result in results) == case["expect_same_across_runs"], results


def args_of(case: dict[str, Any]) -> list[Any]:
    """The arguments of each run that the case asks for."""
    return case.get("args_per_run") or [case["args"]] * case.get("runs", 1)
