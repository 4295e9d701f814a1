-- Markets from the highest connected rate to the lowest on the newest day, each with the places that it may have. All
-- places hold together at 95 %. A market is surely above another where the lower limit of their difference, from the
-- arms of Wilson's intervals widened for all comparisons (Bonferroni), is above 0; docs/metrics.md has the sources. The
-- normal quantile is formula 26.2.23 of Abramowitz and Stegun, which is off by at most 0.00045.
with newest as (
    select
        market,
        value / 100 as share,
        denominator as trials
    from metric('connected_rate', by := ['market'])
    where not suppressed and denominator > 0
    qualify date = max(date) over ()
),

level as (
    select
        count(*) as markets,
        sqrt(-2 * ln(0.025 / greatest(1, count(*) * (count(*) - 1) / 2))) as t
    from newest
),

widened as (
    select
        markets,
        (
            t - (2.515517 + 0.802853 * t + 0.010328 * t * t)
            / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t)
        ) / 1.959964 as factor
    from level
),

arms as (
    select
        *,
        (share + 1.920729 / trials) / (1 + 3.841459 / trials) as middle,
        1.959964 * sqrt(share * (1 - share) / trials + 0.960365 / (trials * trials)) / (1 + 3.841459 / trials) as half
    from newest
),

pairs as (
    select
        one.market,
        count(case when other.share > one.share then 1 end) as above,
        count(case
            when other.share - one.share > widened.factor * sqrt(
                pow(other.share - (other.middle - other.half), 2) + pow(one.middle + one.half - one.share, 2)
            ) then 1
        end) as surely_above,
        count(case
            when one.share - other.share > widened.factor * sqrt(
                pow(one.share - (one.middle - one.half), 2) + pow(other.middle + other.half - other.share, 2)
            ) then 1
        end) as surely_below,
        any_value(widened.markets) as markets
    from arms as one
    cross join arms as other
    cross join widened
    group by one.market
)

select
    pairs.market,
    100 * newest.share as connected_pct,
    1 + pairs.above as place,
    1 + pairs.surely_above as highest,
    pairs.markets - pairs.surely_below as lowest
from pairs
inner join newest on pairs.market = newest.market
order by place, pairs.market
