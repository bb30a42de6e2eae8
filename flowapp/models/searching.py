"""Searching the web by the provider of a model: how each is asked for it, and what its answers say of it.

| way | who | how |
|---|---|---|
| `responses` | OpenAI, Azure | their Responses API, with the tool `web_search` (`responses.py`) |
| `web_search_options` | OpenAI's search models, servers that follow OpenAI | that parameter of the chat completions |
| any other text | OpenRouter (`openrouter:web_search`), Groq (`browser_search`) | a tool of that type beside the functions |

Sources: developers.openai.com/api/docs/guides/tools-web-search, learn.microsoft.com (Azure OpenAI, web search),
openrouter.ai/docs (server tools), console.groq.com/docs/browser-search.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

RESPONSES = "responses"
OPTIONS = "web_search_options"


class Citation(BaseModel):
    """A page that an answer names."""

    url: str
    title: str = ""
    start_index: int = 0
    end_index: int = 0


class Annotation(BaseModel):
    """What an answer has beside its text: `url_citation` in the chat completions, its fields by themselves in the Responses API."""

    type: str = ""
    url_citation: Citation | None = None
    url: str | None = None
    title: str | None = None
    start_index: int = 0
    end_index: int = 0

    @property
    def citation(self) -> Citation | None:
        """The page, where it is about one."""
        if self.type != "url_citation":
            return None
        if self.url_citation is not None or self.url is None:
            return self.url_citation
        return Citation(url=self.url, title=self.title or "", start_index=self.start_index, end_index=self.end_index)


def way_of(way: str, model: str) -> str:
    """How a model is asked: OpenAI's search models (`gpt-4o-search-preview`, `gpt-5-search-api`) search in chat completions."""
    return OPTIONS if way == RESPONSES and "-search" in model else way


def add(asked: dict[str, Any], way: str) -> None:
    """Ask for it in a request of chat completions; "" asks for nothing."""
    if way == OPTIONS:
        asked[OPTIONS] = {}
    elif way:
        asked["tools"] = [*asked.get("tools", ()), {"type": way}]


def sources(annotations: Iterable[Annotation] | None) -> tuple[dict[str, Any], ...]:
    """The pages that an answer names, as messages of chat completions hold them."""
    found = [one.citation for one in annotations or ()]
    return tuple({"type": "url_citation", "url_citation": one.model_dump()} for one in found if one is not None)
