-- The metrics asked of one KPI table: one row per period and group. Filled in by metrics.evaluation.
-- For suppression, of each part that values rest on: most_<part> on the largest day, newest_<part> on the newest, and
-- before_<size>_<dimension>, that of all smaller groups beside this one along that dimension.
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
        {sizes}
        {expressions}
    from daily inner join periods on daily.period = periods.period
    group by all
)

select * {before} from groups
order by period {order}
