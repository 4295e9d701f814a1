-- {name}: of each age the cohort days of which every vehicle has that age behind it: who was retained, of how many.
-- A period that is asked for by itself is one cohort: its cell is empty until the newest of its days is old enough.
sizes as (
    select {group}, unit, newest, date, sum("{size}") as size
    from {rows}
    group by all
    having sum("{size}") > 0
),

kept as (
    select {group}, date, key as age, sum("{retained}") as retained
    from {rows}
    group by all
),

ages as (
    select distinct key as age from {rows} where key >= 0
    union
    select {at_age} as age
),

counted as (
    select
        {row_group},
        ages.age,
        cast(sum(coalesce(kept.retained, 0)) filter (where {mature}) as double) as numerator,
        cast(sum(cohorts.size) filter (where {mature}) as double) as denominator,
        count(*) filter (where not {mature}) as immature
    from sizes as cohorts
    cross join ages
    left join kept on {same_group} and cohorts.date = kept.date and ages.age = kept.age
    group by all
),

told as (
    select {group}, cast(age as varchar) as axis, age as position, numerator, denominator, immature from counted
    union all
    select {group}, 'all' as axis, 0 as position, numerator, denominator, immature from counted where age = {at_age}
)

select
    {group}, axis, position, {scale} * numerator / nullif(denominator, 0) as value, numerator, denominator, immature
from told
