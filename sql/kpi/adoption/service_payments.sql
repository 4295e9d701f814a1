-- What becomes of trials and of paid time, by day. A trial or a paid period that has ended is asked after 14 days
-- whether payment went on: each day tells of those that ended within the 28 days before these, so that none is
-- asked too early.
with covered as (
    select
        date,
        vehicle_id,
        service,
        subscription,
        valid_until
    from core.subscription_days
    where
        date between cast($first_day as date) - 42 and cast($last_day as date)
        and subscription in ('trial', 'paid')
),

days as (
    select distinct date
    from core.subscription_days
    where date between cast($first_day as date) and cast($last_day as date)
),

paid as (
    select
        date,
        vehicle_id,
        service,
        valid_until
    from covered
    where subscription = 'paid'
),

-- The last day of each trial. On the newest day it may go on: it is asked 14 days later.
trial_ends as (
    select
        now.vehicle_id,
        now.service,
        now.date as ended_on
    from covered as now
    left join covered as following
        on
            now.vehicle_id = following.vehicle_id
            and now.service = following.service
            and now.subscription = following.subscription
            and now.date + 1 = following.date
    where now.subscription = 'trial' and following.vehicle_id is null
),

trials as (
    select
        trial_ends.vehicle_id,
        trial_ends.service,
        trial_ends.ended_on,
        count(distinct case when paid.date is not null then 1 end) as converted
    from trial_ends
    left join paid
        on
            trial_ends.vehicle_id = paid.vehicle_id
            and trial_ends.service = paid.service
            and paid.date between trial_ends.ended_on + 1 and trial_ends.ended_on + 14
    group by trial_ends.vehicle_id, trial_ends.service, trial_ends.ended_on
),

-- A period ends as it is renewed, or else with its last day; it may then still be renewed, late.
period_ends as (
    select
        now.vehicle_id,
        now.service,
        now.date as ended_on,
        coalesce(now.valid_until > before.valid_until, false) as renewed
    from paid as now
    left join paid as before
        on now.vehicle_id = before.vehicle_id and now.service = before.service and now.date - 1 = before.date
    where now.valid_until = now.date or now.valid_until > before.valid_until
),

periods as (
    select
        period_ends.vehicle_id,
        period_ends.service,
        period_ends.ended_on,
        count(distinct case when period_ends.renewed or paid.date is not null then 1 end) as renewed
    from period_ends
    left join paid
        on
            period_ends.vehicle_id = paid.vehicle_id
            and period_ends.service = paid.service
            and paid.date between period_ends.ended_on + 1 and period_ends.ended_on + 14
    group by period_ends.vehicle_id, period_ends.service, period_ends.ended_on
),

earlier as (
    select
        days.date,
        paid.vehicle_id,
        paid.service
    from days
    inner join paid on days.date - 28 = paid.date
),

ended_trials as (
    select
        days.date,
        trials.vehicle_id,
        trials.service,
        count(*) as ended,
        sum(trials.converted) as converted
    from days
    inner join trials on trials.ended_on between days.date - 41 and days.date - 14
    group by days.date, trials.vehicle_id, trials.service
),

ended_periods as (
    select
        days.date,
        periods.vehicle_id,
        periods.service,
        count(*) as ended,
        sum(periods.renewed) as renewed
    from days
    inner join periods on periods.ended_on between days.date - 41 and days.date - 14
    group by days.date, periods.vehicle_id, periods.service
),

subscriptions as (
    select
        date,
        vehicle_id,
        service
    from covered
    where date between cast($first_day as date) and cast($last_day as date)
    union
    select
        date,
        vehicle_id,
        service
    from earlier
    union
    select
        date,
        vehicle_id,
        service
    from ended_trials
    union
    select
        date,
        vehicle_id,
        service
    from ended_periods
),

told as (
    select
        subscriptions.date,
        subscriptions.vehicle_id,
        subscriptions.service,
        now.subscription,
        earlier.vehicle_id is not null as paid_before,
        ended_trials.ended as ended_trials,
        ended_trials.converted as converted_trials,
        ended_periods.ended as ended_periods,
        ended_periods.renewed as renewed_periods
    from subscriptions
    left join covered as now
        on
            subscriptions.date = now.date
            and subscriptions.vehicle_id = now.vehicle_id
            and subscriptions.service = now.service
    left join earlier
        on
            subscriptions.date = earlier.date
            and subscriptions.vehicle_id = earlier.vehicle_id
            and subscriptions.service = earlier.service
    left join ended_trials
        on
            subscriptions.date = ended_trials.date
            and subscriptions.vehicle_id = ended_trials.vehicle_id
            and subscriptions.service = ended_trials.service
    left join ended_periods
        on
            subscriptions.date = ended_periods.date
            and subscriptions.vehicle_id = ended_periods.vehicle_id
            and subscriptions.service = ended_periods.service
),

placed as (
    select
        told.*,
        coalesce(fleet.market, 'unknown') as market,
        coalesce(fleet.model, 'unknown') as model,
        coalesce(fleet.model_year, 'unknown') as model_year,
        coalesce(fleet.powertrain, 'unknown') as powertrain
    from told
    left join shared.fleet_days as fleet on told.date = fleet.date and told.vehicle_id = fleet.vehicle_id
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    service,
    count(*) as vehicles,
    count(case when subscription = 'trial' then 1 end) as trial_vehicles,
    count(case when subscription = 'paid' then 1 end) as paid_vehicles,
    count(case when paid_before then 1 end) as paid_before_vehicles,
    count(case when paid_before and coalesce(subscription, 'none') <> 'paid' then 1 end) as lost_vehicles,
    cast(sum(coalesce(ended_trials, 0)) as bigint) as ended_trials,
    cast(sum(coalesce(converted_trials, 0)) as bigint) as converted_trials,
    cast(sum(coalesce(ended_periods, 0)) as bigint) as ended_periods,
    cast(sum(coalesce(renewed_periods, 0)) as bigint) as renewed_periods,
    count(ended_trials) as trial_end_vehicles,
    count(ended_periods) as period_end_vehicles
from placed
group by date, market, model, model_year, powertrain, service
