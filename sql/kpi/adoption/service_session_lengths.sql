-- Sessions of connected services by the logarithm of their length: a histogram of which quantiles are read. Sessions
-- whose end was not seen have no length. A vehicle counts once a day and service, in the class of its longest session.
with sessions as (
    select
        sessions.date,
        sessions.vehicle_id,
        coalesce(days.market, 'unknown') as market,
        coalesce(days.model, 'unknown') as model,
        coalesce(days.powertrain, 'unknown') as powertrain,
        sessions.service,
        cast(ceil(ln(sessions.duration_s / 60) / ln(1.02)) as bigint) as log_bucket,
        row_number() over (
            partition by sessions.date, sessions.vehicle_id, sessions.service
            order by sessions.duration_s desc, sessions.started_at asc
        ) = 1 as speaks
    from core.service_sessions as sessions
    left join shared.fleet_days as days on sessions.date = days.date and sessions.vehicle_id = days.vehicle_id
    where
        sessions.date between cast($first_day as date) and cast($last_day as date)
        and sessions.end_seen
        and sessions.duration_s > 0
)

select
    date,
    market,
    model,
    powertrain,
    service,
    log_bucket,
    count(case when speaks then 1 end) as vehicles,
    count(*) as timed_sessions
from sessions
group by date, market, model, powertrain, service, log_bucket
