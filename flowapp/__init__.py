"""Flowapp: a browser notebook for workflows."""

__version__ = "0.1.0"
