from __future__ import annotations

import re
from pathlib import Path

import pytest

from flowapp.settings import SETTINGS, Settings, SettingsError

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_defaults_are_a_local_server() -> None:
    settings = Settings.from_env({}, default_home=Path("/srv/data"))
    assert (settings.host, settings.port, settings.home) == ("127.0.0.1", 3000, Path("/srv/data"))
    assert settings.database_url == settings.token == ""
    assert settings.min_isolation == "basic"
    assert (settings.step_network, settings.step_cpus) == (True, 0)


def test_a_given_folder_is_relative_to_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.from_env({"FLOWAPP_HOME": "data"}, default_home=Path("/srv")).home == tmp_path / "data"


def test_empty_values_count_as_unset() -> None:
    assert Settings.from_env({"PORT": "", "HOST": " "}).url == "http://127.0.0.1:3000"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "80a", "³", "3.5"])
def test_a_port_that_is_none_is_refused_by_name(port: str) -> None:
    with pytest.raises(SettingsError, match=r"^PORT must be a whole number from 1 to 65535"):
        Settings.from_env({"PORT": port})


def test_an_unknown_isolation_level_is_refused() -> None:
    with pytest.raises(SettingsError, match="none, basic, user, full"):
        Settings.from_env({"FLOWAPP_MIN_ISOLATION": "high"})


def test_what_steps_may_use() -> None:
    settings = Settings.from_env({"FLOWAPP_STEP_NETWORK": "OFF", "FLOWAPP_STEP_CPUS": "2"})
    assert (settings.step_network, settings.step_cpus) == (False, 2)
    with pytest.raises(SettingsError, match="FLOWAPP_STEP_NETWORK must be on or off, not 'no'"):
        Settings.from_env({"FLOWAPP_STEP_NETWORK": "no"})


@pytest.mark.parametrize("token", ["short", "has a space in the middle", "ünïcödé-token-that-is-long"])
def test_a_weak_token_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"FLOWAPP_TOKEN": token})
    assert token not in refused.value.message


def test_secrets_are_not_in_the_representation() -> None:
    settings = Settings.from_env({"FLOWAPP_TOKEN": "a-very-secret-token-1", "OPENAI_API_KEY": "sk-secret"})
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:3000"),
        ("::", "http://[::1]:3000"),
        ("::1", "http://[::1]:3000"),
        ("192.0.2.7", "http://192.0.2.7:3000"),
    ],
)
def test_the_url_is_one_that_a_browser_can_open(host: str, url: str) -> None:
    assert Settings.from_env({"HOST": host}).url == url


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`|–) \|", (DOCS / "settings.md").read_text(), flags=re.MULTILINE)
    )
    assert rows == {setting.name: setting.default for setting in SETTINGS}


OIDC = {"FLOWAPP_OIDC_ISSUER": "https://id.example.com/realms/a", "FLOWAPP_OIDC_CLIENT_ID": "flowapp"}


def test_a_provider_is_set_up_by_two_settings() -> None:
    assert Settings.from_env({}).oidc is None
    found = Settings.from_env({**OIDC, "FLOWAPP_OIDC_CLIENT_SECRET": "hush", "FLOWAPP_OIDC_JOIN_ROLE": "viewer"})
    assert found.oidc is not None and "hush" not in repr(found)
    assert (found.oidc.issuer, found.oidc.name, found.oidc.join_role) == (
        "https://id.example.com/realms/a",
        "single sign-on",
        "viewer",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"FLOWAPP_OIDC_CLIENT_ID": ""},
        {"FLOWAPP_OIDC_ISSUER": ""},
        {"FLOWAPP_OIDC_ISSUER": "http://id.example.com"},
        {"FLOWAPP_OIDC_ISSUER": "id.example.com"},
        {"FLOWAPP_OIDC_JOIN_ROLE": "admin"},
    ],
)
def test_a_provider_that_cannot_be_used_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="FLOWAPP_OIDC"):
        Settings.from_env({**OIDC, **wrong})
