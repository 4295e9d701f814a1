"""KPIs of the data itself: what was sent, lost, late and resent, to the message."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from lake.signals import SIGNALS
from lake.snapshot import Snapshot
from metrics import load_contracts
from metrics.kinds.quantile import bucket_of
from orchestration.publishing import publish
from tests.integration.truth.fleets import DAYS, FIRST, Fleet, Ledger
from transforms.core.arrivals import arrivals
from transforms.kpi import run_kpi
from transforms.lateness import still_expected

LAST = FIRST + timedelta(days=DAYS - 1)
#: From the time of a message to its arrival at the hub, of fleets without dirt; Capture cuts whole seconds off.
LAGS_S = (-1.0, 8.0)


@pytest.fixture(params=["clean", "dirty"])
def fleet(request: pytest.FixtureRequest) -> Fleet:
    """Both fleets in turn."""
    found: Fleet = request.getfixturevalue(request.param)
    return found


def _sent(fleet: Fleet) -> pl.DataFrame:
    """Telemetry of each vehicle and day that arrived, as it is true."""
    sent = fleet.truth("messages").filter(kind="telemetry")
    return sent.with_columns(messages=pl.col("received") - pl.col("duplicates") - pl.col("malformed"))


def _heard(fleet: Fleet) -> pl.DataFrame:
    """Vehicles and days with a message, with the first arrival of each."""
    first = fleet.found("raw.telemetry").group_by("vehicle_id", "event_at", "sequence", "source").agg(
        lag=(pl.col("received_at").min() - pl.col("event_at").first()).dt.total_microseconds() / 1e6
    )  # fmt: skip
    return first.group_by("vehicle_id", date=pl.col("event_at").dt.date()).agg(
        mean=pl.col("lag").mean(), longest=pl.col("lag").max(), newest=pl.col("event_at").max()
    )


def test_messages(fleet: Fleet, ledger: Ledger) -> None:
    kpi, sent = fleet.found("kpi.messages"), _sent(fleet)
    lost = sent["lost"].sum() + sent["malformed"].sum()
    for part, truth in {
        "messages": sent["messages"].sum(),
        "messages_expected": sent["messages"].sum() + lost,
        "duplicates": sent["duplicates"].sum(),
        "messages_late": sent["late"].sum(),
        "reporting_vehicles": sent.filter(pl.col("messages") > 0).height,
    }.items():
        ledger.equal(f"kpi.messages: {part}", truth, kpi[part].sum())
    # A gap shows in the message behind it, which may be of the next day.
    gaps = sent.filter(pl.col("lost") + pl.col("malformed") > 0).height
    ledger.within(f"kpi.messages: incomplete_vehicles, of {gaps} with losses", kpi["incomplete_vehicles"].sum(),
                  0.5 * gaps, 1.5 * gaps)  # fmt: skip


def test_implausible_values(fleet: Fleet, ledger: Ledger) -> None:
    """Spikes are absurd; another unit of one signal mostly is; nothing else is."""
    dirt = fleet.truth("dirt").filter(kind="telemetry")
    spikes, units = (dirt.filter(what=what)["messages"].sum() for what in ("spike", "unit"))
    found = fleet.found("kpi.messages")["implausible_values"].sum()
    ledger.within(f"kpi.messages: implausible_values, {spikes} spikes, {units} in other units", found,
                  0.5 * spikes, spikes + 4 * units)  # fmt: skip


def test_implausible_values_by_signal(fleet: Fleet, ledger: Ledger) -> None:
    """Each value of the first copy of a message against the range of its signal, and all together as by vehicle."""
    kpi = fleet.found("kpi.implausible")
    raw = fleet.found("raw.telemetry").sort("batch", "record")
    first = raw.unique(["vehicle_id", "event_at", "sequence", "source"], keep="first", maintain_order=True)
    all_together = vehicles = 0
    for signal in SIGNALS:
        if signal.low is None or signal.high is None:
            continue
        wrong = first.filter(~pl.col(signal.column).is_between(signal.low, signal.high))
        found = kpi.filter(signal=signal.column)
        assert found["implausible_values"].sum() == wrong.height, signal.column
        all_together += wrong.height
        vehicles += wrong.select("vehicle_id", "event_date").n_unique() if wrong.height else 0
    ledger.equal("kpi.implausible: implausible_values", all_together, kpi["implausible_values"].sum())
    ledger.equal("kpi.implausible: implausible_vehicles", vehicles, kpi["implausible_vehicles"].sum())
    of_messages = fleet.found("kpi.messages")["implausible_values"].sum()
    ledger.equal("kpi.implausible: as in kpi.messages", of_messages, kpi["implausible_values"].sum())
    assert (kpi["vehicles"] >= kpi["implausible_vehicles"]).all()


def test_lags(fleet: Fleet, ledger: Ledger) -> None:
    kpi, heard = fleet.found("kpi.message_lags"), _heard(fleet)
    for part, name in (("vehicles_by_mean_lag", "mean"), ("vehicles_by_longest_lag", "longest")):
        truth = pl.Series([bucket_of(lag) for lag in heard[name]]).value_counts().rename({"": "log_bucket"})
        found = kpi.group_by("log_bucket").agg(pl.col(part).sum()).filter(pl.col(part) > 0)
        ledger.equal(f"kpi.message_lags: {part}", heard.height, found[part].sum())
        both = truth.join(found, on="log_bucket", how="full", coalesce=True).fill_null(0)
        off = (both["count"].cast(pl.Int64) - both[part]).abs().sum() / 2
        # A mean that is added up in another order may lie on the other side of a limit.
        ledger.within(f"kpi.message_lags: {part} in another class", off, 0, 2)
    messages = fleet.found("kpi.messages")
    lags, count = messages["delay_s"].sum() - messages["lead_s"].sum(), messages["messages"].sum()
    of_vehicles = fleet.found("core.vehicle_days")["lag_sum_s"].sum()
    ledger.near("kpi.messages: delay_s - lead_s", of_vehicles, lags, 1e-9)
    if fleet.truth("dirt").is_empty():
        ledger.within("kpi.messages: mean lag, clean", lags / count, *LAGS_S)
        highest = kpi.filter(pl.col("vehicles_by_longest_lag") > 0)["log_bucket"].max()
        ledger.within("kpi.message_lags: class of the longest lag, clean", highest, bucket_of(1), bucket_of(8))  # type: ignore[arg-type]


def _first_arrivals(fleet: Fleet) -> pl.DataFrame:
    """Of each message of telemetry, its time and its first arrival."""
    message = ("vehicle_id", "event_at", "sequence", "source")
    return fleet.found("raw.telemetry").group_by(message).agg(pl.col("received_at").min())


def test_lags_of_single_messages(fleet: Fleet, ledger: Ledger) -> None:
    kpi, sent, first = fleet.found("kpi.arrivals"), _sent(fleet), _first_arrivals(fleet)
    ends = pl.col("event_at").dt.truncate("1d") + timedelta(1)
    lags = first.select((pl.col("received_at") - pl.col("event_at")).dt.total_microseconds() / 1e6).to_series()
    after = first.select((pl.col("received_at") - ends).dt.total_microseconds() / 1e6).to_series()
    ledger.equal("kpi.arrivals: messages", sent["messages"].sum(), kpi["messages"].sum())
    ledger.equal("kpi.arrivals: vehicles", sent.filter(pl.col("messages") > 0).height, kpi["vehicles"].sum())
    ledger.equal("kpi.arrivals: messages_after_day", (after > 0).sum(), kpi["messages_after_day"].sum())
    for part, times in (("messages", lags), ("messages_after_day", after.filter(after > 0))):
        classes = times.value_counts(name="messages")
        truth = classes.with_columns(log_bucket=pl.Series([bucket_of(t) for t in classes[classes.columns[0]]]))
        truth = truth.group_by("log_bucket").agg(pl.col("messages").sum().cast(pl.Int64).alias(part)).sort("log_bucket")
        found = kpi.group_by("log_bucket").agg(pl.col(part).sum()).filter(pl.col(part) > 0).sort("log_bucket")
        assert found.equals(truth), part


@pytest.mark.parametrize("hours", [0.5, 12.0, 36.0])
def test_what_is_still_expected_of_a_day_comes(dirty: Fleet, ledger: Ledger, hours: float) -> None:
    """Of what had come by some hours after the end of each of four days, the share that was still to come is known.

    One modem of sixty that is dead for a week is most of what is late in a fortnight, and nobody foresees it: the lags
    that the messages had are dealt out anew among them.
    """
    first = _first_arrivals(dirty).sort("vehicle_id", "event_at", "sequence").with_columns(
        date=pl.col("event_at").dt.date(), lag=(pl.col("received_at") - pl.col("event_at")).shuffle(seed=3)
    )  # fmt: skip
    first = first.with_columns(received_at=pl.col("event_at") + pl.col("lag"), batch=0, record=0)
    expected, came, messages = 0.0, 0, 0
    for day in (LAST - timedelta(n) for n in range(4)):
        as_of = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(1, hours=hours)
        rows = arrivals(first.filter(pl.col("received_at") <= as_of), FIRST, LAST).group_by(
            "source", "date", "log_bucket"
        ).agg(pl.col("messages", "messages_after_day").sum())  # fmt: skip
        of_day = first.filter(date=day)
        expected += still_expected(rows, {"fleet": as_of}, [day])[day] * of_day.height
        came += of_day.filter(pl.col("received_at") > as_of).height
        messages += of_day.height
    assert came > 0
    share = came / messages
    ledger.within(f"still expected {hours:g} h after a day, of {share:.2%} that came",
                  expected / messages, 0.85 * share, 1.15 * share)  # fmt: skip


def test_a_publication_says_what_is_still_expected(dirty: Fleet) -> None:
    """A modem that sent what it had kept for days makes the newest days provisional; who asks in SQL is told so too."""
    info = publish(dirty.lake, dirty.settings)
    table = dirty.found("ops.still_expected").sort("date")
    provisional = table.filter("provisional", pl.col("date") <= info.data_to)
    assert info.provisional_from == provisional["date"].min()
    assert [(day, 100 * share) for day, share in info.expected] == list(
        provisional.select("date", "expected_pct").iter_rows()
    )
    assert not table.filter(pl.col("date") < info.provisional_from)["provisional"].any()
    assert table["date"].max() == LAST
    assert 0 < info.expected[0][1] <= info.expected[-1][1] < 0.2
    with closing(Snapshot(dirty.lake, dirty.settings.cache)) as snapshot, snapshot.cursor() as cursor:
        told = cursor.execute("select date, expected_pct from ops.still_expected order by date")
        assert told.fetchall() == list(table.select("date", "expected_pct").iter_rows())


def _silent(fleet: Fleet, heard: pl.DataFrame, day: date, days: int) -> int:
    """Vehicles with a unit that were not heard on the last days."""
    vehicles = fleet.truth("vehicles").filter("telematics_unit", pl.col("delivered_on") <= day)
    recent = heard.filter(pl.col("date").is_between(day - timedelta(days - 1), day))
    return vehicles.join(recent, on="vehicle_id", how="anti").height


def test_silent_vehicles(fleet: Fleet, ledger: Ledger) -> None:
    """In a fortnight nobody falls silent for a week: each vehicle is taken to do so, one a day later than another."""
    ids = fleet.truth("vehicles")["vehicle_id"].sort()
    mute = pl.DataFrame({"vehicle_id": ids, "until": [FIRST + timedelta(n % DAYS) for n in range(len(ids))]})
    heard = (
        _sent(fleet).filter(pl.col("messages") > 0).join(mute, on="vehicle_id").filter(pl.col("date") < pl.col("until"))
    )
    days = fleet.found("core.vehicle_days").join(mute, on="vehicle_id")
    days = days.with_columns(pl.col("reported") & (pl.col("date") < pl.col("until"))).drop("until")
    tables = {"core.vehicle_days": days, "core.vehicles": fleet.found("core.vehicles")}
    kpi = run_kpi(load_contracts().table("messages").sql, tables, FIRST, LAST)
    for day in (FIRST + timedelta(n) for n in range(DAYS)):
        now = kpi.filter(pl.col("date") == day)
        for part, window in (("silent_7d_vehicles", 7), ("silent_28d_vehicles", 28)):
            assert now[part].sum() == _silent(fleet, heard, day, window), (day, part)
    with_unit = fleet.truth("vehicles").filter("telematics_unit", pl.col("delivered_on") <= LAST).height
    last, silent = kpi.filter(date=LAST), _silent(fleet, heard, LAST, 7)
    ledger.equal("kpi.messages: unit_vehicles", with_unit, last["unit_vehicles"].sum())
    ledger.equal("kpi.messages: silent_7d_vehicles", silent, last["silent_7d_vehicles"].sum())
    assert 0 < last["silent_28d_vehicles"].sum() < silent < with_unit


def test_age_of_the_newest_message(fleet: Fleet, ledger: Ledger) -> None:
    kpi = fleet.found("kpi.message_lags").filter(date=LAST)
    there = fleet.found("core.vehicle_days").filter(date=LAST).select("vehicle_id")
    newest = _heard(fleet).filter(pl.col("date") <= LAST).group_by("vehicle_id").agg(pl.col("newest").max())
    newest = newest.join(there, on="vehicle_id")
    heard = _sent(fleet).filter(pl.col("messages") > 0, pl.col("date") <= LAST)["vehicle_id"].n_unique()
    ledger.equal("kpi.message_lags: vehicles ever heard", heard, kpi["vehicles"].sum())
    ends = pl.lit(LAST + timedelta(1)).cast(pl.Datetime("us", "UTC"))
    ages = newest.select((ends - pl.col("newest").dt.truncate("1s")).dt.total_seconds() / 3600).to_series()
    truth = sorted(bucket_of(age) for age in ages)
    found = kpi.filter(pl.col("vehicles") > 0).group_by("log_bucket").agg(pl.col("vehicles").sum()).sort("log_bucket")
    each = [bucket for bucket, count in found.iter_rows() for _ in range(count)]
    assert each == truth


def test_coverage(clean: Fleet, dirty: Fleet, ledger: Ledger) -> None:
    kpi = clean.found("kpi.coverage")
    vehicles = clean.truth("vehicles").select("vehicle_id", "powertrain", "delivered_on")
    trips = clean.truth("trips").filter("complete").join(vehicles, on="vehicle_id")
    plug = trips.filter(pl.col("powertrain").is_in(["BEV", "PHEV"]))
    for part, truth in {
        "distance_km": trips["distance_km"].sum(),
        "odometer_km": trips["distance_km"].sum(),
        "speed_km": trips["distance_km"].sum(),
        "temperature_known_km": trips["distance_km"].sum(),
        "charge_expected_km": plug["distance_km"].sum(),
        "charge_known_km": plug["distance_km"].sum(),
    }.items():
        ledger.near(f"kpi.coverage: {part}, clean", truth, kpi[part].sum())
    ledger.equal("kpi.coverage: interpolated_km, clean", 0, kpi["interpolated_km"].sum())
    days = sum(vehicles.filter(pl.col("delivered_on") <= FIRST + timedelta(n)).height for n in range(DAYS))
    for part in ("vehicles", "described_vehicles", "version_vehicles"):
        ledger.equal(f"kpi.coverage: {part}, clean", days, kpi[part].sum())
    day = pl.col("started_at").dt.date()
    for part, of in (("active_vehicles", trips), ("plug_active_vehicles", plug)):
        ledger.equal(f"kpi.coverage: {part}, clean", of.select("vehicle_id", day).n_unique(), kpi[part].sum())
    reporting = _sent(clean).filter(pl.col("messages") > 0).height
    ledger.equal("kpi.coverage: reporting_vehicles, clean", reporting, kpi["reporting_vehicles"].sum())
    ledger.within("kpi.coverage: odometer_vehicles, clean", kpi["odometer_vehicles"].sum(), 0.95 * reporting, reporting)
    less = dirty.found("kpi.coverage")
    ledger.within("kpi.coverage: odometer_km / distance_km, dirty",
                  less["odometer_km"].sum() / less["distance_km"].sum(), 0.95, 1)  # fmt: skip
    # A silence of 12 s to 5 min within a trip is a hole: that of tunnels, and of what is under way as the days end.
    ledger.within("kpi.coverage: interpolated_km / speed_km, dirty",
                  less["interpolated_km"].sum() / less["speed_km"].sum(), 0.0001, 0.02)  # fmt: skip
