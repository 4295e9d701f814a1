-- Software versions after which the same vehicles have more faults per kilometre, or fewer, than before them, with the
-- rate ratio and its 95 % interval, of the last 90 days. A version whose interval lies above 1 brings faults.
-- The logarithm of a ratio of two Poisson rates is near normal with the variance 1/a + 1/b of its counts a and b
-- (Rothman and Greenland, Modern Epidemiology); half an event on either side keeps a version without any in the list.
with newest as (
    select max(date) as date
    from kpi.version_faults
),

sums as (
    select
        faults.to_version,
        sum(faults.after_km) as after_km,
        sum(faults.before_km) as before_km,
        sum(faults.after_episodes) as after_faults,
        sum(faults.before_episodes) as before_faults
    from kpi.version_faults as faults
    cross join newest
    where faults.date > newest.date - 90
    group by faults.to_version
    having sum(faults.after_km) > 0 and sum(faults.before_km) > 0
),

ratios as (
    select
        *,
        ln((after_faults + 0.5) / after_km) - ln((before_faults + 0.5) / before_km) as log_ratio,
        sqrt(1 / (after_faults + 0.5) + 1 / (before_faults + 0.5)) as standard_error
    from sums
)

select
    to_version,
    after_faults,
    before_faults,
    1e6 * after_faults / after_km as after_per_million_km,
    1e6 * before_faults / before_km as before_per_million_km,
    exp(log_ratio) as rate_ratio,
    exp(log_ratio - 1.96 * standard_error) as low,
    exp(log_ratio + 1.96 * standard_error) as high,
    log_ratio > 1.96 * standard_error as brings_faults
from ratios
order by rate_ratio desc
