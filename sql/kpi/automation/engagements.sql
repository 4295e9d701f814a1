-- Stretches driven with automation engaged by day and level: how long they are, and how they end per kilometre.
-- A rate is of stretches whose length is known: of the others neither events nor kilometres count.
with segments as (
    select
        date,
        market,
        model,
        model_year,
        powertrain,
        software_version,
        months_in_service,
        cast(engaged_level as varchar) as engaged_level,
        speaks,
        distance_km is not null as measured,
        coalesce(distance_km, 0) as distance_km,
        case when distance_km is null then 0 else takeover_requests end as takeover_requests,
        disengaged and distance_km is not null as disengaged,
        coalesce(ended_by, 'unknown') as ended_by,
        coalesce(reason, 'unknown') as reason
    from shared.fleet_segments
    where date between cast($first_day as date) and cast($last_day as date)
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    software_version,
    months_in_service,
    engaged_level,
    count(case when speaks then 1 end) as vehicles,
    count(*) as segments,
    count(case when measured then 1 end) as measured_segments,
    sum(distance_km) as engaged_km,
    sum(distance_km * distance_km) as engaged_km_squared,
    cast(sum(takeover_requests) as bigint) as takeover_requests,
    cast(sum(case when ended_by = 'driver' then takeover_requests else 0 end) as bigint) as driver_ended_requests,
    cast(sum(case when ended_by = 'system' then takeover_requests else 0 end) as bigint) as system_ended_requests,
    count(case when disengaged then 1 end) as disengagements,
    count(case when disengaged and ended_by = 'driver' then 1 end) as driver_disengagements,
    count(case when disengaged and ended_by = 'system' then 1 end) as system_disengagements,
    count(case when disengaged and reason = 'driver_override' then 1 end) as override_disengagements,
    count(case when disengaged and reason = 'lane_change' then 1 end) as lane_change_disengagements,
    count(case when disengaged and reason = 'destination' then 1 end) as destination_disengagements,
    count(case when disengaged and reason = 'comfort' then 1 end) as comfort_disengagements,
    count(case when disengaged and reason = 'speed' then 1 end) as speed_disengagements,
    count(case when disengaged and reason = 'lane_markings' then 1 end) as lane_markings_disengagements,
    count(case when disengaged and reason = 'weather' then 1 end) as weather_disengagements,
    count(case when disengaged and reason = 'construction_zone' then 1 end) as construction_disengagements,
    count(case when disengaged and reason = 'sensor_blocked' then 1 end) as sensor_disengagements,
    count(
        case
            when
                disengaged
                and reason not in (
                    'driver_override', 'lane_change', 'destination', 'comfort', 'speed', 'lane_markings', 'weather',
                    'construction_zone', 'sensor_blocked'
                )
                then 1
        end
    ) as other_disengagements,
    max(distance_km) as largest_engaged_km
from segments
group by
    date, market, model, model_year, powertrain, software_version, months_in_service, engaged_level
