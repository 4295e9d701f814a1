-- The metrics asked of one KPI table: one row per period and group. Filled in by lake.metrics.evaluation.
-- before_<dimension>: vehicles in all smaller groups beside this one along that dimension, for suppression.
with daily as (
    select date, {period} as period, {dimensions} {part_sums}
    from {table}
    where date between $first_day and $last_day {filters}
    group by all
),

periods as (
    select period, max(date) as as_of, count(distinct date) as days
    from daily
    group by period
),

groups as (
    select
        daily.period, {dimensions} as_of, days,
        max(vehicles) as most_vehicles,
        coalesce(sum(vehicles) filter (where date = as_of), 0) as newest_vehicles,
        {expressions}
    from daily inner join periods on daily.period = periods.period
    group by all
)

select * {before} from groups
order by period {order}
