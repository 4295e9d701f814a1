-- Energy and fuel that trips used, over the kilometres for which they are known.
-- Energy is expected of vehicles with a plug, fuel of those with an engine, and of any that has told it.
with trips as (
    select
        date,
        vehicle_id,
        market,
        model,
        model_year,
        powertrain,
        software_version,
        months_in_service,
        distance_km,
        energy_used_kwh,
        energy_regenerated_kwh,
        fuel_used_l,
        energy_used_kwh is not null as energy_known,
        energy_used_kwh is not null or powertrain in ('BEV', 'PHEV') as energy_expected,
        energy_used_kwh is not null and energy_regenerated_kwh is not null as balance_known,
        fuel_used_l is not null as fuel_known,
        fuel_used_l is not null or powertrain in ('ICE', 'HEV', 'PHEV') as fuel_expected,
        -- A level in the tank is too coarse to say that a trip used nothing.
        powertrain = 'PHEV' and fuel_used_l is not null and fuel_method = 'counter' as hybrid_known
    from shared.fleet_trips
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
    count(distinct vehicle_id) as vehicles,
    sum(case when energy_expected then distance_km else 0 end) as energy_expected_km,
    count(distinct case when energy_known then vehicle_id end) as energy_vehicles,
    sum(case when energy_known then distance_km else 0 end) as energy_known_km,
    sum(case when energy_known then energy_used_kwh else 0 end) as energy_used_kwh,
    count(distinct case when balance_known then vehicle_id end) as balance_vehicles,
    sum(case when balance_known then distance_km else 0 end) as balance_known_km,
    sum(case when balance_known then energy_used_kwh else 0 end) as balance_used_kwh,
    sum(case when balance_known then energy_regenerated_kwh else 0 end) as balance_regenerated_kwh,
    sum(case when fuel_expected then distance_km else 0 end) as fuel_expected_km,
    count(distinct case when fuel_known then vehicle_id end) as fuel_vehicles,
    sum(case when fuel_known then distance_km else 0 end) as fuel_known_km,
    sum(case when fuel_known then fuel_used_l else 0 end) as fuel_used_l,
    count(distinct case when hybrid_known then vehicle_id end) as hybrid_vehicles,
    sum(case when hybrid_known then distance_km else 0 end) as hybrid_known_km,
    sum(case when hybrid_known and fuel_used_l = 0 then distance_km else 0 end) as hybrid_electric_km,
    max(case when energy_known then distance_km else 0 end) as largest_energy_known_km,
    max(case when energy_known then energy_used_kwh else 0 end) as largest_energy_used_kwh,
    max(case when balance_known then distance_km else 0 end) as largest_balance_known_km,
    max(case when balance_known then energy_used_kwh else 0 end) as largest_balance_used_kwh,
    max(case when balance_known then energy_regenerated_kwh else 0 end) as largest_balance_regenerated_kwh,
    max(case when fuel_known then distance_km else 0 end) as largest_fuel_known_km,
    max(case when fuel_known then fuel_used_l else 0 end) as largest_fuel_used_l,
    max(case when hybrid_known then distance_km else 0 end) as largest_hybrid_known_km,
    max(case when hybrid_known and fuel_used_l = 0 then distance_km else 0 end) as largest_hybrid_electric_km
from trips
group by date, market, model, model_year, powertrain, software_version, months_in_service
