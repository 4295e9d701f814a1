-- No charging session known from signals alone lies within a trip of half a kilometre or more.
select
    sessions.date,
    sessions.vehicle_id,
    sessions.started_at,
    sessions.ended_at,
    trips.started_at as trip_started_at,
    trips.distance_km
from core.charging_sessions as sessions
inner join core.trips as trips
    on
        sessions.vehicle_id = trips.vehicle_id
        and trips.date between sessions.date - 2 and sessions.date
        and sessions.started_at > trips.started_at
        and sessions.ended_at < trips.ended_at
where
    sessions.date between cast($first_day as date) and cast($last_day as date)
    and trips.date >= cast($first_day as date) - 2
    and sessions.method = 'signals'
    and trips.distance_km >= 0.5
    and trips.mean_speed_kmh >= 3
