"""Calling a server: the one of FLOWAPP_URL with the token of FLOWAPP_TOKEN, else the one of this machine."""

from __future__ import annotations

from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from flowapp.cli.output import CommandFailed
from flowapp.cli.settled import settings

_SECONDS = 60.0


class Server:
    """A client of one workspace. Errors of the server become `CommandFailed` with its own words."""

    def __init__(self, workspace: str) -> None:
        configured = settings()
        if not configured.token:
            raise CommandFailed(
                "FLOWAPP_TOKEN is not set.", "Set it to an API token; on the server, `flowapp token create` makes one."
            )
        self.url = configured.base_url
        self._root = f"/api/w/{quote(workspace, safe='')}/"
        self._named = f"?workspace={quote(workspace, safe='')}"
        nearby = urlsplit(self.url).hostname in ("127.0.0.1", "localhost", "::1")
        self._client = httpx.Client(
            base_url=self.url,
            headers={"authorization": f"Bearer {configured.token}"},
            timeout=_SECONDS,
            trust_env=not nearby,  # a proxy is no way to this machine
        )

    def page(self, path: str) -> str:
        """The address of a page of the workspace, for people."""
        return f"{self.url}{path}{self._named}"

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, where: str, **query: Any) -> httpx.Response:
        """Ask for an address under the workspace."""
        return self._send("GET", where, params=query)

    def post(self, where: str, body: Any) -> httpx.Response:
        """Post JSON to an address under the workspace."""
        return self._send("POST", where, json=body)

    def _send(self, method: str, where: str, **more: Any) -> httpx.Response:
        try:
            found = self._client.request(method, self._root + where, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = str(error) or type(error).__name__
            raise CommandFailed(
                f"The server {self.url} does not answer ({said}).", "Is it running? FLOWAPP_URL says where it is."
            ) from None
        if found.is_error:
            raise refused(found)
        return found


def refused(answer: httpx.Response) -> CommandFailed:
    """The error for an answer that is none, in the server's words."""
    if answer.status_code == 401:
        return CommandFailed(
            "The server does not take the token.", "Set FLOWAPP_TOKEN to a valid API token of this server."
        )
    kind = answer.headers.get("content-type", "")
    if kind.startswith("application/json"):
        body = answer.json()
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, dict) and isinstance(error.get("message"), str):
            return CommandFailed(error["message"], str(error.get("hint") or ""))
    if kind.startswith("text/plain") and answer.text.strip():
        return CommandFailed(answer.text.strip()[:1000])
    return CommandFailed(f"The server answered {answer.status_code}.", "Is there a Flowapp server at FLOWAPP_URL?")


def path_in_address(path: str) -> str:
    """A path like `f/team/report` in an address."""
    return quote(path, safe="/")
