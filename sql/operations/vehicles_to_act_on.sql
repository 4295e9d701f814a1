-- The vehicles to act on now, as shared.fleet_health says, of the last day: those with most reasons first, and of
-- those with as many the one with most open faults that lit the lamp.
with concerned as (
    select
        *,
        case when open_lamp_faults > 0 then 1 else 0 end
        + case when rest_v < 11.6 then 1 else 0 end
        + case when tyres = 2 then 1 else 0 end
        + case when brake_pad_wear_pct >= 92 then 1 else 0 end
        + case when service_distance_km < -3000 then 1 else 0 end
        + case when soh_pct < 70 then 1 else 0 end as reasons
    from shared.fleet_health
    where date = cast($last_day as date) and health = 2 and reported
),

codes as (
    select
        vehicle_id,
        string_agg(distinct code, ', ' order by code) as open_codes,
        min(date) as first_set_on
    from core.fault_episodes
    where
        date <= cast($last_day as date)
        and malfunction_lamp_on
        and (cleared_at is null or cast(cleared_at as date) > cast($last_day as date))
    group by vehicle_id
)

select
    cast(
        row_number() over (order by concerned.reasons desc, concerned.open_lamp_faults desc, concerned.vehicle_id asc)
        as bigint
    ) as place,
    concerned.vehicle_id,
    concerned.market,
    concerned.model,
    concerned.model_year,
    concerned.powertrain,
    concat_ws(
        '; ',
        codes.open_codes,
        case when concerned.rest_v < 11.6 then 'low-voltage battery at rest ' || round(concerned.rest_v, 1) || ' V' end,
        case when concerned.tyres = 2 then 'a tyre is flat' end,
        case
            when concerned.brake_pad_wear_pct >= 92
                then 'brake pads ' || cast(round(concerned.brake_pad_wear_pct) as bigint) || ' % worn'
        end,
        case
            when concerned.service_distance_km < -3000
                then 'service overdue by ' || cast(round(-concerned.service_distance_km) as bigint) || ' km'
        end,
        case when concerned.soh_pct < 70 then 'capacity ' || round(concerned.soh_pct, 1) || ' % of new' end
    ) as reason,
    codes.first_set_on as since
from concerned
left join codes on concerned.vehicle_id = codes.vehicle_id
order by place
limit 200
