"""The table of languages."""

from __future__ import annotations

import pytest

from flowapp.languages import LANGUAGES, by_name, inline_extension, label_of
from flowapp.signatures import Signature, infer
from flowapp.signatures.inference import READ


def test_names_are_unique() -> None:
    assert len({language.name for language in LANGUAGES}) == len(LANGUAGES)


def test_what_runs() -> None:
    runs = {language.name for language in LANGUAGES if language.runnable}
    assert {"python3", "deno", "bun", "bash", "postgresql", "mysql", "duckdb", "sqlite", "go", "php", "rlang"} <= runs
    assert "graphql" in runs
    ruby = by_name("ruby")
    assert ruby is not None
    assert ruby.why_not.startswith("Ruby cells cannot run on this version yet: ")
    assert all(language.missing for language in LANGUAGES if not language.runnable)
    python = by_name("python3")
    assert python is not None
    assert python.why_not == ""


def test_unknown_languages() -> None:
    assert by_name("cobol") is None
    assert label_of("cobol") == "cobol"
    assert inline_extension("cobol") == "no_ext"


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language.name in READ])
def test_starter_code_has_a_signature(language: object) -> None:
    assert isinstance(language, type(LANGUAGES[0]))
    signature = infer(language.name, language.starter_code)
    assert isinstance(signature, Signature)
    # Go has no defaults
    default = {} if language.name == "go" else {"default": "world"}
    assert signature.schema["properties"]["x"] == {"type": "string", **default}


def test_powershell_says_that_it_is_not_installed_and_what_runs_it() -> None:
    powershell = by_name("powershell")
    assert powershell is not None
    assert "pwsh is not installed" in powershell.why_not
    assert "`# docker`" in powershell.why_not
    assert "mcr.microsoft.com/powershell" in powershell.why_not
    assert "apt install podman" in powershell.why_not
