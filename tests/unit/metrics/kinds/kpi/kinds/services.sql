select date, market, model, 'media' as service, 0 as vehicles, 0 as using
from core.service_sessions
where date between $first_day and $last_day
