"""Configuration: everything that may differ between two starts comes from the environment, and is read here once.

`SETTINGS` is the list that docs/settings.md documents (a test compares the two).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowapp.errors import FlowappError

MIN_TOKEN_LENGTH = 16
MIN_SECRET_KEY_LENGTH = 32
#: From weakest to strongest; what they mean is told by runtimes/ladder.py and docs/settings.md.
ISOLATION_LEVELS = ("none", "basic", "user", "full")
#: Nobody becomes an admin by signing in elsewhere.
JOIN_ROLES = ("viewer", "operator", "developer")


class SettingsError(FlowappError):
    """A setting has a value that cannot be used. The message is one line and names the setting."""

    code = "settings.invalid"


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: what it is called, what stands in when it is unset, and what it does."""

    name: str
    default: str
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("PORT", "3000", "TCP port of the one server."),
    Setting("HOST", "127.0.0.1", "Address to listen on. `0.0.0.0` answers other machines too; put TLS in front of it."),
    Setting("FLOWAPP_HOME", "./.flowapp", "Data folder: database, results, uploaded files, keys."),
    Setting(
        "DATABASE_URL",
        "",
        "SQLite file as `sqlite:///<file>`, or `postgresql://…` for several servers. Empty: `flowapp.db` in the data folder.",
    ),
    Setting(
        "FLOWAPP_URL", "", "Where people, jobs and workers reach Flowapp, e.g. a proxy. Empty: the address listened on."
    ),
    Setting("FLOWAPP_TOKEN", "", "The first admin's API and sign-in token, for automation; at least 16 characters."),
    Setting(
        "FLOWAPP_SECRET_KEY", "", "Key of secrets at rest, the same on all servers; empty: a file in the data folder."
    ),
    Setting("FLOWAPP_MIN_ISOLATION", "basic", "Isolation of user code below which the server refuses to start."),
    Setting("FLOWAPP_IDLE_RUNNERS", "8", "Warm processes kept ready for cells and steps, over all languages."),
    Setting("FLOWAPP_STEP_NETWORK", "on", "`off`: steps open no network connection, not to this server either."),
    Setting("FLOWAPP_STEP_CPUS", "", "Processors that a step may use at a time; empty: all."),
    Setting("FLOWAPP_PACKAGES_MB", "4096", "How large the packages installed for cells may become; old ones then go."),
    Setting("FLOWAPP_SQL_ROWS_MB", "256", "How large the rows of one SQL cell may be; more is an error of the step."),
    Setting("FLOWAPP_WAIT_S", "20", "Seconds that a synchronous call (`run_wait_result`) waits for a result."),
    Setting(
        "FLOWAPP_HUB_URL", "", "Address of a hub for `hub/…` steps; empty: only the starter hub and `FLOWAPP_HUB_DIR`."
    ),
    Setting(
        "FLOWAPP_OBJECTS_DIR",
        "",
        "Folder of the files that scripts keep, on a drive that all servers see; empty: `objects` in the data folder.",
    ),
    Setting("FLOWAPP_HUB_DIR", "", "Folder of scripts that works as a hub of one's own, see docs/hub.md."),
    Setting(
        "FLOWAPP_ALLOWED_HOSTS",
        "",
        "Private hosts and networks that messages, models and files may be at: `mail.internal:25, 10.1.0.0/16`.",
    ),
    Setting("FLOWAPP_OIDC_ISSUER", "", "Address of an OpenID Connect provider that signs people in; empty: none."),
    Setting("FLOWAPP_OIDC_CLIENT_ID", "", "What the provider calls this server."),
    Setting("FLOWAPP_OIDC_CLIENT_SECRET", "", "The secret that goes with it; empty: a public client, with PKCE alone."),
    Setting("FLOWAPP_OIDC_NAME", "single sign-on", "What the provider is called on the sign-in page."),
    Setting(
        "FLOWAPP_OIDC_JOIN_ROLE",
        "",
        "Role of whoever the provider signs in and nobody knows yet; empty: they are refused.",
    ),
    Setting("OPENAI_API_KEY", "", "Lets the assistant ask a model, only when a person presses a button."),
    Setting("OPENAI_BASE_URL", "", "Address of an OpenAI-compatible server; empty: https://api.openai.com/v1."),
    Setting("OPENAI_MODEL", "", "Name of the model, where a workspace names none."),
)


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """The provider that signs people in. `join_role` "": only those whom somebody has added."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    name: str = "single sign-on"
    join_role: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one server process."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 3000
    database_url: str = ""
    public_url: str = ""
    token: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    min_isolation: str = "basic"
    idle_runners: int = 8
    step_network: bool = True
    step_cpus: int = 0
    packages_mb: int = 4096
    sql_rows_mb: int = 256
    wait_s: int = 20
    hub_url: str = ""
    hub_dir: str = ""
    objects_dir: Path | None = None
    allowed_hosts: str = ""
    openai_api_key: str = field(default="", repr=False)
    openai_base_url: str = ""
    openai_model: str = ""
    oidc: OidcSettings | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str], default_home: Path | None = None) -> Settings:
        """Read the settings.

        Args:
            env: the environment; empty values count as unset.
            default_home: data folder when FLOWAPP_HOME is unset; `.flowapp` in the working directory if not given.

        Raises:
            SettingsError: a value cannot be used; the message says which one and why.
        """
        given = {setting.name: env.get(setting.name, "").strip() for setting in SETTINGS}
        home = Path(given["FLOWAPP_HOME"]).expanduser() if given["FLOWAPP_HOME"] else default_home or Path(".flowapp")
        return cls(
            home=Path(os.path.abspath(home)),
            host=given["HOST"] or "127.0.0.1",
            port=_number("PORT", given["PORT"] or "3000", 1, 65535),
            database_url=given["DATABASE_URL"],
            public_url=_web_address("FLOWAPP_URL", given["FLOWAPP_URL"]),
            token=_token(given["FLOWAPP_TOKEN"]),
            secret_key=_secret_key(given["FLOWAPP_SECRET_KEY"]),
            min_isolation=_level(given["FLOWAPP_MIN_ISOLATION"].lower() or "basic"),
            packages_mb=_number("FLOWAPP_PACKAGES_MB", given["FLOWAPP_PACKAGES_MB"] or "4096", 1, 1 << 24),
            sql_rows_mb=_number("FLOWAPP_SQL_ROWS_MB", given["FLOWAPP_SQL_ROWS_MB"] or "256", 1, 2000),
            idle_runners=_number("FLOWAPP_IDLE_RUNNERS", given["FLOWAPP_IDLE_RUNNERS"] or "8", 1, 256),
            step_network=_switch("FLOWAPP_STEP_NETWORK", given["FLOWAPP_STEP_NETWORK"].lower() or "on"),
            step_cpus=_number("FLOWAPP_STEP_CPUS", given["FLOWAPP_STEP_CPUS"] or "0", 0, 1024),
            wait_s=_number("FLOWAPP_WAIT_S", given["FLOWAPP_WAIT_S"] or "20", 1, 3600),
            hub_url=given["FLOWAPP_HUB_URL"],
            hub_dir=given["FLOWAPP_HUB_DIR"],
            objects_dir=_folder(given["FLOWAPP_OBJECTS_DIR"]),
            allowed_hosts=given["FLOWAPP_ALLOWED_HOSTS"],
            openai_api_key=given["OPENAI_API_KEY"],
            openai_base_url=given["OPENAI_BASE_URL"],
            openai_model=given["OPENAI_MODEL"],
            oidc=_oidc(given),
        )

    @property
    def base_url(self) -> str:
        """Where people, jobs and workers find Flowapp: without a slash at its end."""
        return self.public_url or self.url

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the server."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared with, not bound to
        host = everywhere.get(self.host, self.host)
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        return f"http://{host}:{self.port}"


def _number(name: str, text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise SettingsError(f"{name} must be a whole number from {low} to {high}, not {text!r}.")
    return int(text)


def _switch(name: str, text: str) -> bool:
    if text not in ("on", "off"):
        raise SettingsError(f"{name} must be on or off, not {text!r}.")
    return text == "on"


def _folder(text: str) -> Path | None:
    return Path(os.path.abspath(Path(text).expanduser())) if text else None


def _web_address(name: str, text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise SettingsError(f"{name} must look like https://flows.example.com, not {text!r}.")
    return text.rstrip("/")


def _oidc(given: Mapping[str, str]) -> OidcSettings | None:
    issuer, client_id = given["FLOWAPP_OIDC_ISSUER"], given["FLOWAPP_OIDC_CLIENT_ID"]
    join_role = given["FLOWAPP_OIDC_JOIN_ROLE"]
    if bool(issuer) != bool(client_id):
        raise SettingsError("FLOWAPP_OIDC_ISSUER and FLOWAPP_OIDC_CLIENT_ID go together: set both, or none.")
    if not issuer:
        return None
    _web_address("FLOWAPP_OIDC_ISSUER", issuer)
    if not re.match(r"https://|http://(?:localhost|127\.0\.0\.1|\[::1\])[:/]", issuer):
        raise SettingsError(f"FLOWAPP_OIDC_ISSUER must begin with https://, not {issuer!r}.")
    if join_role not in ("", *JOIN_ROLES):
        raise SettingsError(f"FLOWAPP_OIDC_JOIN_ROLE must be one of {', '.join(JOIN_ROLES)}, not {join_role!r}.")
    name = given["FLOWAPP_OIDC_NAME"] or "single sign-on"
    return OidcSettings(issuer, client_id, given["FLOWAPP_OIDC_CLIENT_SECRET"], name[:60], join_role)


def _level(text: str) -> str:
    if text not in ISOLATION_LEVELS:
        raise SettingsError(f"FLOWAPP_MIN_ISOLATION must be one of {', '.join(ISOLATION_LEVELS)}, not {text!r}.")
    return text


def _token(text: str) -> str:
    if text and (len(text) < MIN_TOKEN_LENGTH or not text.isascii() or any(c.isspace() for c in text)):
        raise SettingsError(
            f"FLOWAPP_TOKEN must have at least {MIN_TOKEN_LENGTH} ASCII characters without spaces.",
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(24))'",
        )
    return text


def _secret_key(text: str) -> str:
    if text and len(text) < MIN_SECRET_KEY_LENGTH:
        raise SettingsError(
            f"FLOWAPP_SECRET_KEY must have at least {MIN_SECRET_KEY_LENGTH} characters.",
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return text
