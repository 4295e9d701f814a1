-- Remote commands by day, command and channel: how they ended, and the logarithm of how long that took.
-- A vehicle counts once a day, with the command that speaks for it: on one day its first, on the next its second, and
-- round again. So vehicles add up over commands and channels.
with fleet as (
    select
        date,
        vehicle_id,
        market,
        powertrain
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

commands as (
    select
        date,
        vehicle_id,
        command,
        coalesce(channel, 'unknown') as channel,
        outcome,
        latency_s,
        row_number() over (partition by date, vehicle_id order by issued_at, command_id)
        = 1 + mod(
            date_diff('day', date '1900-01-01', date),
            count(*) over (partition by date, vehicle_id)
        ) as speaks
    from core.command_outcomes
    where date between cast($first_day as date) and cast($last_day as date)
),

-- How long a command took that succeeded, in classes; of the others nothing.
classed as (
    select
        commands.date,
        coalesce(fleet.market, 'unknown') as market,
        coalesce(fleet.powertrain, 'unknown') as powertrain,
        commands.command,
        commands.channel,
        commands.outcome,
        commands.speaks,
        commands.outcome = 'succeeded' and commands.latency_s is not null as timed,
        case
            when commands.outcome <> 'succeeded' or commands.latency_s is null then 0
            when commands.latency_s > 0 then cast(ceil(ln(commands.latency_s) / ln(1.02)) as bigint)
            else -32768
        end as log_bucket
    from commands
    left join fleet on commands.date = fleet.date and commands.vehicle_id = fleet.vehicle_id
)

select
    date,
    market,
    powertrain,
    command,
    channel,
    log_bucket,
    count(case when speaks then 1 end) as vehicles,
    count(*) as commands,
    count(case when outcome = 'succeeded' then 1 end) as succeeded_commands,
    count(case when outcome = 'failed' then 1 end) as failed_commands,
    count(case when outcome = 'expired' then 1 end) as expired_commands,
    count(case when outcome = 'unanswered' then 1 end) as unanswered_commands,
    count(case when timed then 1 end) as timed_commands
from classed
group by date, market, powertrain, command, channel, log_bucket
