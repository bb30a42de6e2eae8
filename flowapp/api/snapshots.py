"""Reading the form in which a client sends a script and the bundle that was made of it."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from flowapp.api.bodies import MAX_JSON, parse_json, too_large
from flowapp.workspace.errors import BadRequest

_HINT = "Send a form (multipart/form-data) of script, the JSON of a script, and file, its bundle."


async def snapshot_of(request: Request) -> tuple[dict[str, Any], str]:
    """The script and its bundle. Both may be fields or files.

    Raises:
        BadRequest: it is no such form.
        UploadTooLarge: more than 16 MB.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise BadRequest("The script and its bundle come as a form.", _HINT)
    announced = request.headers.get("content-length", "")
    if not announced.isdigit():
        raise BadRequest("The request does not say how long it is (content-length).", _HINT)
    if int(announced) > MAX_JSON:
        raise too_large(MAX_JSON)
    try:
        script, bundle = await _read(request)
        # a field has the charset that the client names, and some of them know halves of characters
        bundle.encode()
    except UnicodeError:
        raise BadRequest("The bundle is no text.", "A bundle of several files is not supported.") from None
    body = parse_json(script.encode("utf-8", "replace"))
    if not isinstance(body, dict):
        raise BadRequest("script must be a JSON object.", _HINT)
    return body, bundle


async def _read(request: Request) -> tuple[str, str]:
    found = []
    async with request.form(max_files=2, max_fields=10, max_part_size=MAX_JSON) as form:
        for name in ("script", "file"):
            value = form.get(name)
            if value is None:
                raise BadRequest(f"The form has no {name}.", _HINT)
            found.append((await value.read()).decode() if isinstance(value, UploadFile) else value)
    return found[0], found[1]
