"""What scripts take and return: `main(...)` of each language as JSON Schema. Reads code and never runs it."""

from __future__ import annotations

from flowapp.signatures.inference import infer
from flowapp.signatures.lint import lint
from flowapp.signatures.schema import Argument, Signature, SignatureProblem

__all__ = ["Argument", "Signature", "SignatureProblem", "infer", "lint"]
