-- Every record of a landed file became a raw row or a reject, and the rejects of its batch are there.
with landed as (
    select
        source,
        batch,
        sum(records) as records,
        sum(landed) as landed,
        sum(rejected) as rejected
    from ops.batches
    where status = 'landed'
    group by source, batch
),

rejects as (
    select
        source,
        batch,
        count(*) as kept
    from ops.rejects
    group by source, batch
)

select
    landed.source,
    landed.batch,
    landed.records,
    landed.landed,
    landed.rejected,
    coalesce(rejects.kept, 0) as rejects_kept
from landed
left join rejects on landed.source = rejects.source and landed.batch = rejects.batch
where
    landed.records <> landed.landed + landed.rejected
    or landed.rejected <> coalesce(rejects.kept, 0)
