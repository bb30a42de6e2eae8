"""Masking: no cut of a log into pieces lets a secret through, and nothing else is changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.store import masks as module
from flowapp.store.errors import TooManySecrets
from flowapp.store.masks import MOST_RUNS, MaskedLog, Masks, masked
from flowapp.store.secret_texts import FEW, STARS, Texts

ALPHABET = st.text("ab\n", max_size=30)


def printed(masks: Masks, *pieces: str, run: str = "r") -> str:
    out: list[str] = []
    log = MaskedLog(masks, run, out.append)
    for piece in pieces:
        log.write(piece)
    log.close()
    return "".join(out)


def test_a_secret_is_masked_wherever_it_is_cut() -> None:
    masks = Masks()
    masks.note("r", "s3cret")
    for cut in range(len("a s3cret b")):
        assert printed(masks, "a s3cret b"[:cut], "a s3cret b"[cut:]) == f"a {STARS} b"
    assert printed(masks, *"xs3cretx") == f"x{STARS}x"
    assert printed(masks, "s3cre") == "s3cre"
    assert printed(masks, "s3cret", run="other") == "s3cret"


def test_lines_of_a_key_and_overlapping_secrets() -> None:
    masks = Masks()
    masks.note("r", "-----BEGIN\nabcdefghij\n-----END")
    masks.note("r", "abcd")
    assert printed(masks, "key abcdefghij and ab", "cd.") == f"key {STARS} and {STARS}."
    assert printed(masks, "-----BEGIN\nabcdef", "ghij\n-----END") == STARS


def test_short_texts_are_left_alone_and_memory_is_bounded() -> None:
    masks = Masks()
    masks.note("r", "abc")
    assert printed(masks, "abc") == "abc"
    for number in range(MOST_RUNS + 5):
        masks.note(f"run-{number}", "secret")
    assert masks.texts("run-0") == frozenset() and masks.texts(f"run-{MOST_RUNS}") == {"secret"}


@given(st.lists(st.text("ab", min_size=4, max_size=6), min_size=1, max_size=3), st.lists(ALPHABET, max_size=8))
def test_pieces_make_no_difference_to_what_is_hidden(secrets: list[str], pieces: list[str]) -> None:
    masks = Masks()
    for secret in secrets:
        masks.note("r", secret)
    out = printed(masks, *pieces)
    assert not any(secret in out for secret in secrets)
    if not any(secret in "".join(pieces) for secret in secrets):
        assert out == "".join(pieces)


def test_a_jobs_own_secret_is_masked_beside_those_of_its_run_and_alone() -> None:
    masks = Masks()
    for cut in range(len("a t0ken-of-it b")):
        out: list[str] = []
        log = MaskedLog(masks, "r", out.append, frozenset({"t0ken-of-it"}))
        log.write("a t0ken-of-it b"[:cut])
        log.write("a t0ken-of-it b"[cut:])
        masks.note("r", "s3cret")
        log.write(" s3cret t0ken-of-it")
        log.close()
        assert "".join(out) == f"a {STARS} b {STARS} {STARS}"
        masks = Masks()


def test_each_of_thousands_of_secrets_is_masked() -> None:
    """A few hundred values of variables, or some key files, are many texts."""
    masks = Masks()
    secrets = [f"{number:05}-s3cret-{number % 7}" for number in range(3000)]
    for secret in secrets:
        masks.note("r", secret)
    out = printed(masks, *(f"{secret[:9]}|{secret[:9]}" + secret[9:] for secret in secrets))
    assert not any(secret in out for secret in secrets)
    assert out.count(STARS) == len(secrets)
    assert masked({"a": [secrets[0], f"x {secrets[-1]}"], secrets[5]: 1}, secrets) == {
        "a": [STARS, f"x {STARS}"],
        STARS: 1,
    }


def test_a_run_gets_no_more_secrets_than_can_be_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CHARACTERS", 30)
    masks = Masks()
    masks.note("r", "a" * 20)
    with pytest.raises(TooManySecrets, match="no more"):
        masks.note("r", "b" * 20)
    masks.note("r", "a" * 20)
    masks.note("r", "c" * 10)
    masks.note("other", "b" * 20)
    assert printed(masks, "a" * 20 + " " + "c" * 10) == f"{STARS} {STARS}"


def test_a_log_keeps_to_what_was_forgotten_meanwhile() -> None:
    masks, out = Masks(), list[str]()
    masks.note("r", "s3cret")
    log = MaskedLog(masks, "r", out.append)
    log.write("s3cret ")
    for number in range(MOST_RUNS):
        masks.note(f"run-{number}", "secret")
    log.write("s3cret ")
    log.close()
    assert "".join(out) == f"{STARS} {STARS} "


LETTERS = "abcde"


@given(st.lists(st.text(LETTERS, min_size=1, max_size=8), max_size=30), st.text(LETTERS, max_size=60))
def test_many_are_found_where_a_few_are(wanted: list[str], text: str) -> None:
    few = Texts(wanted)
    many = Texts([*wanted, *(f"{number}-not-there" for number in range(FEW + 1))])
    assert many.cover(text) == few.cover(text)
    begun = [at for at in range(len(text)) if any(one.startswith(text[at:]) and one != text[at:] for one in wanted)]
    assert few.begins(text) == many.begins(text) == min(begun, default=len(text))
