-- Disengagements and requests to take over by day, level, who disengaged and why, and the logarithm of the time from a
-- request to the disengagement.
with segments as (
    select
        date,
        market,
        model,
        powertrain,
        cast(engaged_level as varchar) as engaged_level,
        coalesce(ended_by, 'unknown') as initiator,
        coalesce(reason, 'unknown') as reason,
        speaks,
        disengaged,
        takeover_requests,
        disengaged and takeover_s is not null as timed,
        case
            when takeover_s is null or not disengaged then 0
            when takeover_s > 0 then cast(ceil(ln(takeover_s) / ln(1.02)) as bigint)
            else -32768
        end as log_bucket
    from shared.fleet_segments
    where date between cast($first_day as date) and cast($last_day as date)
)

select
    date,
    market,
    model,
    powertrain,
    engaged_level,
    initiator,
    reason,
    log_bucket,
    count(case when speaks then 1 end) as vehicles,
    count(case when disengaged then 1 end) as disengagements,
    cast(sum(takeover_requests) as bigint) as takeover_requests,
    count(case when timed then 1 end) as timed_takeovers
from segments
group by date, market, model, powertrain, engaged_level, initiator, reason, log_bucket
