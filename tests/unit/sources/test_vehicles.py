"""Which vehicle a record is of, and that no VIN gets further than the door."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.errors import FeedError
from tests.unit.sources.reading import KEY, VIN, masked, profile, read, vehicle_id
from transforms.sources.identity import KeyedIds, mask_vins, mask_vins_in_text

T = "2024-01-01T00:00:00Z"


def ids(data: str, tmp_path: Path, name: str = "file", **vehicle: Any) -> list[Any]:
    return read(data, profile(vehicle=vehicle), tmp_path, name).column("vehicle_id")


def test_from_a_column(tmp_path: Path) -> None:
    data = f"id,other,at,speed\n 1 ,x,{T},1\n2,,{T},1\n,3,{T},1\n,,{T},1\n"
    assert ids(data, tmp_path, field="id") == [vehicle_id("1"), vehicle_id("2")]
    assert ids(data, tmp_path, field=["id", "other"]) == [vehicle_id("1"), vehicle_id("2"), vehicle_id("3")]
    found = read(data, profile(vehicle={"field": ["id", "other"]}), tmp_path)
    assert found.reasons == ["no vehicle in id or other"]


@pytest.mark.parametrize("name", ["cars/a7/day.csv", "/data/cars/a7/day.csv"])
def test_from_the_path(name: str, tmp_path: Path) -> None:
    assert ids(f"at,speed\n{T},1\n", tmp_path, name, path=r"([^/]+)/[^/]+\.csv$") == [vehicle_id("a7")]


def test_a_compressed_file_has_the_path_of_its_content(tmp_path: Path) -> None:
    data = gzip.compress(f"at,speed\n{T},1\n".encode())
    feed = profile(vehicle={"path": r"([^/]+)/[^/]+\.csv$"})
    for name in ("cars/A7/day.csv.gz", "cars/A7/DAY.CSV", "cars/A7/DAY.CSV.GZ"):
        assert read(data, feed, tmp_path, name).column("vehicle_id") == [vehicle_id("A7")]


@pytest.mark.parametrize("pattern", [r"car-(\d+)", r"(x)?day", r"(x*)day"])
def test_a_path_without_a_vehicle_is_an_error_that_says_so(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(FeedError) as caught:
        ids("at,speed\n", tmp_path, f"{VIN}/day.csv", path=pattern)
    assert pattern in caught.value.expected
    assert caught.value.found == f"{masked()}/day.csv"


def test_a_constant(tmp_path: Path) -> None:
    assert ids(f"at,speed\n{T},1\n{T},2\n", tmp_path, constant="the car") == [vehicle_id("the car")] * 2


def test_local_identifiers_of_two_feeds_are_not_the_same_vehicle() -> None:
    assert KeyedIds(KEY, "one").of("7") != KeyedIds(KEY, "two").of("7")
    assert KeyedIds(KEY, "one").of("7") != KeyedIds(KEY[::-1], "one").of("7")
    assert KeyedIds(KEY, "one").of("a") != KeyedIds(KEY, "one").of("A")


def test_a_vin_is_the_same_vehicle_in_all_feeds_and_spellings() -> None:
    assert KeyedIds(KEY, "vin").of(f" {VIN.lower()} ") == KeyedIds(KEY, "vin").of(VIN)


def test_hashes_are_what_the_raw_tables_want() -> None:
    found = KeyedIds(KEY, "feed").of_series(pl.Series(["a", None, "a", "b"]))
    assert found[0] == found[2] != found[3]
    assert found[1] is None
    assert found.drop_nulls().str.contains(r"^[0-9a-f]{32}$").all()


MENTIONS = ["{}", "x {} y", "({})", "a/{}/b", "_{}_", '"{}"', "vin={};", "{0},{0}", "\\n{}", "ü{}", "{}\n", "-{}."]


@pytest.mark.parametrize("mention", MENTIONS)
@pytest.mark.parametrize("vin", [VIN, VIN.lower(), "1HGBH41JXMN109186", "WBA00000000000000"])
def test_vins_are_masked_wherever_they_stand(mention: str, vin: str) -> None:
    vins = KeyedIds(KEY, "vin")
    text, expected = mention.format(vin), mention.format(f"vin:{vins.of(vin)}")
    assert mask_vins(text.encode(), vins).decode() == expected
    assert mask_vins_in_text(pl.Series(["x", text, None]), vins).to_list() == ["x", expected, None]


@pytest.mark.parametrize(
    "text",
    ["12345678901234567", "ABCDEFGHJKLMNPRST", f"{VIN}X", f"9{VIN}", VIN[:-1], "YV2E4C3A5VB18069O", "0" * 40, T, ""],
)
def test_what_has_not_the_form_of_a_vin_stays(text: str) -> None:
    vins = KeyedIds(KEY, "vin")
    assert mask_vins(text.encode(), vins) == text.encode()
    assert mask_vins_in_text(pl.Series([text]), vins).to_list() == [text]


def test_no_vin_is_in_anything_that_is_stored(tmp_path: Path) -> None:
    text = f"vin,at,speed,note\n{VIN},{T},1,{VIN}\n{VIN},{VIN},1,\n{VIN},{T},{VIN},\n{VIN}\n{VIN.lower()},{T},x,y\n"
    found = read(text, profile(vehicle={"field": "vin", "identifier": "vin"}), tmp_path, f"{VIN}/f.csv")
    assert (found.landed, found.rejects.height) == (1, 4)
    stored = str([frame.to_dicts() for frame in (*found.rows.values(), found.rejects)])
    assert VIN not in stored
    assert VIN.lower() not in stored
    assert masked() in stored
