"""What hostile or unlucky scripts do, and what must come of it."""

from __future__ import annotations

from tests.integration.runtimes.scenario import Scenario
from tests.integration.runtimes.scenarios_in_programs import IN_PROGRAMS
from tests.integration.runtimes.scenarios_in_python import IN_PYTHON
from tests.integration.runtimes.scenarios_of_shared_folders import OF_SHARED_FOLDERS

SCENARIOS: dict[str, Scenario] = OF_SHARED_FOLDERS | IN_PYTHON | IN_PROGRAMS
