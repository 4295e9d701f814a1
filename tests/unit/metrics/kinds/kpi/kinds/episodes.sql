select date, market, model, 0 as duration_days, 0 as vehicles, 0 as episodes
from core.fault_episodes
where date between $first_day and $last_day
