"""Measurements, not tests: each module prints its figures when run with `scripts/bench <name>`."""
