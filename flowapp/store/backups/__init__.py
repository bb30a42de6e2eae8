"""Backups: everything of an installation that cannot be made anew, in one file, also while a server works on it.

`copying.py` copies the databases at one moment each, `contents.py` says what else belongs to a backup, `archive.py` is the file,
and `restoring.py` makes an installation of it.

SQLite: there are two databases, ours and the engine's, and no way to copy both at one moment. The engine's is copied first, so it
is the older one. That is the order which loses nothing: our rows say which runs are not over and which steps have results.
What the engine's older copy still takes for unfinished, it begins again, and finds it over or its steps recorded. What it does not
know yet, the starting server begins, because our rows say so. Were it the newer one, it would know segments as done which our
rows do not, and would never begin them again: each segment's id works once.

Contents by hash (blobs) are stored before any row refers to them, and stay for an hour after none does. They are
therefore taken last. PostgreSQL holds all of this in one database, of which `pg_dump` takes one snapshot.
"""
