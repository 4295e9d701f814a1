"""Software: which versions the fleet runs, how campaigns roll out, and what a version does to faults."""

from dashboard.cards.by_class import ByClass
from dashboard.cards.by_day import DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.view.texts import Text

TILES = ("up_to_date_share", "rollout_share", "install_failure_share", "targeted_vehicles")
FAULTS = ("faults_before_version", "faults_after_version", "version_fault_ratio")

PAGE = Page(
    "software",
    Text.SOFTWARE,
    (
        Tiles(*TILES),
        Row(
            ByClass("version_vehicles", "software_version", Text.VERSIONS_IN_FLEET),
            ByClass("fault_rate_by_distance", "software_version", Text.FAULTS_BY_SOFTWARE),
        ),
        Row(
            ByGroup("rollout_installs", "rollout_share", by="campaign_id", name="campaigns", title=Text.CAMPAIGNS),
            ByClass("rollout_curve", "campaign_day", Text.INSTALLED_BY_DAY),
        ),
        Row(
            ByGroup(*FAULTS, by="to_version", name="versions", title=Text.BEFORE_AND_AFTER),
            DaysOf("current", Text.UP_TO_DATE, ("up_to_date_share",), Text.ON_NEWEST_VERSION),
        ),
    ),
)
