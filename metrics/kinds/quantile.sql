-- {name}: the value below which a share of the cases lies, and the values at the ranks of its interval.
summed as (
    select {group}, key as bucket, sum("{part}") {newest} as cases
    from {rows}
    group by {group}, key
    having sum("{part}") {newest} > 0
),

ranked as (
    select
        *,
        sum(cases) over (partition by {group} order by bucket) as reached,
        sum(cases) over (partition by {group}) as total,
        {quantile} * total - {slack} as wanted,
        {z} * sqrt(total * {quantile} * (1 - {quantile})) as spread,
        case when bucket = {lowest} then 0.0 else 2 * pow({growth}, bucket) / (1 + {growth}) end as middle
    from summed
)

select
    {group},
    'all' as axis,
    0 as position,
    {scale} * min(middle) filter (where reached >= wanted) as value,
    cast(max(total) as double) as denominator,
    {scale} * min(middle) filter (where reached >= wanted - spread and wanted - spread > 0) as low,
    {scale} * min(middle) filter (where reached >= wanted + spread) as high
from ranked
group by {group}
