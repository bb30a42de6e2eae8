"""How a result answers a synchronous call."""

from __future__ import annotations

import json

from flowapp.api.job_results import result_answer
from flowapp.jsontext import JsonText, dumps


def test_a_failure_module_says_how_it_is_answered() -> None:
    answer = result_answer(dumps({"windmill_status_code": 418, "result": {"tea": 1}}), failed=True)
    assert (answer.status_code, json.loads(bytes(answer.body))) == (418, {"tea": 1})
    for status in ("no", 999, None):
        answer = result_answer(dumps({"windmill_status_code": status, "result": 2}), failed=True)
        assert (answer.status_code, answer.body) == (500, b"2")


def test_any_other_result_is_answered_as_it_is() -> None:
    for text, failed, status in (('{"error":{}}', True, 500), ('{"result":1}', False, 200), ("null", False, 200)):
        answer = result_answer(JsonText(text), failed=failed)
        assert (answer.status_code, bytes(answer.body).decode()) == (status, text)
