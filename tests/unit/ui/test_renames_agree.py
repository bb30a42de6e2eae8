"""What the page shows before a step is renamed is what the server then makes of the expressions."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from flowapp.openflow.references import rename
from tests.unit.ui.test_javascript import _node

MODULE = Path(__file__).parents[3] / "assets/js/notebook/renames.js"
PROGRAM = """
import { referencesTo } from %s;
const { texts, to } = JSON.parse(process.argv[1]);
const renamed = (text) => referencesTo("a", text, to).reduceRight((made, at) => made.slice(0, at.start) + at.to + made.slice(at.end), text);
console.log(JSON.stringify(texts.map(renamed)));
"""

TEXTS = [
    "results.a",
    "results?.a?.rows",
    "results . a",
    "results.a.rows.map(row => row.a + results.b.a)",
    'results["a"]["b"]',
    "results?.['a']",
    "results[`a`]",
    "results[a]",
    'results["a" + 1]',
    "results.ab + results.b.a + results.A",
    "`${results.a.name}: ${ [1].map(n => `${n}${results.a}`) } of results.a`",
    "`it's ${results.a}`",
    "\"results.a\" + 'results.a' // results.a",
    "/* results.a */ results.a",
    "results\n  // the rows\n  .a",
    '"a" in results',
    '"a" in results.b',
    "'a' in results ? results.a : null",
    "const {a, b} = results; return a + b",
    "const {a: x, 'b': y} = results\nreturn x",
    "const {'a': x} = results; return x",
    "const {a = 3} = results; return a",
    "const {b: {a}} = results; return a",
    "const {a, ...rest} = results; return rest",
    "const {[k]: v, a} = results; return v",
    "const {a} = results.b; return a",
    "const {a} = results\nindex = a\nreturn index",
    "const {a} = results || {}; return a",
    "let b; ({a: b} = results); return b",
    "const x = results; return x.a",
    "const x = 1, {a} = results; return a",
    "let n = 0;\nfor (const row of results.a) n += row.n;\nreturn n",
    "({...results.a, results: 1, a: results.a})",
    "[...results.a]",
    "Object.keys(results)",
    "flow_input.results.a",
    "await results.a",
    "results.a instanceof Object && typeof results.a",
    "results.ä + results.a",
    "'ä' + results.a",
    "a.results.a",
    'x.replace(/^https?:\\/\\//, "") + results.a.host',
    "/'/.test(x) ? results.a : results.b",
    "/[/'\"`]/g.test(results.a) && /results.a/",
    "return /`/.test(results.a.text)",
    'typeof /"/ + results.a',
    "x.in / results.a / 2 + 'results.a'",
    "x / results.a / 2",
    "(x) / results.a / y",
    "[1][0] / results.a / y",
    "1 / results.a / 2",
    "'1' / results.a / 2",
    "`$1` / results.a / 2",
    "`${ /}`/.test(results.a) }${ 1 }` / results.a / 2",
    "let i = 1; return i++ / results.a / 2",
    "[/\\//, /'/, results.a]",
    "1 // '\n+ results.a",
    "",
]


@pytest.mark.parametrize("to", ["load", "load-it", "a_2"])
def test_the_page_renames_as_the_server_does(to: str) -> None:
    program = PROGRAM % json.dumps(MODULE.as_uri())
    command = [_node(), "--input-type=module", "--eval", program, json.dumps({"texts": TEXTS, "to": to})]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    found = dict(zip(TEXTS, json.loads(done.stdout), strict=True))
    assert found == {text: rename(text, "a", to) for text in TEXTS}
