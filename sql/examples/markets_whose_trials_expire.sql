-- Markets in which fewer trials are followed by payment than in the rest of the fleet, beyond chance.
-- The difference of two shares, by its standard error if both were the same (Fleiss, Statistical Methods for Rates and
-- Proportions, section 2.4). 3.3 standard errors are met by chance once in 2,000 markets.
with newest as (
    select max(date) as date
    from kpi.service_payments
),

markets as (
    select
        payments.market,
        sum(payments.ended_trials) as ended,
        sum(payments.converted_trials) as paid
    from kpi.service_payments as payments
    inner join newest on payments.date = newest.date
    group by payments.market
),

compared as (
    select
        *,
        sum(ended) over () - ended as other_ended,
        sum(paid) over () - paid as other_paid,
        sum(paid) over () / sum(ended) over () as share
    from markets
),

differences as (
    select
        *,
        paid / ended - other_paid / other_ended as difference,
        sqrt(share * (1 - share) * (1 / ended + 1 / other_ended)) as standard_error
    from compared
    where ended >= 10 and other_ended > 0 and share > 0 and share < 1
)

select
    market,
    ended as trials_ended,
    100 * paid / ended as conversion_pct,
    100 * other_paid / other_ended as elsewhere_pct,
    difference / standard_error as standard_errors,
    difference < -3.3 * standard_error as trials_expire
from differences
order by standard_errors
