"""Which lake is opened, with which key and which credential, and what is said when it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lake.errors import LakeError, SettingsError, SillageError
from lake.settings import Settings, get_settings
from lake.storage import FORMAT_VERSION, Credential, Lake
from tests.conftest import Azurite
from tests.integration.lakes import opened, settings_for

OTHER_KEY = "quite another key of the tests"
ACCOUNT_KEY = "c2VjcmV0IHNlY3JldCBzZWNyZXQ="


@pytest.fixture(params=["local", "azurite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Azurite | None]:
    azurite: Azurite | None = request.getfixturevalue("azurite") if request.param == "azurite" else None
    return (azurite.new_container() if azurite else str(tmp_path / "lake"), azurite)


def with_key(settings: Settings, key: str) -> Settings:
    return get_settings(**dict(settings) | {"vehicle_key": key})


def test_a_lake_opens_again_with_its_key_and_keeps_its_buckets(place: tuple[str, Azurite | None]) -> None:
    made, _ = opened(*place, buckets=4)
    again, _ = opened(*place, buckets=16)
    assert (made.buckets, again.buckets) == (4, 4)
    assert again.uri == made.uri


def test_another_key_is_refused_and_neither_key_is_shown(place: tuple[str, Azurite | None]) -> None:
    _, settings = opened(*place)
    with pytest.raises(SettingsError) as refused:
        Lake.open(with_key(settings, OTHER_KEY))
    assert "SILLAGE_VEHICLE_KEY" in str(refused.value)
    assert OTHER_KEY not in str(refused.value)
    identity = Lake.open(settings).read_bytes("sillage.json")
    assert identity is not None
    assert settings.vehicle_key is not None
    assert settings.vehicle_key.get_secret_value().encode() not in identity


def test_without_its_key_a_lake_is_read_and_nothing_is_hashed(place: tuple[str, Azurite | None]) -> None:
    _, settings = opened(*place)
    reader = Lake.open(get_settings(**dict(settings) | {"vehicle_key": None}), create=False)
    assert reader.read_bytes("sillage.json")
    assert not reader.has_demo_key
    with pytest.raises(SettingsError, match="SILLAGE_VEHICLE_KEY"):
        _ = reader.vehicle_key


def test_of_two_that_make_a_lake_the_first_decides(
    place: tuple[str, Azurite | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second finds none, and is a moment late."""
    first, settings = opened(*place, buckets=4)
    read = Lake.read_bytes
    seen: list[bytes | None] = [None]
    monkeypatch.setattr(Lake, "read_bytes", lambda lake, *parts: seen.pop() if seen else read(lake, *parts))
    second = Lake.open(get_settings(**dict(settings) | {"buckets": 16}))
    assert (seen, first.buckets, second.buckets) == ([], 4, 4)
    seen.append(None)
    with pytest.raises(SettingsError, match="not the one"):
        Lake.open(with_key(settings, OTHER_KEY))


def test_a_lake_of_a_newer_format_is_refused(place: tuple[str, Azurite | None]) -> None:
    lake, settings = opened(*place)
    identity = json.loads(lake.read_bytes("sillage.json") or b"")
    lake.write_bytes(json.dumps(identity | {"format": FORMAT_VERSION + 1}).encode(), "sillage.json")
    with pytest.raises(LakeError, match="newer Sillage") as refused:
        Lake.open(settings)
    assert str(FORMAT_VERSION + 1) in refused.value.found


@pytest.mark.parametrize("text", ["{half a", "{}", "[]", "7"])
def test_a_lake_file_that_is_not_one_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "sillage.json").write_text(text, encoding="utf-8")
    with pytest.raises(LakeError, match=r"sillage\.json"):
        Lake.open(settings_for(tmp_path))


def test_without_create_nothing_is_made(place: tuple[str, Azurite | None]) -> None:
    settings = settings_for(*place)
    with pytest.raises(LakeError, match="no lake yet"):
        Lake.open(settings, create=False)
    with pytest.raises(LakeError, match="no lake yet"):
        Lake.open(settings, create=False)


def test_small_files_are_read_as_they_were_written(place: tuple[str, Azurite | None]) -> None:
    lake, _ = opened(*place)
    assert lake.read_bytes("published", "current.json") is None
    for text in (b"first, and longer", b"second"):
        lake.write_bytes(text, "published", "current.json")
        assert lake.read_bytes("published", "current.json") == text


def test_a_lake_on_azure_needs_a_key(azurite: Azurite) -> None:
    settings = get_settings(lake=azurite.new_container(), azure_connection_string=azurite.connection_string)
    with pytest.raises(SettingsError, match="SILLAGE_VEHICLE_KEY"):
        Lake.open(settings)


def test_a_local_lake_needs_none(tmp_path: Path) -> None:
    assert Lake.open(get_settings(lake=str(tmp_path / "demo"))).is_local


def test_a_lake_on_azure_needs_a_credential() -> None:
    with pytest.raises(SettingsError) as refused:
        Lake.open(settings_for("az://container/lake"))
    assert "SILLAGE_AZURE_ACCOUNT" in refused.value.expected
    assert "SILLAGE_AZURE_CONNECTION_STRING" in refused.value.expected


@pytest.mark.parametrize(
    "text",
    [
        "UseDevelopmentStorage=true",
        f"AccountName=someone;SharedKey={ACCOUNT_KEY}",
        f"BlobEndpoint=https://someone.blob.core.windows.net/;AccountKey={ACCOUNT_KEY}",
        ACCOUNT_KEY,
        "",
    ],
)
def test_a_connection_string_that_lacks_a_part_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Lake.open(settings_for("az://container/lake", azure_connection_string=text))
    assert "SILLAGE_AZURE_CONNECTION_STRING" in str(refused.value)
    assert ACCOUNT_KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("stated", "endpoint"),
    [
        ("", None),
        (";EndpointSuffix=core.windows.net", None),
        (";EndpointSuffix=core.chinacloudapi.cn", "https://someone.blob.core.chinacloudapi.cn"),
        (";EndpointSuffix=core.windows.net;BlobEndpoint=http://127.0.0.1:1/x", "http://127.0.0.1:1/x"),
    ],
)
def test_the_cloud_is_the_one_of_the_connection_string(stated: str, endpoint: str | None) -> None:
    text = f"AccountName=someone;AccountKey={ACCOUNT_KEY}{stated}"
    options = Lake("az://c/p", Credential(connection_string=text), 1, None).object_store_options
    assert options.get("azure_storage_endpoint") == endpoint
    assert options.get("allow_http") == (None if endpoint is None else str(endpoint.startswith("http:")).lower())


def test_a_lake_that_lets_nobody_in_with_this_key_is_an_error_without_secrets(azurite: Azurite) -> None:
    key = azurite.connection_string.partition("AccountKey=")[2].partition(";")[0]
    text = azurite.connection_string.replace(key, ACCOUNT_KEY)
    settings = settings_for(azurite.new_container(), azure_connection_string=text)
    with pytest.raises(SillageError) as refused:
        Lake.open(settings)
    assert "SILLAGE_LAKE" in refused.value.action
    shown = f"{refused.value} {refused.value.__cause__!r} {refused.value.__context__!r}"
    assert ACCOUNT_KEY not in shown


def test_a_container_that_is_not_there_is_an_error_that_says_so(azurite: Azurite) -> None:
    with pytest.raises(LakeError) as refused:
        Lake.open(settings_for("az://nosuchcontainer/lake", azurite))
    assert "az://nosuchcontainer/lake" in str(refused.value)


def test_no_secret_is_in_the_repr_of_what_holds_one(azurite: Azurite) -> None:
    lake, settings = opened(azurite.new_container(), azurite)
    key = azurite.connection_string.partition("AccountKey=")[2].partition(";")[0]
    assert settings.vehicle_key is not None
    shown = f"{lake!r} {lake.credential!r} {settings!r} {settings} {settings.model_dump_json()}"
    assert key not in shown
    assert settings.vehicle_key.get_secret_value() not in shown
    assert lake.uri in shown
