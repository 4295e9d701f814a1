"""CSV: separators, encodings, headers, quotes, ragged and empty lines."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.unit.sources.reading import profile, read
from transforms.sources import blocks, delimited

T = "2024-01-01T00:00:00Z"


def lands(data: bytes | str, tmp_path: Path, **changes: Any) -> list[Any]:
    """Speeds of a file of which everything lands."""
    found = read(data, profile(**changes), tmp_path)
    assert found.reasons == []
    assert found.records == found.landed
    return found.column("speed_kmh")


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    assert lands(f"speed,other,at,vehicle\n1,x,{T},a\n2,y,{T},b\n", tmp_path) == [1.0, 2.0]


@pytest.mark.parametrize("separator", [";", "\t", "|", " "])
def test_separators(separator: str, tmp_path: Path) -> None:
    text = f"vehicle,at,speed\na,{T},1\n".replace(",", separator)
    assert lands(text, tmp_path, csv={"separator": separator}) == [1.0]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "not ended"])
def test_line_ends(end: str, last: bool, tmp_path: Path) -> None:
    text = end.join(["vehicle,at,speed", f"a,{T},1", f"a,{T},2"]) + end * last
    assert lands(text, tmp_path) == [1.0, 2.0]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert lands(b"\xef\xbb\xbf" + f"vehicle,at,speed\na,{T},1\n".encode(), tmp_path) == [1.0]


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "Zürich\xa0"), ("cp1252", "“Köln” €"), ("utf-8", "東京")])
def test_encodings(encoding: str, text: str, tmp_path: Path) -> None:
    found = read(f"vehicle,at,city\na,{T},{text}\n".encode(encoding), profile(csv={"encoding": encoding}), tmp_path)
    assert found.column("extras") == [f'{{"city":"{text}"}}']


def test_what_is_not_in_the_encoding_is_rejected(tmp_path: Path) -> None:
    good, bad = f"a,{T},1,x".encode(), f"a,{T},2,".encode() + b"\x81"
    data = b"vehicle,at,speed,city\n" + bad + b"\n" + good + b"\n"
    for encoding in ("cp1252", "utf-8"):
        found = read(data, profile(csv={"encoding": encoding}), tmp_path)
        assert (found.column("speed_kmh"), found.originals) == ([1.0], [bad])
        assert found.reasons == [f"not {encoding} text"]


def test_a_header_in_another_encoding_swallows_no_record(tmp_path: Path) -> None:
    data = f"vehicle,at,speed,Größe\na,{T},1,x\nb,{T},2,y\n".encode("latin-1")
    assert lands(data, tmp_path) == [1.0, 2.0]


def test_one_column_under_several_names(tmp_path: Path) -> None:
    columns = {"speed_kmh": ["Speed", "speed_kph", "v"]}
    for name in columns["speed_kmh"]:
        assert lands(f"vehicle,at,{name}\na,{T},7\n", tmp_path, columns=columns) == [7.0]


def test_of_several_columns_for_one_signal_the_first_that_is_filled_counts(tmp_path: Path) -> None:
    text = f"vehicle,at,a,b\nx,{T},,5\nx,{T},4,5\nx,{T},null,6\n"
    assert lands(text, tmp_path, columns={"speed_kmh": ["a", "b"]}) == [5.0, 4.0, 6.0]


def test_decimal_comma(tmp_path: Path) -> None:
    data = f'vehicle;at;speed\na;{T};1,5\na;{T};"-0,25"\na;{T};7\n'
    assert lands(data, tmp_path, csv={"separator": ";", "decimal": ","}) == [1.5, -0.25, 7.0]


@pytest.mark.parametrize("text", ["1.500", "1.500,0", "1,5,0", "1 500"])
def test_a_number_in_another_notation_is_not_guessed(text: str, tmp_path: Path) -> None:
    feed = profile(csv={"separator": ";", "decimal": ","})
    found = read(f"vehicle;at;speed\na;{T};{text}\n", feed, tmp_path)
    assert found.reasons == [f"speed_kmh: found '{text}'"]


def test_thousands_commas_are_not_guessed(tmp_path: Path) -> None:
    found = read(f'vehicle,at,speed\na,{T},"6,627"\n', profile(), tmp_path)
    assert found.reasons == ["speed_kmh: found '6,627'"]


def test_trailing_separators_are_no_columns(tmp_path: Path) -> None:
    assert lands(f'vehicle,at,speed\na,{T},1,,\n"a",{T},2, ,\n', tmp_path) == [1.0, 2.0]


def test_nameless_and_repeated_columns_go_to_extras_under_names_of_their_own(tmp_path: Path) -> None:
    found = read(f"vehicle,at,speed,speed,,\na,{T},1,2,3,4\n", profile(), tmp_path)
    assert found.column("speed_kmh") == [1.0]
    assert found.column("extras") == ['{"speed__2":"2","column_5":"3","column_6":"4"}']


def test_names_that_mean_something_to_the_engine_are_only_names(tmp_path: Path) -> None:
    found = read(f"vehicle,at,speed,*,@row,^s.*$\na,{T},1,2,3,4\n", profile(), tmp_path)
    assert found.column("speed_kmh") == [1.0]
    assert found.column("extras") == ['{"*_":"2","@row_":"3","^s.*$_":"4"}']


def test_ignored_and_identifying_columns_do_not_reach_extras(tmp_path: Path) -> None:
    path = "Vehicle.VehicleIdentification.LicensePlate"
    found = read(f"vehicle,at,speed,junk,{path}\na,{T},1,2,AB-123\n", profile(ignore=["junk"]), tmp_path)
    assert found.column("extras") == [None]


def test_empty_cells_alone_make_no_extras(tmp_path: Path) -> None:
    found = read(f"vehicle,at,speed,note\na,{T},1,\na,{T},1,x\n", profile(), tmp_path)
    assert found.column("extras") == [None, '{"note":"x"}']


def test_quoted_cells_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    text = f'vehicle,at,speed,note\n"a","{T}","1","x, ""y""\r\nz"\nb,{T},2,w\n'
    found = read(text, profile(), tmp_path)
    assert found.column("speed_kmh") == [1.0, 2.0]
    assert found.column("extras") == ['{"note":"x, \\"y\\"\\r\\nz"}', '{"note":"w"}']


def test_header_cells_with_line_ends(tmp_path: Path) -> None:
    text = f'vehicle,at,"INITIATED\nBY\n(who)",speed\na,{T},x,1\n'
    found = read(text, profile(), tmp_path)
    assert found.column("extras") == ['{"INITIATED BY (who)":"x"}']


def test_other_quotes_and_none(tmp_path: Path) -> None:
    assert lands(f"vehicle,at,speed,n\na,{T},1,'x,\ny'\n", tmp_path, csv={"quote": "'"}) == [1.0]
    assert lands(f'vehicle,at,speed,n\na,{T},1,"x\na,{T},2,y\n', tmp_path, csv={"quote": ""}) == [1.0, 2.0]


STRAY = ['a,{t},"3,z', 'a,{t},3,"z', '"a,{t},3,z', 'a,{t},3,"x"y', 'a,"{t},3,z', 'a,{t},"3",z"', '"', '",', '"""']


@pytest.mark.parametrize("record", STRAY)
def test_a_stray_quote_swallows_nothing(record: str, tmp_path: Path) -> None:
    bad = record.format(t=T)
    good = [f"a,{T},{n},z" for n in range(50)]
    good[30] = f'a,{T},30,"z\nz"'
    text = "\n".join(["vehicle,at,speed,note", *good[:20], bad, *good[20:]]) + "\n"
    found = read(text, profile(), tmp_path)
    speeds = found.column("speed_kmh")
    assert [speed for speed in speeds if speed != 3.0] == [float(n) for n in range(50) if n != 3]
    assert found.records == 51
    if found.rejects.height:
        assert found.originals == [bad.encode()]


def test_a_quote_within_a_cell_is_only_a_character(tmp_path: Path) -> None:
    found = read(f'vehicle,at,speed,note\na,{T},1,5" tyre\nb,{T},2,6" tyre\n', profile(), tmp_path)
    assert found.column("extras") == ['{"note":"5\\" tyre"}', '{"note":"6\\" tyre"}']


def test_lines_that_would_only_fit_together_with_others_are_taken_one_by_one(tmp_path: Path) -> None:
    """Joined, the two would be one well-formed record, of too many cells."""
    bad = [f'a,{T},1,x,"y', f'a,{T},2",z']
    found = read("\n".join(["vehicle,at,speed,note", *bad, f"a,{T},3,z"]), profile(), tmp_path)
    assert found.column("speed_kmh") == [3.0]
    assert found.originals == [line.encode() for line in bad]


def test_ragged_records_are_rejected_with_their_count(tmp_path: Path) -> None:
    text = f"vehicle,at,speed\na,{T}\na,{T},1,2\na,{T},3\n"
    found = read(text, profile(), tmp_path)
    assert found.column("speed_kmh") == [3.0]
    assert found.reasons == ["2 fields where the header has 3", "4 fields where the header has 3"]
    assert found.originals == [f"a,{T}".encode(), f"a,{T},1,2".encode()]
    assert found.rejects["offset"].to_list() == [17, 40]


def test_empty_lines_are_no_records(tmp_path: Path) -> None:
    assert lands(f"\n  \nvehicle,at,speed\n\n   \r\na,{T},1\n\n\n", tmp_path) == [1.0]


def test_rows_of_nothing_but_separators_are_no_records(tmp_path: Path) -> None:
    assert lands(f"vehicle,at,speed\n,,\na,{T},1\n, ,,,\n,,\r\n", tmp_path) == [1.0]


@pytest.mark.parametrize("data", ["", "\n\n", "vehicle,at,speed", "vehicle,at,speed\r\n", "\ufeff"])
def test_files_without_records(data: str, tmp_path: Path) -> None:
    found = read(data, profile(), tmp_path)
    assert (found.records, found.landed, found.rejects.height) == (0, 0, 0)


def test_a_header_that_cannot_be_read_loses_no_record(tmp_path: Path) -> None:
    found = read(f'"vehicle,at,speed\na,{T},1\nb,{T},2\n', profile(), tmp_path)
    assert found.originals == [b'"vehicle,at,speed', f"a,{T},1".encode(), f"b,{T},2".encode()]
    assert all(reason.startswith("the header is not CSV") for reason in found.reasons)


TWO_LINES = f"vehicle,at,speed\na,{T},1\n"
NOT_THE_HEADER: dict[str, tuple[bytes, str]] = {
    "separator": (
        TWO_LINES.replace(",", ";").encode(),
        "the header has no vehicle and no at (separator ','): found 'vehicle;at;speed'",
    ),
    "capitals": (
        TWO_LINES.title().encode(),
        "the header has no vehicle and no at (separator ','): found 'Vehicle,At,Speed'",
    ),
    "one of two": (
        TWO_LINES.replace("at", "time").encode(),
        "the header has no at (separator ','): found 'vehicle,time,speed'",
    ),
    "none": (f"a,{T},1\n".encode(), f"the header has no vehicle and no at (separator ','): found 'a,{T},1'"),
    "utf-16": (TWO_LINES.encode("utf-16"), "the file is UTF-16: save it as UTF-8"),
}


@pytest.mark.parametrize("case", NOT_THE_HEADER)
def test_a_header_that_is_none_is_named_and_no_line_is_lost(case: str, tmp_path: Path) -> None:
    data, reason = NOT_THE_HEADER[case]
    found = read(data, profile(), tmp_path)
    assert set(found.reasons) == {reason}
    assert b"\n".join(found.originals).strip(b"\n\0") == data.strip(b"\n\0")
    assert (found.landed, found.records) == (0, found.rejects.height)


def test_a_header_needs_the_fields_that_tell_signals_apart(tmp_path: Path) -> None:
    found = read(f"vehicle,at,name,value\na,{T},Speed,1\n", profile(**LONG), tmp_path)
    assert {reason.split(" (")[0] for reason in found.reasons} == {"the header has no signal"}


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress], ids=["gzip", "zstd"])
@pytest.mark.parametrize("name", ["f.csv", "F.CSV.GZ", "f.csv.Zst", "f.csv.gz", "f.csv.zst"])
def test_what_is_compressed_is_known_by_its_first_bytes(
    pack: Callable[[bytes], bytes], name: str, tmp_path: Path
) -> None:
    found = read(pack(TWO_LINES.encode()), profile(), tmp_path, name)
    assert (found.column("speed_kmh"), found.reasons) == ([1.0], [])


def test_lines_that_end_with_a_carriage_return_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"a,{T},{n}" for n in range(5_000)]
    for size in (blocks.BLOCK_BYTES, 10_000):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
        assert lands("\r".join(["vehicle,at,speed", *lines, ""]), tmp_path) == [float(n) for n in range(5_000)]
    found = read(f"vehicle,at,speed\ra,{T},x\ra,{T},1", profile(), tmp_path)
    assert (found.originals, found.rejects["offset"].to_list()) == ([f"a,{T},x".encode()], [17])


def test_files_without_a_header(tmp_path: Path) -> None:
    csv = {"header": ["vehicle", "at", "speed"]}
    assert lands(f"a,{T},1\nb,{T},2\n", tmp_path, csv=csv) == [1.0, 2.0]


def test_lines_before_the_header(tmp_path: Path) -> None:
    text = f'Export of "today\n\nvehicle,at,speed\na,{T},1\na,{T},2\n'
    assert lands(text, tmp_path, csv={"skip_rows": 2}) == [1.0, 2.0]


QUOTED = ["", "x", "5,5", ",", ",,", '""', '","', "x y ", "\n"]


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_records_in_quotes_are_cut_as_one_by_one(columns: int, tmp_path: Path) -> None:
    """All cells in quotes, some of them, none; with everything in them that cuts."""
    names = [f"n{n}" for n in range(columns)]
    expected = [values for values in product(QUOTED, repeat=columns) if any(values)]
    out = StringIO()
    csv.writer(out).writerow(["vehicle", "at", *names])
    styles = [csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]
    for number, values in enumerate(expected):
        csv.writer(out, quoting=styles[number % 3]).writerow(["a", T, *values])
    found = read(out.getvalue(), profile(), tmp_path)
    assert found.reasons == []
    assert [tuple(json.loads(extras).values()) for extras in found.column("extras")] == expected


@pytest.mark.parametrize("note", ["x", "5,5"])
def test_records_in_quotes_are_not_read_one_by_one(note: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "cells_of", None)
    assert lands(f'"vehicle","at","speed","note"\n"a","{T}","1","{note}"\n', tmp_path) == [1.0]
    assert lands(f'vehicle,at,speed,note\n"a","{T}",1,x\na,"{T}","2",y\n', tmp_path) == [1.0, 2.0]


def test_long_cells_are_read(tmp_path: Path) -> None:
    text = "x" * 300_000
    found = read(f'vehicle,at,speed,note\na,{T},1,"{text}"\n', profile(), tmp_path)
    assert found.column("extras") == [f'{{"note":"{text}"}}']


LONG: dict[str, Any] = {"long_name": "signal", "long_value": "value", "columns": {"speed_kmh": "Speed", "gear": "Gear"}}


def test_one_signal_per_row(tmp_path: Path) -> None:
    text = f"vehicle,at,signal,value\na,{T},Speed,1.5\na,{T},Gear,3\na,{T},Horn,on\n"
    found = read(text, profile(**LONG), tmp_path)
    assert found.column("speed_kmh") == [1.5, None, None]
    assert found.column("gear") == [None, 3, None]
    assert found.column("extras") == [None, None, '{"Horn":"on"}']


def test_one_signal_per_row_keeps_the_other_columns(tmp_path: Path) -> None:
    text = f'vehicle,at,signal,value,quality\na,{T},Speed,1.5,good\na,{T},"Ho""rn",on,bad\na,{T},at,5,\n'
    found = read(text, profile(**LONG), tmp_path)
    assert found.column("extras") == ['{"quality":"good"}', '{"Ho\\"rn":"on","quality":"bad"}', '{"at":"5"}']


def test_one_signal_per_row_rejects_by_column(tmp_path: Path) -> None:
    found = read(f"vehicle,at,signal,value\na,{T},Speed,fast\n", profile(**LONG), tmp_path)
    assert found.reasons == ["speed_kmh: found 'fast'"]
