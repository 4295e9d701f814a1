-- A campaign has one row for a vehicle, whatever the days on which its steps were taken.
with twice as (
    select
        vehicle_id,
        campaign_id
    from core.software_installs
    group by vehicle_id, campaign_id
    having count(*) > 1
)

select
    installs.date,
    installs.vehicle_id,
    installs.campaign_id,
    installs.first_step_at
from core.software_installs as installs
inner join twice on installs.vehicle_id = twice.vehicle_id and installs.campaign_id = twice.campaign_id
where installs.date between cast($first_day as date) and cast($last_day as date)
