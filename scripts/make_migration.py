"""Writes the migration that brings the last released schema to what `flowapp/store/tables` says.

    .venv/bin/python scripts/make_migration.py 0002 "words for it"

An existing file of that revision is written anew: until a revision is released there is one file for it, however often the
tables change. New columns that may not be NULL get the default of their field, since tables may hold rows already.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.operations import ops
from sqlmodel import SQLModel

from flowapp.store import migrations, tables

FOLDER = Path(migrations.__file__).parent
assert tables.RunRow.metadata is SQLModel.metadata


def write(revision: str, words: str) -> Path:
    """Write `versions/<revision>_<words>.py` and return it."""
    for old in (FOLDER / "versions").glob(f"{revision}_*.py"):
        old.unlink()
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{folder}/empty.db")
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            found: Any = command.revision(
                config, words, autogenerate=True, rev_id=revision, process_revision_directives=_defaults
            )
    path = Path(found.path)
    text = path.read_text().replace("sqlmodel.sql.sqltypes.AutoString()", "sa.String()")
    # Alembic writes truth as SQLite says it; PostgreSQL wants another word
    for number, word in (("0", "false"), ("1", "true")):
        text = re.sub(rf"(sa\.Boolean\(\), server_default=)sa\.text\(['\"]{number}['\"]\)", rf"\1sa.{word}()", text)
    path.write_text(text)
    subprocess.run(["ruff", "format", "-q", "--config", "format.skip-magic-trailing-comma=true", str(path)], check=True)
    subprocess.run(["ruff", "check", "-q", "--fix", str(path)], check=True)
    return path


def _defaults(_context: Any, _revision: Any, directives: list[ops.MigrationScript]) -> None:
    for directive in directives:
        for upgrade in directive.upgrade_ops_list:
            for table in upgrade.ops:
                for operation in getattr(table, "ops", ()):
                    if isinstance(operation, ops.AddColumnOp) and not operation.column.nullable:
                        operation.column.server_default = _server_default(operation.column)


def _server_default(column: sa.Column[Any]) -> sa.DefaultClause:
    value = getattr(column.default, "arg", "")
    if isinstance(value, bool):
        return sa.DefaultClause(sa.sql.expression.true() if value else sa.sql.expression.false())
    return sa.DefaultClause(sa.text("'" + str(value).replace("'", "''") + "'"))


if __name__ == "__main__":
    print(write(sys.argv[1], sys.argv[2]))
