"""Queries that many addresses share: pages of lists, texts, lists of words."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from flowapp.api.bodies import MOST
from flowapp.workspace.stored import Page

Text = Annotated[str, Query(max_length=4000)]
Flag = Annotated[bool, Query()]


def page_of(
    page: Annotated[int | None, Query(ge=-MOST, le=MOST)] = None,
    per_page: Annotated[int | None, Query(ge=-MOST, le=MOST)] = None,
) -> Page:
    """The page that is asked for."""
    return Page(page, per_page)


Paging = Annotated[Page, Depends(page_of)]


def words(text: str) -> frozenset[str]:
    """The words of a comma list."""
    return frozenset(word.strip() for word in text.split(",") if word.strip())
