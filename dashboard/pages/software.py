"""Software: which versions the fleet runs, how campaigns roll out, and what a version does to faults."""

from dashboard.cards.by_class import ByClass
from dashboard.cards.by_day import DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row

TILES = ("up_to_date_share", "rollout_share", "install_failure_share", "targeted_vehicles")
FAULTS = ("faults_before_version", "faults_after_version", "version_fault_ratio")

PAGE = Page(
    "software",
    "Software",
    (
        Tiles(*TILES),
        Row(
            ByClass("version_vehicles", "software_version", "Versions in the fleet"),
            ByClass("fault_rate_by_distance", "software_version", "Faults by software, per distance on it"),
        ),
        Row(
            ByGroup("rollout_installs", "rollout_share", by="campaign_id", name="campaigns", title="Campaigns"),
            ByClass("rollout_curve", "campaign_day", "Installed, by day of the campaign"),
        ),
        Row(
            ByGroup(*FAULTS, by="to_version", name="versions", title="Faults before and after a version"),
            DaysOf("current", "Up to date", ("up_to_date_share",), "share of vehicles on their model's newest version"),
        ),
    ),
)
