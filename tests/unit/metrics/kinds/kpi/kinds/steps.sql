select date, market, model, 'delivered' as step, 0 as vehicles, 0 as reached
from core.service_sessions
where date between $first_day and $last_day
