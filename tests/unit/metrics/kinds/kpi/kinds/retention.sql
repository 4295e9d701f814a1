select date, market, model, 0 as age_weeks, 0 as vehicles, 0 as size, 0 as retained
from core.service_sessions
where date between $first_day and $last_day
