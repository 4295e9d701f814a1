-- Messages of the fleet by day: how many came, how many did not, and what was wrong with them; and vehicles that have
-- not been heard from for a while.
-- Lags are below 0 where a vehicle's clock is ahead: delays and leads are parts of their own, and their sum is right.
with heard as (
    select
        date,
        vehicle_id,
        max(case when reported then date end) over (
            partition by vehicle_id order by date range between interval 27 day preceding and current row
        ) as heard_on
    from core.vehicle_days
    where date between cast($first_day as date) - 27 and cast($last_day as date)
),

fleet as (
    select
        days.*,
        days.registered and coalesce(days.telematics_unit, false) as expected,
        heard.heard_on
    from shared.fleet_days as days
    left join heard on days.date = heard.date and days.vehicle_id = heard.vehicle_id
    where days.date between cast($first_day as date) and cast($last_day as date)
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    software_version,
    months_in_service,
    count(*) as vehicles,
    count(case when reported then 1 end) as reporting_vehicles,
    count(case when expected then 1 end) as unit_vehicles,
    count(case when expected and coalesce(heard_on <= date - 7, true) then 1 end) as silent_7d_vehicles,
    count(case when expected and heard_on is null then 1 end) as silent_28d_vehicles,
    count(case when messages_expected > messages then 1 end) as incomplete_vehicles,
    cast(sum(messages) as bigint) as messages,
    cast(sum(messages_expected) as bigint) as messages_expected,
    cast(sum(duplicates) as bigint) as duplicates,
    cast(sum(messages_late) as bigint) as messages_late,
    cast(sum(implausible) as bigint) as implausible_values,
    sum(greatest(lag_sum_s, 0)) as delay_s,
    sum(greatest(-lag_sum_s, 0)) as lead_s,
    cast(max(messages) as bigint) as largest_messages,
    cast(max(messages_expected) as bigint) as largest_messages_expected,
    cast(max(duplicates) as bigint) as largest_duplicates,
    cast(max(messages_late) as bigint) as largest_messages_late,
    cast(max(implausible) as bigint) as largest_implausible_values,
    max(greatest(lag_sum_s, 0)) as largest_delay_s,
    max(greatest(-lag_sum_s, 0)) as largest_lead_s
from fleet
group by date, market, model, model_year, powertrain, software_version, months_in_service
