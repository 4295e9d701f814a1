-- The body of metric(name, by := []): one metric, a row per day and group. Filled in by lake.metrics.macros.
-- Only the branch of the metric asked for is executed: its condition compares two constants.
with known as (
    select
        case when name in ({known}) then true
            else error('There is no metric ' || name || '. There are: ' || concat_ws(', ', {known}))
        end
        and case when len(list_filter("by", x -> x not in ({dimension_names}))) = 0 then true
            else error('by takes these dimensions: ' || concat_ws(', ', {dimension_names}))
        end as fine
),

cells as (
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
where (select fine from known)
order by date, {dimensions}
