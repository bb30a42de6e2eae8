"""Proposals for the inputs of a step of any OpenFlow document, with samples that the caller brings: the editor-free twin of
*Connect inputs*, for other tools.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.assistant import Proposal, scope_of
from flowapp.expressions.values import Batch, Expression, ExpressionFailed
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.notebook.document import Document, Entry
from flowapp.signatures import Signature, infer
from flowapp.workspace import guard
from flowapp.workspace.assistant_models import AssistantModels, ModelChoice
from flowapp.workspace.connect import BY_NAME, NOTHING_OPEN, bodies, to_be_sent
from flowapp.workspace.connect_asks import Ask, Where, fields_asked, found_for
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.judging import Answer, Failure, judged
from flowapp.workspace.known_secrets import redactor_of
from flowapp.workspace.library import Library
from flowapp.workspace.new_drafts import read_document
from flowapp.workspace.previews import shown
from flowapp.workspace.scope import loops_around


class ConnectDocument:
    """The use-case of connecting one step of a document that is not stored. Nothing is stored or run."""

    def __init__(self, context: Context, library: Library, models: AssistantModels) -> None:
        self._context = context
        self._library = library
        self._models = models

    async def propose(
        self, identity: Identity, flow: Any, step_id: str, samples: Any, *, field: str = "", use_model: bool
    ) -> dict[str, Any]:
        """`{"proposals": [{field, expr, value, why, source, alternatives, score, evaluated, valid, problem}], "inputs", "notice"}`.

        The best proposal is first. `inputs` are `{field, expr, name, schema, there, shared}`: inputs that the flow could have for
        the fields that nothing fits.

        Args:
            identity: who asks; who may make drafts.
            flow: an OpenFlow document as JSON.
            step_id: the step whose open inputs are to be connected.
            samples: `{"flow_input": {…}, "results": {step id: value}}`, each optional.
            field: the one input that is asked for; empty for all that are open.
            use_model: ask the configured model too.

        Raises:
            DocumentRejected: the flow is no valid document.
            BadRequest: there is no such step or field, or the samples are no objects.
        """
        ask, document, args, texts = await self._asked(identity, flow, step_id, samples, field)
        choice = await self._models.choice(identity.workspace, "connect") if use_model else ModelChoice.nobody()
        hide = await self._hiding(identity, choice)
        async with choice.client() as model:
            (found,) = await found_for(document, [ask], model, hide)
        ranked = sorted(found.proposals, key=lambda proposal: -proposal.score)
        values = await self._values([proposal.expr for proposal in ranked], args, texts)
        notice = found.notice or (f"{BY_NAME} {choice.why_not}" if choice.why_not else None)
        pairs = zip(ranked, values, strict=True)
        shown_ = [await _shown(document, ask.entry, proposal, value) for proposal, value in pairs]
        inputs = [{"field": name, "expr": new.expr, **new.to_json()} for name, new in found.inputs.items()]
        return {"proposals": shown_, "inputs": inputs, "notice": notice}

    async def sent(
        self, identity: Identity, flow: Any, step_id: str, samples: Any, *, field: str = ""
    ) -> dict[str, Any]:
        """What would be sent to the model for the same question, and nothing is: as `Connect.sent`.

        Raises:
            DocumentRejected, BadRequest: as `propose`.
        """
        ask, *_ = await self._asked(identity, flow, step_id, samples, field)
        asks = [ask] if ask.targets else []
        choice = await self._models.choice(identity.workspace, "connect")
        hide = await self._hiding(identity, choice)
        async with choice.client() as model:
            requests = [] if model is None else await asyncio.to_thread(bodies, model, asks, hide)
        return to_be_sent(requests, choice, None if asks else NOTHING_OPEN)

    async def _asked(
        self, identity: Identity, flow: Any, step_id: str, samples: Any, field: str
    ) -> tuple[Ask, Document, dict[str, Any], dict[str, JsonText]]:
        """What is asked for, of which document, and what its expressions see."""
        require(identity, "draft.create", guard.workspace_target(identity))
        flow_input, results = _samples(samples)
        document = replace(await asyncio.to_thread(read_document, flow, ""), sample=flow_input)
        entry = document.outline.by_step.get(step_id)
        if entry is None:
            steps = ", ".join(document.outline.by_step) or "none"
            raise BadRequest(f"There is no step {step_id!r} in the flow.", f"Its steps are: {steps}.")
        document = await self._described(identity, document, entry)
        asked = await asyncio.to_thread(fields_asked, document, Where(entry.cell, field))
        texts = {step: dumps(value) for step, value in results.items()}
        args = await self._args(document, entry, texts)
        item = {"item": args["iter"]["value"]} if "iter" in args else {}
        scope = await asyncio.to_thread(lambda: scope_of(document, entry.cell, results, **item))
        return Ask(entry, asked[0][1] if asked else [], scope), document, args, texts

    async def _hiding(self, identity: Identity, choice: ModelChoice) -> Callable[[str], str]:
        return (await redactor_of(self._context, identity)).known if choice.settings else str

    async def _described(self, identity: Identity, document: Document, entry: Entry) -> Document:
        """The document with the schema of a called script beside its cell."""
        value = entry.module["value"]
        if entry.kind != "script":
            return document
        script = await self._library.script_of(identity, str(value.get("path") or ""), value.get("hash"))
        signature = await asyncio.to_thread(infer, script.language, script.content, "main")
        if not isinstance(signature, Signature):
            return document
        return replace(document, beside={**document.beside, entry.cell: {"schema": signature.schema}})

    async def _args(self, document: Document, entry: Entry, results: Mapping[str, JsonText]) -> dict[str, Any]:
        """`flow_input` as the step sees it: in a loop with the first item of the innermost one."""
        args = document.flow_args()
        for loop in reversed(loops_around(document, entry)):
            iterator = loop.module["value"].get("iterator")
            if not isinstance(iterator, Mapping):
                continue
            items: Any = iterator.get("value")
            if isinstance(iterator.get("expr"), str):
                (answer,) = await self._values([iterator["expr"]], args, results)
                items = loads(answer) if isinstance(answer, str) else None
            if isinstance(items, list) and items:
                args = {**args, "iter": {"index": 0, "value": items[0]}}
        return args

    async def _values(
        self, expressions: Sequence[str], args: Mapping[str, Any], results: Mapping[str, JsonText]
    ) -> list[JsonText | ExpressionFailed]:
        batch = Batch([Expression(expr) for expr in expressions], {"flow_input": dumps(args)}, results)
        return await self._context.evaluator.evaluate(batch) if expressions else []


def _samples(samples: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The samples of the flow's input and of the steps' results."""
    given = {} if samples is None else samples
    known = given if isinstance(given, dict) else {}
    flow_input, results = known.get("flow_input") or {}, known.get("results") or {}
    if not isinstance(given, dict) or not isinstance(flow_input, dict) or not isinstance(results, dict):
        raise BadRequest("samples must hold objects.", 'Send {"samples": {"flow_input": {…}, "results": {"a": …}}}.')
    return flow_input, results


async def _shown(
    document: Document, entry: Entry, proposal: Proposal, value: JsonText | ExpressionFailed
) -> dict[str, Any]:
    failed = isinstance(value, ExpressionFailed)
    answer: Answer = Failure(f"{value.name}: {value.message}") if isinstance(value, ExpressionFailed) else (value,)
    valid, problem = await asyncio.to_thread(judged, document, entry, proposal.field, proposal.expr, answer)
    said = {"evaluated": await shown(answer), "valid": valid, "problem": problem}
    return {**proposal.to_json(), "value": None if failed else loads(str(value)), **said}
