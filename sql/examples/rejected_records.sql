-- Why records were refused, by feed and without what was found in them, and how many of 100 records of the feed.
with landed as (
    select
        source,
        sum(records) as records
    from ops.batches
    where status = 'landed'
    group by source
),

refused as (
    select
        source,
        split_part(reason, ': found', 1) as reason,
        count(*) as records,
        min(date) as first_day,
        max(date) as last_day,
        any_value(file) as one_of_the_files
    from ops.rejects
    group by source, split_part(reason, ': found', 1)
)

select
    refused.source,
    refused.reason,
    refused.records,
    100.0 * refused.records / landed.records as of_100_records,
    refused.first_day,
    refused.last_day,
    refused.one_of_the_files
from refused
left join landed on refused.source = landed.source
order by refused.records desc
