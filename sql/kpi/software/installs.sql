-- Campaigns on vehicles, by the day on which the vehicle was targeted: attempts, failures, and days until it had
-- installed; -1 while it has not.
with installs as (
    select
        date,
        vehicle_id,
        campaign_id,
        coalesce(to_version, 'unknown') as to_version,
        attempts,
        failures,
        case
            when outcome = 'installed' then greatest(0, epoch(finished_at) - epoch(first_step_at))
        end as duration_s,
        row_number() over (partition by date, vehicle_id order by campaign_id) = 1 as speaks
    from core.software_installs
    where date between cast($first_day as date) and cast($last_day as date)
),

fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        model_year,
        powertrain
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
)

select
    installs.date,
    coalesce(fleet.market, 'unknown') as market,
    coalesce(fleet.model, 'unknown') as model,
    coalesce(fleet.model_year, 'unknown') as model_year,
    coalesce(fleet.powertrain, 'unknown') as powertrain,
    installs.campaign_id,
    installs.to_version,
    cast(coalesce(floor(installs.duration_s / 86400), -1) as bigint) as duration_days,
    count(case when installs.speaks then 1 end) as vehicles,
    count(*) as targeted_vehicles,
    cast(sum(installs.attempts) as bigint) as attempts,
    cast(sum(installs.failures) as bigint) as failures
from installs
left join fleet on installs.date = fleet.date and installs.vehicle_id = fleet.vehicle_id
group by
    installs.date,
    fleet.market,
    fleet.model,
    fleet.model_year,
    fleet.powertrain,
    installs.campaign_id,
    installs.to_version,
    cast(coalesce(floor(installs.duration_s / 86400), -1) as bigint)
