"""The languages of cells: what they are called, how their files end, and whether this version runs them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language that a raw script can have."""

    name: str
    """As OpenFlow names it."""
    label: str
    """For people."""
    extension: str
    """File name ending, without the dot."""
    editor: str
    """Monaco's language id."""
    comment: str
    """What begins a line comment."""
    starter_code: str
    """What a new cell holds."""
    signature: str = ""
    """The module of `flowapp.signatures` that reads its inputs; empty where they are not read."""
    adapter: str = ""
    """The module of `flowapp.runtimes` that runs it; empty where nothing does."""
    missing: str = ""
    """Where nothing runs it: what is missing, as the end of "… cannot run here: …"."""

    @property
    def runnable(self) -> bool:
        """Whether this version runs cells of the language."""
        return bool(self.adapter)

    @property
    def why_not(self) -> str:
        """For people: why a cell of this language cannot run; empty when it can."""
        if self.runnable:
            return ""
        reason = f": {self.missing}" if self.missing else ""
        return f"{self.label} cells cannot run on this version yet{reason}."


_PYTHON = 'def main(x: str = "world"):\n    return f"Hello {x}"\n'
_TYPESCRIPT = 'export async function main(x: string = "world") {\n  return `Hello ${x}`;\n}\n'
_BASH = 'x="${1:-world}"\necho "Hello $x"\n'
_GO = 'package inner\n\nfunc main(x string) (interface{}, error) {\n\treturn "Hello " + x, nil\n}\n'
_POWERSHELL = 'param($x = "world")\nWrite-Output "Hello $x"\n'
_PHP = '<?php\n\nfunction main(string $x = "world") {\n    return "Hello $x";\n}\n'
_RUST = 'fn main(x: String) -> anyhow::Result<String> {\n    Ok(format!("Hello {x}"))\n}\n'
_GRAPHQL = 'query($x: String = "world") {\n  hello(name: $x)\n}\n'
_ANSIBLE = "---\n- hosts: localhost\n  tasks:\n    - debug:\n        msg: Hello\n"
_CSHARP = 'class Script\n{\n    public static string Main(string x = "world")\n    {\n        return $"Hello {x}";\n    }\n}\n'
_NU = 'def main [x: string = "world"] {\n  $"Hello ($x)"\n}\n'
_JAVA = 'public class Main {\n  public static Object main(String x) {\n    return "Hello " + x;\n  }\n}\n'
_RUBY = 'def main(x = "world")\n  "Hello #{x}"\nend\n'
_R = 'main <- function(x = "world") {\n  paste("Hello", x)\n}\n'
_POSTGRESQL = "-- $1 x (text) = world\nSELECT 'Hello ' || $1::text AS hello;\n"
_MYSQL = "-- :x (text) = world\nSELECT concat('Hello ', :x) AS hello;\n"
_DUCKDB = "-- $x (text) = world\nSELECT 'Hello ' || $x AS hello;\n"
_BIGQUERY = "-- @x (string) = world\nSELECT CONCAT('Hello ', @x) AS hello;\n"
_SNOWFLAKE = "-- ? x (varchar) = world\nSELECT 'Hello ' || ? AS hello;\n"
_MSSQL = "-- @P1 x (nvarchar) = world\nSELECT 'Hello ' + @P1 AS hello;\n"
_ORACLE = "-- :x x (varchar2) = world\nSELECT 'Hello ' || :x AS hello FROM dual;\n"
_SQLITE = "-- :x (text) = world\nSELECT 'Hello ' || :x AS hello;\n"

LANGUAGES: tuple[Language, ...] = (
    Language("python3", "Python", "py", "python", "#", _PYTHON, "python", "always"),
    Language("deno", "TypeScript", "ts", "typescript", "//", _TYPESCRIPT, "typescript", "deno"),
    Language("bun", "TypeScript (Bun)", "ts", "typescript", "//", _TYPESCRIPT, "typescript", "bun"),
    Language("bash", "Bash", "sh", "shell", "#", _BASH, "bash", "bash"),
    Language("nativets", "REST (native TypeScript)", "ts", "typescript", "//", _TYPESCRIPT, "typescript", "bun"),
    Language("bunnative", "TypeScript (Bun, native)", "ts", "typescript", "//", _TYPESCRIPT, "typescript", "bun"),
    Language("go", "Go", "go", "go", "//", _GO, "go", "go"),
    Language("postgresql", "PostgreSQL", "pg.sql", "sql", "--", _POSTGRESQL, "sql", "sql"),
    Language("mysql", "MySQL", "my.sql", "sql", "--", _MYSQL, "sql", "sql"),
    Language("bigquery", "BigQuery", "bq.sql", "sql", "--", _BIGQUERY, "sql", "sql_more"),
    Language("snowflake", "Snowflake", "sf.sql", "sql", "--", _SNOWFLAKE, "sql", "sql_more"),
    Language("mssql", "SQL Server", "ms.sql", "sql", "--", _MSSQL, "sql", "sql_more"),
    Language("oracledb", "Oracle", "odb.sql", "sql", "--", _ORACLE, "sql", "sql_more"),
    Language("duckdb", "DuckDB", "duckdb.sql", "sql", "--", _DUCKDB, "sql", "sql"),
    # OpenFlow has no name for SQLite; this one is ours (docs/openflow-differences.md).
    Language("sqlite", "SQLite", "sqlite.sql", "sql", "--", _SQLITE, "sql", "sql"),
    Language("graphql", "GraphQL", "gql", "graphql", "#", _GRAPHQL, "graphql", "graphql"),
    Language(
        "powershell",
        "PowerShell",
        "ps1",
        "powershell",
        "#",
        _POWERSHELL,
        missing="pwsh is not installed with Flowapp, since neither Debian nor PyPI has it; use a Bash cell that begins with"
        " `# docker` and runs the image mcr.microsoft.com/powershell (where Podman is missing: sudo apt install podman)",
    ),
    Language("php", "PHP", "php", "php", "//", _PHP, "php", "php"),
    Language(
        "rust",
        "Rust",
        "rs",
        "rust",
        "//",
        _RUST,
        missing="nothing here builds Rust; run a program of yours from a Bash cell",
    ),
    Language(
        "ansible",
        "Ansible",
        "playbook.yml",
        "yaml",
        "#",
        _ANSIBLE,
        missing="nothing here runs playbooks; call ansible-playbook from a Bash cell where it is installed",
    ),
    Language("csharp", "C#", "cs", "csharp", "//", _CSHARP, missing="nothing here builds C#"),
    Language(
        "nu",
        "Nu",
        "nu",
        "shell",
        "#",
        _NU,
        missing="nothing here starts Nu; call it from a Bash cell where it is installed",
    ),
    Language("java", "Java", "java", "java", "//", _JAVA, missing="nothing here builds Java"),
    Language(
        "ruby",
        "Ruby",
        "rb",
        "ruby",
        "#",
        _RUBY,
        missing="nothing here starts Ruby; call it from a Bash cell where it is installed",
    ),
    Language("rlang", "R", "r", "r", "#", _R, "r", "r"),
)

_BY_NAME = {language.name: language for language in LANGUAGES}


def by_name(name: str) -> Language | None:
    """The language that OpenFlow calls so, None when it is not known."""
    return _BY_NAME.get(name)


def label_of(name: str) -> str:
    """What to call the language in front of people; its own name when it is not known."""
    language = _BY_NAME.get(name)
    return language.label if language is not None else name


# Where several languages share an ending, the Windmill command line tells them apart by a longer one.
_INLINE_EXTENSIONS = {"deno": "deno.ts", "nativets": "native.ts"}


def inline_extension(name: str) -> str:
    """The ending that the Windmill command line gives the file of an inline script ("py", "deno.ts")."""
    language = _BY_NAME.get(name)
    return _INLINE_EXTENSIONS.get(name) or (language.extension if language is not None else "no_ext")


# The same of scripts at a path. Of TypeScript one language has the plain ending, and a workspace's folder says which.
_SCRIPT_EXTENSIONS = {"deno": "deno.ts", "bun": "bun.ts", "bunnative": "bun.ts", "nativets": "fetch.ts"}
_NOT_AS_FILES = frozenset({"sqlite"})  # ours: the command line knows no file of it


def script_extension(name: str, plain_ts: str) -> str | None:
    """The ending that the Windmill command line gives a script's file; None of a language that it keeps no files of.

    `plain_ts` is the language ("bun" or "deno") whose files end in ".ts" alone.
    """
    language = _BY_NAME.get(name)
    if language is None or name in _NOT_AS_FILES:
        return None
    if name == plain_ts or (name == "bunnative" and plain_ts == "bun"):
        return "ts"
    return _SCRIPT_EXTENSIONS.get(name) or language.extension
