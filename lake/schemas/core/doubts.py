"""``core.doubts``."""

from __future__ import annotations

import dataframely as dy

from lake.schemas.core.columns import count, day, text
from lake.schemas.raw.rows import instant, one_of, vehicle_id

#: What witnesses are heard about.
QUANTITIES = ("motion", "distance", "energy", "fuel", "charging", "meter", "time", "identity")
#: What kind of lie it looks like.
DOUBT_KINDS = (
    "frozen", "noise", "stuck", "spike", "scale", "drift", "jump", "reset", "sign", "conflict", "back_in_time",
    "two_places",
)  # fmt: skip
#: What a doubt is about: a trip, a charging session, or none of these.
DOUBTED_PARTS = ("trip", "session", "day")


class Doubts(dy.Schema):
    """A signal of a vehicle that was not believed, or is contradicted by the one other that is left."""

    date = day("UTC day of the trip or session, or of the readings", primary_key=True)
    vehicle_id = vehicle_id(primary_key=True)
    event_at = instant("Start of the trip or session; else the first reading doubted.", primary_key=True)
    part = one_of(DOUBTED_PARTS, "What the doubt is about; day where the readings lie in neither.")
    quantity = one_of(QUANTITIES, "What the signal was to tell of.", primary_key=True)
    signal = dy.String(
        nullable=False, primary_key=True,
        description="Column of the signal in its raw table; position for latitude and longitude together.",
    )  # fmt: skip
    kind = one_of(
        DOUBT_KINDS, "What kind of lie it looks like; conflict where nobody knows who is right.", primary_key=True
    )
    readings = count("Readings doubted; 0 where the doubt is about an amount.")
    said = dy.Float64(nullable=True, description="What it says: the amount, or the reading furthest from belief.")
    believed = dy.Float64(nullable=True, description="What is believed, in the unit of said; null where nothing is.")
    unit = text("Unit of said and believed.")
    believed_by = text("Who says what is believed: methods or signals, separated by commas; null for nobody.")
