"""Write the page's table of settings from the one in Python: `python scripts/make_settings_table.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flowapp.notebook.settings_table import table_json  # noqa: E402 - the root is on the path from here on

(ROOT / "assets/js/notebook/settings_table.json").write_text(json.dumps(table_json(), indent=1) + "\n")
