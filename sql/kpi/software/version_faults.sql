-- Faults and kilometres of the same vehicles after a new version and before it, for 28 days: the nth day after the one
-- of the installation is set against the nth before it. So both sides have as many days of the same vehicles, from the
-- first day on, and no later day changes what is said of this one. The day of the installation itself is left out, as
-- it is of both versions. Where the next version comes within the 28 days, the days after belong to the next.
with installs as (
    select
        vehicle_id,
        campaign_id,
        coalesce(to_version, 'unknown') as to_version,
        cast(finished_at as date) as installed_on
    from core.software_installs
    where
        outcome = 'installed'
        and cast(finished_at as date) between cast($first_day as date) - 28 and cast($last_day as date)
),

spans as (
    select
        vehicle_id,
        campaign_id,
        to_version,
        installed_on,
        lead(installed_on) over (partition by vehicle_id order by installed_on, campaign_id) as next_on
    from installs
),

updated as (
    select distinct vehicle_id
    from installs
),

all_days as (
    select
        days.date,
        days.vehicle_id,
        days.market,
        days.model,
        days.powertrain,
        days.distance_km
    from shared.fleet_days as days
    inner join updated on days.vehicle_id = updated.vehicle_id
    where days.date between cast($first_day as date) - 56 and cast($last_day as date)
),

episodes as (
    select
        date,
        vehicle_id,
        count(*) as episodes
    from core.fault_episodes
    where date between cast($first_day as date) - 56 and cast($last_day as date)
    group by date, vehicle_id
),

pairs as (
    select
        days.date,
        spans.vehicle_id,
        spans.campaign_id,
        spans.to_version,
        days.market,
        days.model,
        days.powertrain,
        days.distance_km,
        spans.installed_on - cast(date_diff('day', spans.installed_on, days.date) as int) as date_before
    from spans
    inner join all_days as days
        on
            spans.vehicle_id = days.vehicle_id
            and days.date between spans.installed_on + 1 and spans.installed_on + 28
    where
        days.date >= cast($first_day as date)
        and (spans.next_on is null or days.date < spans.next_on)
)

select
    pairs.date,
    pairs.market,
    pairs.model,
    pairs.powertrain,
    pairs.campaign_id,
    pairs.to_version,
    count(*) as vehicles,
    sum(pairs.distance_km) as after_km,
    sum(earlier.distance_km) as before_km,
    cast(sum(coalesce(now.episodes, 0)) as bigint) as after_episodes,
    cast(sum(coalesce(once.episodes, 0)) as bigint) as before_episodes
from pairs
inner join all_days as earlier
    on pairs.vehicle_id = earlier.vehicle_id and pairs.date_before = earlier.date
left join episodes as now on pairs.vehicle_id = now.vehicle_id and pairs.date = now.date
left join episodes as once on pairs.vehicle_id = once.vehicle_id and pairs.date_before = once.date
group by pairs.date, pairs.market, pairs.model, pairs.powertrain, pairs.campaign_id, pairs.to_version
