-- One metric, a row per day and group; by names the dimensions to split by. Filled in by metrics.macros.
-- Only the tables and expressions of the metric asked for are worked out: its name is a constant.
create or replace macro metric(name, "by" := []::varchar[]) as table
with known as (
    select
        case when name in ({known}) then true
            else error('There is no metric ' || name || '. There are: ' || concat_ws(', ', {known}))
        end
        and case when len(list_filter("by", x -> x not in ({dimension_names}))) = 0 then true
            else error('by takes these dimensions: ' || concat_ws(', ', {dimension_names}))
        end
        and case
        {unsplit}
        else true end as fine
)

select * from ({body})
where (select fine from known)
order by date, {dimensions}
