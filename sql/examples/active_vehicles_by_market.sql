-- Weekly active vehicles by market, day by day, as the dashboard shows them: small groups are withheld.
select
    date,
    market,
    value as weekly_active_vehicles,
    vehicles as fleet,
    suppressed
from metric('weekly_active_vehicles', by := ['market'])
order by date, market
