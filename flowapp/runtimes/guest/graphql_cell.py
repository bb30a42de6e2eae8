"""A GraphQL cell: its text goes to the server that the input `api` names, and the answer's `data` is the result.

Runs in the isolated process. `api` is a resource of type graphql: `{"base_url", "bearer_token"?, "custom_headers"?}`.
"""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

from flowapp.runtimes.guest import frames

if TYPE_CHECKING:
    import urllib.request

_JSON = "application/json"
_ACCEPTED = "application/graphql-response+json, application/json;q=0.9"
_SHOWN = 500
_SERVER_ERROR = 400


class _Failed(Exception):
    """The error of the cell as data."""

    def __init__(self, name: str, message: str, line: int | None = None, extra: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.found = {"name": name, "message": message, "line": line, "extra": extra}


def run(job: frames.JobText) -> tuple[bytes, bytes]:
    """Send the query; the frame to answer with."""
    script = job.header["graphql"]
    limit = job.header["result_bytes"]
    inputs = json.loads(job.args)
    try:
        request = _request(inputs.get(script["api"]), job.code.decode("utf-8", "replace"), _variables(script, inputs))
        status, body = _answer(request, script["timeout_s"], limit)
        result = json.dumps(_data(status, body), ensure_ascii=False).encode("utf-8", "replace")
        if len(result) > limit:
            raise _too_large(limit)
    except _Failed as failed:
        told = {name: value for name, value in failed.found.items() if value is not None}
        return frames.ERROR, json.dumps(told).encode()
    return frames.RESULT, result


def _variables(script: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """What is sent: null and missing leave a variable that has a default to it; one without is left out only when missing."""
    return {
        name: inputs[name]
        for name, has_default in script["variables"].items()
        if name in inputs and not (has_default and inputs[name] is None)
    }


def _request(api: Any, query: str, variables: dict[str, Any]) -> urllib.request.Request:
    import urllib.request

    if not isinstance(api, dict) or not api.get("base_url"):
        raise _Failed(
            "ExecutionErr",
            "There is no connection: set the input `api` to a resource of type graphql, with `base_url` in it.",
        )
    address = str(api["base_url"])
    if not address.startswith(("http://", "https://")):
        raise _Failed("ExecutionErr", f"The base_url of `api` begins with http:// or https://, not {address[:80]!r}.")
    custom = api.get("custom_headers") or {}
    if not isinstance(custom, dict):
        raise _Failed("ExecutionErr", "The custom_headers of `api` are an object: names of headers with their values.")
    headers = {"Content-Type": _JSON, "Accept": _ACCEPTED, "User-Agent": "flowapp"}
    if api.get("bearer_token"):
        headers["Authorization"] = f"Bearer {api['bearer_token']}"
    headers.update({str(name): str(value) for name, value in custom.items()})
    body = json.dumps({"query": query, "variables": variables}).encode()
    try:
        return urllib.request.Request(address, body, headers, method="POST")  # noqa: S310  # http and https only
    except ValueError:
        raise _Failed("ExecutionErr", f"The base_url of `api` is no address: {address[:80]!r}.") from None


def _answer(request: urllib.request.Request, timeout_s: float, limit: int) -> tuple[int, bytes]:
    """(status, body). A redirect is not followed: it would take the token to somebody else."""
    import http.client
    import urllib.error
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        """Follows nowhere."""

        def redirect_request(self, *_: Any) -> None:
            return None

    try:
        with urllib.request.build_opener(Stay).open(request, timeout=timeout_s) as answer:
            return answer.status, _read(answer, limit)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _read(error, limit)
    except TimeoutError:
        raise _Failed("Timeout", f"The server did not answer within {timeout_s:g} s.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        # http.client says which header it refuses, value included.
        text = (
            "a header or the address holds a character that HTTP does not allow"
            if isinstance(error, ValueError)
            else reason
        )
        raise _Failed("ConnectionFailed", f"The GraphQL server cannot be reached: {text}") from None


def _read(answer: IO[bytes], limit: int) -> bytes:
    body = answer.read(limit + 1)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _data(status: int, body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    errors = answer.get("errors") if isinstance(answer, dict) else None
    if errors:
        raise _refused(errors, answer.get("data"))
    if status >= _SERVER_ERROR or not isinstance(answer, dict) or "data" not in answer:
        said = " ".join(body[:_SHOWN].decode("utf-8", "replace").split())
        why = "" if status >= _SERVER_ERROR or 300 > status >= 200 else ", a redirect: correct the base_url"
        raise _Failed("ExecutionErr", f"The server's answer is no GraphQL answer (HTTP status {status}{why}): {said}")
    return answer["data"]


def _refused(errors: Any, data: Any) -> _Failed:
    """What the server says is wrong: all of its messages, and the place of the first."""
    listed = [error for error in (errors if isinstance(errors, list) else [errors]) if isinstance(error, dict)]
    message = "\n".join(str(error.get("message", error)) for error in listed) or str(errors)
    line = None
    for error in listed:
        places = error.get("locations")
        if isinstance(places, list) and places and isinstance(places[0], dict):
            line = places[0].get("line")
            break
    extra = {"errors": errors} if data is None else {"errors": errors, "data": data}
    return _Failed("GraphqlError", message, line if isinstance(line, int) else None, extra)


def _too_large(limit: int) -> _Failed:
    return _Failed(
        "ResultTooLarge",
        f"The answer is larger than the {frames.size_text(limit)} that are kept. Ask for less, or in pages.",
    )
