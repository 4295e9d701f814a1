-- Trips as one would write them by hand: stage one finds where a run of messages begins, stage two adds the runs up.
with steps as (
    select
        vehicle_id,
        event_at,
        speed_kmh,
        ignition_on,
        lag(event_at) over vehicle as previous_at,
        lag(speed_kmh) over vehicle as previous_kmh,
        lag(ignition_on) over vehicle as previous_on
    from raw.telemetry
    window vehicle as (partition by vehicle_id order by event_at)
),

runs as (
    select
        *,
        sum(case
            when previous_at is null or event_at - previous_at > interval 300 seconds then 1
            when not previous_on then 1
            else 0
        end) over (partition by vehicle_id order by event_at rows unbounded preceding) as run
    from steps
)

select
    vehicle_id,
    run,
    min(event_at) as started_at,
    max(event_at) as ended_at,
    max(speed_kmh) as max_speed_kmh,
    sum(case
        when event_at - previous_at <= interval 300 seconds
            then (speed_kmh + previous_kmh) / 2 * epoch(event_at - previous_at) / 3600
    end) as distance_km,
    count(*) as messages
from runs
group by vehicle_id, run
having max(speed_kmh) > 0
