"""The values that pages show beside expressions while edits and evaluations overtake each other."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from flowapp.expressions.values import Batch
from flowapp.notebook.document import Document
from flowapp.notebook.operations import apply_all
from flowapp.notebook.operations import types as ops
from flowapp.store.events import Events, Subscription
from flowapp.store.tables import DraftRow
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.editing import take_document
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.previews import REFRESH_AFTER_S, Previews
from tests.unit.notebook.flows import document, script


class SlowEvaluator:
    """Each expression has itself as its value; some only when a test lets them."""

    def __init__(self) -> None:
        self.held: dict[str, asyncio.Event] = {}
        self.asked: list[str] = []

    async def evaluate(self, batch: Batch) -> list[str]:
        texts = [expression.text for expression in batch.expressions]
        self.asked += texts
        for text in texts:
            if text in self.held:
                await self.held[text].wait()
        return texts


class Page:
    """A draft that a page shows, and what the page is told."""

    def __init__(self, made: Document) -> None:
        self.evaluator, self.events = SlowEvaluator(), Events()
        row = DraftRow(
            id="d", workspace="main", owner="ann", path="u/ann/f", document="", version=1, created_at="", saved_at=""
        )
        self.draft = OpenDraft(row=row, document=made, records={}, undo=None, redo=None)
        self.told: Subscription = self.events.subscribe([self.draft.topic])
        self.tasks: list[asyncio.Task[None]] = []
        context = cast(Context, self)
        self.previews = Previews(context, cast(Drafts, None))

    @property
    def store(self) -> Any:
        return self

    def spawn(self, work: Any, what: str) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work, name=what))

    def write(self, expr: str) -> None:
        """The expression of `n` is another one now, as a save does it."""
        edit = apply_all(self.draft.document, [ops.SetInput("cell_a", "n", {"type": "javascript", "expr": expr})])
        assert isinstance(edit, ops.Applied)
        take_document(self.draft, edit.document, self.draft.row.version + 1, "")
        self.previews.refresh_soon(self.draft)

    async def until_asked(self, expr: str) -> None:
        async with asyncio.timeout(30):
            while expr not in self.evaluator.asked:
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        async with asyncio.timeout(30):
            await asyncio.gather(*self.tasks)

    @property
    def shown(self) -> str | None:
        return self.draft.evaluated.get("cell_a", {}).get("n", {}).get("text")


async def test_a_slow_value_of_an_earlier_expression_is_not_told_as_that_of_the_present_one() -> None:
    page = Page(document(script("a", {"n": "12"})))
    let = page.evaluator.held["12"] = asyncio.Event()
    page.previews.refresh_soon(page.draft)
    await page.until_asked("12")
    page.write("5")
    asyncio.get_running_loop().call_later(3 * REFRESH_AFTER_S, let.set)  # time for another evaluation beside it
    await page.settled()
    assert page.shown == "5"


async def test_an_edit_forgets_the_value_of_what_it_changed_and_keeps_the_others() -> None:
    page = Page(document(script("a", {"n": "12", "m": "7"})))
    page.previews.refresh_soon(page.draft)
    await page.settled()
    assert {field: value["text"] for field, value in page.draft.evaluated["cell_a"].items()} == {"n": "12", "m": "7"}
    page.write("5")
    assert {field: value["text"] for field, value in page.draft.evaluated["cell_a"].items()} == {"m": "7"}
    await page.settled()
    assert page.shown == "5"
