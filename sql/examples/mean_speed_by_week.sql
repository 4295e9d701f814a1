-- Mean speed by week and powertrain: sum the parts, then divide. Never average a ratio.
select
    powertrain,
    cast(date_trunc('week', date) as date) as week,
    sum(distance_km) / nullif(sum(driving_s) / 3600, 0) as mean_speed_kmh,
    sum(trips) as trips
from kpi.driving
group by powertrain, cast(date_trunc('week', date) as date)
order by week, powertrain
