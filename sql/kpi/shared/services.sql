-- Every connected service that there is.
with names (service) as (
    values
    ('automated_driving'),
    ('charging'),
    ('media'),
    ('navigation'),
    ('predictive_maintenance'),
    ('productivity'),
    ('remote_control'),
    ('remote_diagnostics'),
    ('social'),
    ('vehicle_finder')
)

select service
from names
