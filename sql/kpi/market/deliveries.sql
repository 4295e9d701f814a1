-- Vehicles delivered to customers, by the day of delivery. A vehicle counts on the day that its registry states, where
-- core has a row of it on that day: those that were on the road before the data begin count nowhere.
select
    date,
    market,
    model,
    model_year,
    powertrain,
    count(*) as vehicles,
    count(case when delivered_on = date then 1 end) as deliveries
from shared.fleet_days
where date between cast($first_day as date) and cast($last_day as date) and registered
group by date, market, model, model_year, powertrain
