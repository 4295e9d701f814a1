select date, market, model, 0 as vehicles, 0 as heard, 0 as events, 0.0 as distance_km, 0.0 as distance_km2, 0 as trips
from core.vehicle_days
where date between $first_day and $last_day
