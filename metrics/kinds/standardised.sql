-- {name}: the rate of each stratum of a group, weighed by the stratum's share of the whole slice.
strata as (
    select
        {group},
        key as stratum,
        {numerator} as events,
        {denominator} as exposure,
        max(days) as days
    from {rows}
    group by {group}, key
),

weights as (
    select split, period, stratum, sum(exposure) as weight from strata group by split, period, stratum
),

weighed as (
    select
        strata.*,
        weight / nullif(sum(case when exposure > 0 then weight end) over (partition by {group}), 0) as share,
        weight,
        sum(weight) over (partition by {group}) as covered_weight
    from strata inner join weights using (split, period, stratum)
    where exposure > 0
)

select
    {group},
    'all' as axis,
    0 as position,
    {scale} * sum(share * events / exposure) as value,
    sum(exposure) as denominator,
    sum(share * share * {variance}) as variance,
    max(covered_weight) / max(whole.weight) as covered
from weighed
inner join (select split, period, sum(weight) as weight from weights group by split, period) as whole
    using (split, period)
group by {group}
