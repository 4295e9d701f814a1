-- Cells of metrics, judged for suppression: a row per metric, day and group. Filled in by metrics.macros.
-- before_<size>_<dimension>: vehicles, or those the value rests on, in all smaller groups beside this one.
with cells as (
    {cells}
),

siblings as (
    select *, {before} from cells
),

judged as (
    select *, vehicles < smallest_group or {disclosing} as suppressed from siblings
)

select
    metric, date, {dimensions},
    case when not suppressed and is_ratio then scale * numerator / nullif(denominator, 0)
        when not suppressed then scale * numerator
    end as value,
    case when not suppressed then numerator end as numerator,
    case when not suppressed then denominator end as denominator,
    case when not suppressed then vehicles end as vehicles,
    suppressed
from judged
