"""Evaluated values beside expressions: with the production evaluator, on the results that pages show.

Values of secrets are never read for a preview: an expression that reads variables or resources is shown when it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flowapp.access.identity import Identity
from flowapp.expressions.values import Batch, Expression, ExpressionFailed
from flowapp.jsontext import NULL, JsonText, canonical, dumps, hash_of, loads
from flowapp.notebook.document import CellId, Document, Entry
from flowapp.notebook.trials import sample_of
from flowapp.openflow import references
from flowapp.store.blobs import BlobRef
from flowapp.store.events import Event
from flowapp.workspace import tree
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest, OutputMissing, WorkspaceError
from flowapp.workspace.expressions_shown import expressions_of
from flowapp.workspace.judging import Answer, Failure, judged
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.scope import CellScope, Source, loops_around, reaches, scope_of, source_of

#: Bigger values are only read along plain paths, which needs no JavaScript.
MAX_VALUE = 4 << 20
REFRESH_AFTER_S = 0.08
KEPT = 4000
_BREATHE = 10

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Question:
    """One expression of a cell, with what it needs and a key under which its answer can be kept."""

    field: str
    expr: str
    predicate: bool
    key: str


class Previews:
    """Use-cases about evaluated expressions."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._context = context
        self._store = context.store
        self._drafts = drafts
        self._kept: OrderedDict[str, Shown] = OrderedDict()
        #: drafts to evaluate anew, by id, and those at which that is done
        self._wanted: dict[str, OpenDraft] = {}
        self._at_work: set[str] = set()

    async def preview(self, identity: Identity, draft_id: str, cell: CellId, field: str, expr: str) -> Shown:
        """`{"ok": true, "text", "type", "node"}` of an expression in the place of a cell's field, or why there is none.

        `problem` says that the value is not one that the field takes, `fails` that the expression has none on the values there are:
        else nobody knows it before a run.
        """
        draft = await self._drafts.open(identity, "draft.run", draft_id)
        entry = draft.document.entry(cell)
        if entry is None:
            raise BadRequest(f"Cell {cell} is no longer there.", "Reload the page.")
        (answer,) = await self.values(draft, entry, [(expr, _is_predicate(field))])
        valid, problem = await asyncio.to_thread(judged, draft.document, entry, field, expr, answer)
        misfit = {"problem": problem} if valid is False and not isinstance(answer, str) else {}
        if isinstance(answer, tuple):
            value = await asyncio.to_thread(loads, answer[0])
            look = {"text": tree.summary(value), "type": tree.type_of(value), "node": tree.node(value)}
            return {"ok": True, **look, **misfit}
        if isinstance(answer, str):
            return {"ok": False, "text": str(answer), **({"fails": True} if valid is False else {})}
        return {"ok": True, **answer, **misfit}

    async def values(self, draft: OpenDraft, entry: Entry, expressions: Sequence[tuple[str, bool]]) -> list[Answer]:
        """The answer to each (expression, is a predicate)."""
        scope = scope_of(draft, entry)
        answers: list[Answer | None] = [None] * len(expressions)
        batch: list[int] = []
        for position, (expr, _) in enumerate(expressions):
            problem = _unready(scope, expr)
            if problem:
                answers[position] = problem
            else:
                batch.append(position)
        needed = [expressions[position] for position in batch]
        if needed:
            for position, answer in zip(batch, await self._evaluated(draft, scope, needed), strict=True):
                answers[position] = answer
        return [answer if answer is not None else "no value" for answer in answers]

    def refresh_soon(self, draft: OpenDraft) -> None:
        """Evaluate the draft's expressions anew in a moment, or after the evaluating that is under way.

        One after the other: of two at once the older might tell its values last, and they would stay.
        """
        if not self._store.events.wanted_here(draft.topic):
            return
        self._wanted[draft.id] = draft
        if draft.id not in self._at_work:
            self._at_work.add(draft.id)
            self._context.spawn(self._refresh_while_wanted(draft.id), "evaluated values")

    async def _refresh_while_wanted(self, draft_id: str) -> None:
        try:
            while draft_id in self._wanted:
                await asyncio.sleep(REFRESH_AFTER_S)
                await self._refresh(self._wanted.pop(draft_id))
        finally:
            self._at_work.discard(draft_id)
            self._wanted.pop(draft_id, None)

    async def _refresh(self, draft: OpenDraft) -> None:
        document = draft.document
        args = document.flow_args()
        for number, entry in enumerate(document.outline.entries):
            if number % _BREATHE == 0:
                await asyncio.sleep(0)
            shown = await self._of_cell(draft, entry, args)
            if draft.live or draft.document is not document:
                return  # results are about to change, or this was: `settled` or `changed` asks for it again
            if draft.evaluated.get(entry.cell, {}) != shown:
                draft.evaluated[entry.cell] = shown
                if draft.shown is not None:
                    draft.shown = replace(draft.shown, evaluated=dict(draft.evaluated))
                self._store.events.publish_here(Event(draft.topic, "evaluated", {"cell": entry.cell, "inputs": shown}))

    async def _of_cell(self, draft: OpenDraft, entry: Entry, args: Mapping[str, Any]) -> dict[str, Shown]:
        questions = [
            _Question(name, expr, _is_predicate(name), _key(draft, entry, expr, args))
            for name, expr in expressions_of(entry)
        ]
        new = [question for question in questions if question.key not in self._kept]
        if new:
            answers = await self.values(draft, entry, [(question.expr, question.predicate) for question in new])
            for question, answer in zip(new, answers, strict=True):
                self._keep(question.key, await shown(answer))
        return {question.field: self._kept[question.key] for question in questions if question.key in self._kept}

    def _keep(self, key: str, shown: Shown) -> None:
        self._kept[key] = shown
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    async def _evaluated(
        self, draft: OpenDraft, scope: CellScope, expressions: Sequence[tuple[str, bool]]
    ) -> list[Answer]:
        found = [references.find(expr) for expr, _ in expressions]
        everything = any(reference.whole_results for reference in found)
        steps = set(scope.results) if everything else {step for reference in found for step in reference.results}
        plain = [references.simple_path(expr) for expr, _ in expressions]
        texts: dict[str, JsonText] = {}
        big: set[str] = set()
        for step in steps & scope.results.keys():
            text = await self._text(scope.results[step])
            if text is None:
                big.add(step)
            else:
                texts[step] = text
        variables, big_inputs = await self._scope_texts(draft, scope, found)
        answers: list[Answer | None] = []
        left: list[tuple[str, bool]] = []
        for reference, path, expression in zip(found, plain, expressions, strict=True):
            if path is not None and len(path) > 1 and path[0] == "results" and path[1] in big:
                answers.append(await self._along(scope.results[str(path[1])], path[2:]))
            elif path is not None and len(path) == 2 and path[0] == "flow_input" and path[1] in big_inputs:
                blob = BlobRef.from_json(scope.args[str(path[1])])
                answers.append((dumps(f"{blob.name or 'text'}, {blob.size:,} bytes"),) if blob else "no value")
            elif (reference.results | reference.flow_input) & (big | big_inputs) or (reference.whole_results and big):
                answers.append("too big to show before a run")
            else:
                answers.append(None)
                left.append(expression)
        batch = Batch([Expression(text, predicate) for text, predicate in left], variables, texts)
        evaluated = iter(await self._ask(batch) if left else ())
        return [answer if answer is not None else next(evaluated) for answer in answers]

    async def _ask(self, batch: Batch) -> list[Answer]:
        """Evaluate; when one of several takes too long, each is asked by itself so that the others have their value."""
        answers = await self._context.evaluator.evaluate(batch)
        if len(answers) > 1 and any(
            isinstance(a, ExpressionFailed) and a.name in ("Timeout", "Crashed") for a in answers
        ):
            answers = []
            for expression in batch.expressions:
                answers += await self._context.evaluator.evaluate(replace(batch, expressions=[expression]))
        return [Failure(f"{a.name}: {a.message}") if isinstance(a, ExpressionFailed) else (a,) for a in answers]

    async def _scope_texts(
        self, draft: OpenDraft, scope: CellScope, found: Iterable[references.References]
    ) -> tuple[dict[str, JsonText], set[str]]:
        """`flow_input`, `previous_result` and `flow_env` as texts, and the flow inputs that are too big."""
        used = list(found)
        whole = any(reference.whole_flow_input for reference in used)
        names = {name for reference in used for name in reference.flow_input}
        args: dict[str, Any] = {}
        big: set[str] = set()
        for name, value in scope.args.items():
            blob = BlobRef.from_json(value)
            if blob is None:
                args[name] = value
            elif blob.size > MAX_VALUE or not (whole or name in names):
                big.add(name)
            else:
                args[name] = await self._store.blobs.read_text(blob.sha256)
        if "iter" in names and scope.loops:
            args["iter"] = await self.first_item(draft, scope.loops[0])
        variables = {"flow_input": dumps(args)}
        env = draft.document.flow["value"].get("flow_env")
        variables["flow_env"] = dumps(env if isinstance(env, Mapping) else {})
        if any(reference.previous_result for reference in used):
            variables["previous_result"] = await self._previous(scope, variables["flow_input"])
        if scope.entry.slot == "failure":
            variables |= _after_sample(draft.document, scope.entry)
        return variables, big

    async def _previous(self, scope: CellScope, flow_input: JsonText) -> JsonText:
        if scope.previous is not None:
            return await self._text(scope.previous) or NULL
        return flow_input if scope.entry.parent is None else NULL

    async def first_item(self, draft: OpenDraft, loop: Entry) -> dict[str, Any]:
        """What the first round of a loop sees as `flow_input.iter`."""
        iterator = loop.module["value"].get("iterator")
        if not isinstance(iterator, Mapping):
            return {"index": 0, "value": None}
        items: Any = iterator.get("value")
        if iterator.get("type") == "javascript" and isinstance(iterator.get("expr"), str):
            (answer,) = await self.values(draft, loop, [(iterator["expr"], False)])
            items = await asyncio.to_thread(loads, answer[0]) if isinstance(answer, tuple) else None
        if isinstance(items, int) and not isinstance(items, bool):
            return {"index": 0, "value": 0}
        return {"index": 0, "value": items[0] if isinstance(items, list) and items else None}

    async def _along(self, source: Source, path: Sequence[str | int]) -> Answer:
        """A look at a place in a big value, without moving the value; `length` of a list or text is known too."""
        try:
            return await self._look(source, path)
        except OutputMissing:
            pass
        except WorkspaceError as error:
            return error.message
        if path and path[-1] == "length":
            with contextlib.suppress(OutputMissing):
                inside = (await self._look(source, path[:-1]))["node"]
                if inside["t"] in ("array", "string"):
                    return (dumps(inside["n"]),)
        return "too big to show before a run"

    async def _look(self, source: Source, path: Sequence[str | int]) -> dict[str, Any]:
        request = {"op": "look", "at": list(path)}
        looked: dict[str, Any] = await self._context.parsed.ask(source.digest, request, source.text)
        return looked

    async def _text(self, source: Source) -> JsonText | None:
        """The text of a value that is not too big."""
        if source.text is not None:
            return source.text
        place = await self._store.values.locate(source.digest)
        if place.size > MAX_VALUE:
            return None
        return await self._store.values.get_value(source.digest)


def _is_predicate(field: str) -> bool:
    return field.startswith("branches/") or field in ("skip_if", "stop_after_if", "stop_after_all_iters_if")


def _unready(scope: CellScope, expr: str) -> str:
    """Why an expression cannot be evaluated yet, in words; empty when it can."""
    found = references.find(expr)
    if not expr.strip():
        return "no expression"
    if found.syntax is not None:
        return f"{found.syntax.message} (line {found.syntax.line})"
    if found.variables or found.resources or {"variable", "resource"} & found.names:
        return "shown when it runs: it reads a variable or resource"
    missing = sorted(found.results & scope.missing)
    if missing:
        return f"run {', '.join(missing)} first"
    gone = sorted(found.results - scope.results.keys())
    if gone:
        return f"there is no step {gone[0]} before this cell"
    if found.previous_result and scope.entry.previous is not None and scope.previous is None:
        return "run the cell before first"
    return ""


def _after_sample(document: Document, entry: Entry) -> dict[str, JsonText]:
    """What a failure handler sees besides: the sample error, as if a step had just failed with it."""
    sample = sample_of(document, entry)
    times = {"started_at": NULL, "flow_job_id": NULL}
    return {"error": dumps(sample), "previous_result": dumps({"error": sample}), **times}


def _key(draft: OpenDraft, entry: Entry, expr: str, args: Mapping[str, Any]) -> str:
    """Equal for equal answers: the expression and the hashes of all that it can read."""
    found = references.find(expr)
    document = draft.document
    by_step, by_cell = document.outline.by_step, document.outline.by_cell
    # the loop's first item may come from anywhere: then everything counts
    everything = found.whole_results or found.whole_flow_input or "iter" in found.flow_input
    parts: list[Any] = [expr, sample_of(document, entry)]
    for step in sorted(by_step if everything else found.results):
        other = by_step.get(step)
        in_sight = other is not None and reaches(document, entry, other)
        source = source_of(draft, other) if other is not None and in_sight else None
        parts.append([step, in_sight, source.digest if source else None])
    names = sorted(args if everything else found.flow_input & args.keys())
    parts.append([[name, args[name]] for name in names])
    if everything:
        parts.append([loop.module["value"].get("iterator") for loop in loops_around(document, entry)])
    if found.previous_result:
        before = by_cell.get(entry.previous) if entry.previous else None
        source = source_of(draft, before) if before is not None else None
        parts.append([entry.previous, source.digest if source else None, dict(args) if before is None else None])
    return hash_of(canonical(parts))


async def shown(answer: Answer) -> Shown:
    """What stands beside a field: `{"ok", "text", "type"?}`."""
    if isinstance(answer, str):
        return {"ok": False, "text": answer}
    if isinstance(answer, dict):
        return {"ok": True, "text": answer["text"], "type": answer["type"]}
    text = answer[0]
    value = await asyncio.to_thread(loads, text) if len(text) > 64 * 1024 else loads(text)
    return {"ok": True, "text": tree.summary(value), "type": tree.type_of(value)}
