select date, market, model, 0 as log_bucket, 0 as vehicles, 0 as cases
from core.command_outcomes
where date between $first_day and $last_day
