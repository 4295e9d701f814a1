-- Times a cable was connected, by the day on which it was: for how long, how long of it the vehicle charged, and
-- whether at all.
with cables as (
    select
        cables.date,
        cables.vehicle_id,
        coalesce(days.market, 'unknown') as market,
        coalesce(days.model, 'unknown') as model,
        coalesce(days.model_year, 'unknown') as model_year,
        coalesce(days.powertrain, 'unknown') as powertrain,
        coalesce(days.software_version, 'unknown') as software_version,
        coalesce(days.months_in_service, 'unknown') as months_in_service,
        cables.sessions,
        -- Signals tell of a cable only where the vehicle charged, and a cable that is not pulled may still charge.
        cables.told and cables.unplugged_at is not null as outcome_known,
        cables.unplugged_at is not null and cables.charging_s is not null as times_known,
        (epoch(cables.unplugged_at) - epoch(cables.plugged_at)) / 3600 as plugged_h,
        cables.charging_s / 3600 as charging_h
    from core.plug_ins as cables
    left join shared.fleet_days as days on cables.date = days.date and cables.vehicle_id = days.vehicle_id
    where cables.date between cast($first_day as date) and cast($last_day as date)
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
    count(*) as plug_ins,
    count(distinct case when outcome_known then vehicle_id end) as outcome_vehicles,
    count(case when outcome_known then 1 end) as outcome_plug_ins,
    count(case when outcome_known and sessions = 0 then 1 end) as uncharged_plug_ins,
    count(distinct case when times_known then vehicle_id end) as timed_vehicles,
    count(case when times_known then 1 end) as timed_plug_ins,
    sum(case when times_known then plugged_h else 0 end) as plugged_h,
    sum(case when times_known then greatest(plugged_h - charging_h, 0) else 0 end) as idle_h,
    max(case when times_known then plugged_h else 0 end) as largest_plugged_h,
    max(case when times_known then greatest(plugged_h - charging_h, 0) else 0 end) as largest_idle_h
from cables
group by date, market, model, model_year, powertrain, software_version, months_in_service
