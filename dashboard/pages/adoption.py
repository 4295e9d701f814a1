"""Adoption: which services are had, set up, used and paid for, how far vehicles get with them, and who stays."""

from dashboard.cards.by_day import ByDay, DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.funnel import Funnel
from dashboard.cards.matrix import Matrix
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.view.texts import Text

TILES = (
    "adoption", "retained_adoption", "service_active_share_28d", "trial_conversion", "renewal_rate", "service_churn",
)  # fmt: skip
SIDE_BY_SIDE = ("take_rate", "consented_share", "activated_share", "adoption", "service_active_share_28d")
USERS = ("returning_service_users", "resurrected_service_users", "new_service_users", "dormant_service_users")
PAYMENTS = ("trial_subscriptions", "paid_subscriptions", "trial_conversion", "renewal_rate")
BY = ("eligible_services", "adoption", "retained_adoption", "service_active_share_28d")
_GROWN_UP = 91  # days: the longest window since a delivery is 90

PAGE = Page(
    "adoption",
    Text.ADOPTION,
    (
        Tiles(*TILES),
        Row(
            ByGroup(*SIDE_BY_SIDE, by="service", title=Text.SERVICES_SIDE_BY_SIDE),
            DaysOf("lifecycle", Text.WHO_USES_THEM, USERS, Text.ONCE_PER_SERVICE, stacked=True),
            Funnel("service_funnel", back=_GROWN_UP),
            Funnel("payment_funnel", back=_GROWN_UP),
            Matrix("service_retention", "service", Text.RETENTION_BY_SERVICE, back=_GROWN_UP),
            Matrix("service_retention", "week", Text.RETENTION_BY_WEEK, back=_GROWN_UP),
        ),
        Row(*(ByDay(metric) for metric in PAYMENTS), columns=4),
        Row(ByGroup(*BY, by="market", trend="adoption"), ByGroup(*BY, by="model", trend="adoption")),
    ),
)  # fmt: skip
