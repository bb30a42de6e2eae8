"""Named sets of sample values of the flow's inputs: kept, used and dropped. They are no part of the OpenFlow document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowapp.notebook import errors
from flowapp.notebook.document import FLOW, Document
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations.common import with_beside
from flowapp.notebook.operations.types import Applied, DropSample, KeepSample, RestoreSamples, UseSample

MOST = 20
_LONGEST_NAME = 60


def keep_sample(document: Document, operation: KeepSample) -> Applied | Rejected:
    """Apply `KeepSample`."""
    name = operation.name.strip()
    if not name or len(name) > _LONGEST_NAME:
        return errors.bad_sample_name(_LONGEST_NAME)
    if name not in document.samples and len(document.samples) >= MOST:
        return errors.too_many_samples(MOST)
    return _kept(document, {**document.samples, name: dict(document.sample)}, f"Kept the input as “{name}”")


def drop_sample(document: Document, operation: DropSample) -> Applied | Rejected:
    """Apply `DropSample`."""
    if operation.name not in document.samples:
        return errors.sample_not_found(operation.name)
    rest = {name: values for name, values in document.samples.items() if name != operation.name}
    return _kept(document, rest, f"Forgot the input “{operation.name}”")


def use_sample(document: Document, operation: UseSample) -> Applied | Rejected:
    """Apply `UseSample`."""
    values = document.samples.get(operation.name)
    if values is None:
        return errors.sample_not_found(operation.name)
    changed = replace(document, sample=dict(values))
    back = RestoreSamples(sample=dict(document.sample))
    return Applied(changed, (back,), frozenset(), f"Took the input “{operation.name}”")


def restore_samples(document: Document, operation: RestoreSamples) -> Applied | Rejected:
    """Apply `RestoreSamples`."""
    back = RestoreSamples(
        None if operation.sample is None else dict(document.sample),
        None if operation.kept is None else dict(document.samples),
    )
    changed = document if operation.sample is None else replace(document, sample=dict(operation.sample))
    if operation.kept is not None:
        changed = _with(changed, operation.kept)
    return Applied(changed, (back,), frozenset(), "Restored the input")


def _kept(document: Document, kept: Mapping[str, Any], label: str) -> Applied:
    return Applied(_with(document, kept), (RestoreSamples(kept=dict(document.samples)),), frozenset(), label)


def _with(document: Document, kept: Mapping[str, Any]) -> Document:
    return with_beside(document, FLOW, "samples", dict(kept) or None)
