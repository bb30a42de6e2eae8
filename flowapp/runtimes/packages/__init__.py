"""Packages of Python and TypeScript cells: what the code needs, a lock of it, and a folder with it that jobs can read."""
