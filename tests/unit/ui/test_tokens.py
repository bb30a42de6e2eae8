"""Design tokens are light and dark pairs, and every text colour meets WCAG AA (4.5:1) on the grounds it stands on."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

CSS = Path(__file__).parents[3] / "assets" / "css"
_BLOCK = re.compile(r"^(?P<selector>[^{}]+?)\s*\{(?P<body>[^{}]*)\}", re.MULTILINE)
_TOKEN = re.compile(r"--([\w-]+):\s*([^;]+);")

_SET_BY_COMPONENTS = {
    name
    for script in (CSS.parent / "js").rglob("*.js*")
    for name in re.findall(r"[\"']--([\w-]+)[\"']\s*:", script.read_text())
} | {"out-inset"}
#: The pages for sign-in and approval stand alone: they follow the system's theme without scripts.
OWN_SHEETS = sorted(
    path.name for path in CSS.glob("*.css") if path.name not in {"tokens.css", "signin.css", "approve.css"}
)

GROUNDS = ("bg", "surface", "sunken", "code-bg")
#: Text colour → grounds beyond the plain ones on which it is used.
TEXTS = {
    "text": ("accent-soft",),
    "muted": (),
    "faint": (),
    "accent": (),
    "accent-strong": ("accent-soft",),
    "ok": ("ok-soft",),
    "stale": ("stale-soft",),
    "bad": ("bad-soft",),
    "wait": ("wait-soft",),
    "reused": ("reused-soft",),
    "run": ("run-soft",),
    **{name: () for name in ("kw", "str", "num", "com", "fn")},
    **{f"ansi-{name}": () for name in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")},
}


def _themes() -> dict[str, dict[str, str]]:
    text = re.sub(r"/\*.*?\*/", "", (CSS / "tokens.css").read_text(), flags=re.DOTALL)
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    for block in _BLOCK.finditer(text):
        target = dark if "dark" in block["selector"] else light
        target.update(_TOKEN.findall(block["body"]))
    return {"light": light, "dark": dark}


THEMES = _themes()


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_colour_has_a_dark_twin() -> None:
    colours = {name for name, value in THEMES["light"].items() if value.startswith(("#", "rgb"))}
    assert colours == {name for name, value in THEMES["dark"].items() if value.startswith(("#", "rgb"))}


@pytest.mark.parametrize(("theme", "text"), list(product(THEMES, TEXTS)))
def test_text_is_readable(theme: str, text: str) -> None:
    tokens = THEMES[theme]
    grounds = ("code-bg",) if text in {"kw", "str", "num", "com", "fn"} or text.startswith("ansi-") else GROUNDS
    for ground in (*grounds, *TEXTS[text]):
        ratio = contrast(tokens[text], tokens[ground])
        assert ratio >= 4.5, f"{theme}: --{text} on --{ground} is {ratio:.2f}:1"


@pytest.mark.parametrize("theme", THEMES)
def test_buttons_and_edges(theme: str) -> None:
    tokens = THEMES[theme]
    assert contrast(tokens["on-accent"], tokens["accent"]) >= 4.5
    assert contrast(tokens["control"], tokens["surface"]) >= 3, "edges of controls need 3:1"


@pytest.mark.parametrize("sheet", OWN_SHEETS)
def test_components_use_tokens_only(sheet: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", (CSS / sheet).read_text(), flags=re.DOTALL)
    # an HTML result is drawn on paper: white in both themes
    found = [colour for colour in re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{}]*[;}])", text) if colour != "#fff"]
    assert not found, f"{sheet} has colours of its own: {found}"


@pytest.mark.parametrize("sheet", OWN_SHEETS)
def test_tokens_that_are_used_exist(sheet: str) -> None:
    text = (CSS / sheet).read_text()
    known = THEMES["light"].keys() | set(re.findall(r"--([\w-]+)\s*:", text))
    known |= _SET_BY_COMPONENTS
    assert set(re.findall(r"var\(--([\w-]+)", text)) <= known


def test_the_approval_page_has_the_same_colours() -> None:
    text = re.sub(r"/\*.*?\*/", "", (CSS / "approve.css").read_text(), flags=re.DOTALL)
    blocks = re.findall(r":root\s*\{([^{}]*)\}", text)
    for theme, block in zip(("light", "dark"), blocks, strict=True):
        for name, value in _TOKEN.findall(block):
            assert value == THEMES[theme][name], f"{theme} --{name}"
    assert all(name in dict(_TOKEN.findall(blocks[1])) for name, _ in _TOKEN.findall(blocks[0]))
