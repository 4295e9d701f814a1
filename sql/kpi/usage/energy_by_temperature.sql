-- Energy by the temperature outside, of the trips for which it and what flowed back are known.
-- Each vehicle counts once a day, with one of these trips: shared.fleet_trips says why.
with trips as (
    select
        date,
        market,
        model,
        powertrain,
        case
            when ambient_temperature_c < 40 then greatest(5 * cast(floor(ambient_temperature_c / 5) as int), -25)
            when ambient_temperature_c >= 40 then 40
        end as from_c,
        row_number() over (partition by date, vehicle_id order by started_at) as number_of_day,
        count(*) over (partition by date, vehicle_id) as trips_of_day,
        distance_km,
        energy_used_kwh,
        energy_regenerated_kwh
    from shared.fleet_trips
    where
        date between cast($first_day as date) and cast($last_day as date)
        and energy_used_kwh is not null
        and energy_regenerated_kwh is not null
)

select
    date,
    market,
    model,
    powertrain,
    case
        when from_c is null then 'unknown'
        when from_c = -25 then 'below -20'
        when from_c = 40 then '40 and above'
        else concat(cast(from_c as varchar), ' to ', cast(from_c + 5 as varchar))
    end as ambient_temperature,
    count(
        case
            when number_of_day = 1 + mod(date_diff('day', date '1900-01-01', date), trips_of_day) then 1
        end
    ) as vehicles,
    sum(distance_km) as distance_km,
    sum(energy_used_kwh) as energy_used_kwh,
    sum(energy_regenerated_kwh) as energy_regenerated_kwh
from trips
group by date, market, model, powertrain, from_c
