-- {name}: of each step the cohort days that are old enough for it: who reached it, of the first and of the step before.
steps as (
    select * from (values {steps}) as steps (position, step, before, within_days)
),

reached as (
    select
        {row_group},
        steps.position,
        steps.step,
        sum("{part}") filter (where key = steps.step and {mature}) as numerator,
        sum("{part}") filter (where key = '{first}' and {mature}) as denominator,
        sum("{part}") filter (where key = steps.before and {mature}) as before_denominator,
        count(distinct date) filter (where not {mature} and "{part}" > 0) as immature
    from {rows} as cohorts cross join steps
    group by all
),

told as (
    select {group}, step as axis, * exclude ({group}, step) from reached
    union all by name
    select {group}, 'all' as axis, * exclude ({group}, step) from reached where position = {last}
)

select
    {group},
    axis,
    position,
    {scale} * coalesce(numerator, 0) / nullif(denominator, 0) as value,
    case when denominator is not null then coalesce(numerator, 0) end as numerator,
    denominator,
    before_denominator,
    immature
from told
