-- Charge that parked vehicles lose while they do not charge.
-- A day's loss can be below 0, by rounding and warmth; losses and gains are parts of their own, and their sum is right.
select
    date,
    market,
    model,
    model_year,
    powertrain,
    software_version,
    months_in_service,
    count(*) as vehicles,
    count(case when standby_h > 0 then 1 end) as standby_vehicles,
    sum(standby_h) as standby_h,
    sum(greatest(standby_loss_pct, 0)) as standby_lost_pct,
    sum(greatest(-standby_loss_pct, 0)) as standby_gained_pct
from shared.fleet_days
where date between cast($first_day as date) and cast($last_day as date)
group by date, market, model, model_year, powertrain, software_version, months_in_service
