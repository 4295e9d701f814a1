"""Settings: where they come from, what is said about a wrong one, and that each is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lake.errors import SettingsError
from lake.settings import Settings, environment_names, get_settings, unknown_names

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "settings.md"

#: For each setting with rules: a value that breaks them, and what the error says is allowed.
WRONG = {
    "lake": ("s3://bucket/lake", "az://container/prefix"),
    "vehicle_key": ("short", "16 characters"),
    "buckets": ("0", "greater than or equal to 1"),
    "earliest_day": ("yesterday", "date"),
    "batch_bytes": ("1 GB", "integer"),
    "part_rows": ("10", "greater than or equal to 1000"),
    "build_rows": ("999", "greater than or equal to 1000"),
    "build_tables": ("0", "greater than or equal to 1"),
    "inbox_settle_s": ("-1", "greater than or equal to 0"),
    "provisional_days": ("-1", "greater than or equal to 0"),
    "provisional_pct": ("100", "less than 100"),
    "protect": ("all", "'none' or 'cells'"),
    "keep_snapshots": ("0", "greater than or equal to 1"),
    "retention_days": ("6", "greater than or equal to 7"),
    "dagster_url": ("dagster.example", "http:// or https://"),
    "port": ("80500", "less than or equal to 65535"),
    "client_timeout_s": ("0", "greater than or equal to 1"),
    "connections_per_client": ("0", "greater than or equal to 1"),
    "query_timeout_s": ("0", "greater than or equal to 1"),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SILLAGE_LAKE")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_is_not_allowed_is_refused_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, allowed = WRONG[name]
    monkeypatch.setenv(f"SILLAGE_{name.upper()}", value)
    with pytest.raises(SettingsError) as refused:
        get_settings()
    assert f"SILLAGE_{name.upper()}" in refused.value.title
    assert value in refused.value.found or name == "vehicle_key"
    assert allowed in refused.value.expected
    assert f"SILLAGE_{name.upper()}" in refused.value.action
    assert refused.value.exit_code == 2


def test_a_secret_that_is_not_allowed_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILLAGE_VEHICLE_KEY", "hush hush")
    with pytest.raises(SettingsError) as refused:
        get_settings()
    assert "hush" not in f"{refused.value}{refused.value!r}{refused.value.__cause__!r}"


def test_every_rule_of_a_setting_has_a_wrong_value_above() -> None:
    ruled = {name for name, field in Settings.model_fields.items() if field.metadata or field.annotation is not str}
    without_rules = {"azure_connection_string", "azure_account", "feeds", "cache"}
    assert ruled - without_rules <= WRONG.keys()


def test_arguments_win_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")
    (tmp_path / ".env").write_text("SILLAGE_PORT=8100\nSILLAGE_BUCKETS=8\nSILLAGE_KEEP_SNAPSHOTS=3\n", encoding="utf-8")
    monkeypatch.setenv("SILLAGE_PORT", "8200")
    monkeypatch.setenv("SILLAGE_KEEP_SNAPSHOTS", "4")
    found = get_settings(keep_snapshots=5)
    assert (found.port, found.buckets, found.keep_snapshots, found.lake) == (8200, 8, 5, "./lake-data")


@pytest.mark.parametrize("lake", ["az://c/p", "az://c/p/", "file:///data", "/data", "./here", "/"])
def test_places_a_lake_may_be(lake: str) -> None:
    assert get_settings(lake=lake).lake == (lake.rstrip("/") or "/")


def test_a_variable_that_is_no_setting_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unknown_names() == []
    monkeypatch.setenv("SILLAGE_LAEK", "here")
    assert unknown_names() == ["SILLAGE_LAEK"]


def test_every_setting_is_documented_with_its_default_and_nothing_else_is() -> None:
    rows = re.findall(r"^\| `(SILLAGE_\w+)` \| (.+?) \| (.+?) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    documented = {name: (default, text) for name, default, text in rows}
    assert list(documented) == environment_names()
    for name, field in Settings.model_fields.items():
        default, text = documented[f"SILLAGE_{name.upper()}"]
        assert default == ("none" if field.default is None else f"`{field.default}`")
        assert text == field.description
