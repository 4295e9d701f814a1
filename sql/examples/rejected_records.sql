-- Why records were refused, by feed.
select
    source,
    reason,
    count(*) as records,
    min(date) as first_day,
    max(date) as last_day,
    any_value(file) as one_of_the_files
from ops.rejects
group by source, reason
order by records desc
