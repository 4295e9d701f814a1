-- {name}: the share of cases still open after so many days (Kaplan-Meier), with the sum of Greenwood's formula.
times as (
    select
        {group},
        case when key < 0 then {as_of} - date else key end as day,
        coalesce(sum("{part}") filter (where key >= 0), 0) as ended,
        sum("{part}") as gone
    from {rows}
    where date <= {as_of}
    group by all
    having sum("{part}") > 0
),

risks as (
    select *, sum(gone) over (partition by {group} order by day desc) as at_risk from times
),

curve as (
    select
        *,
        product(1 - ended / at_risk) over (partition by {group} order by day) as share,
        sum(case when ended < at_risk then ended / (at_risk * cast(at_risk - ended as double)) end)
            over (partition by {group} order by day) as greenwood
    from risks
),

bounded as (
    select
        *,
        case when share >= 1 then 1.0 when share <= 0 then 0.0
            else pow(share, exp({z} * sqrt(greenwood) / -ln(share)))
        end as share_low,
        case when share >= 1 then 1.0 when share <= 0 then 0.0
            else pow(share, exp(-{z} * sqrt(greenwood) / -ln(share)))
        end as share_high
    from curve
)

select
    {group},
    'all' as axis,
    0 as position,
    {scale} * {value} as value,
    cast(max(at_risk) as double) as denominator,
    {scale} * {low} as low,
    {scale} * {high} as high
from bounded
group by {group}
