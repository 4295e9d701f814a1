"""The jobs made of assets: land, build and publish. The nightly job is in ``nightly``."""

from collections.abc import Sequence

from dagster import AssetCheckKey, AssetSelection, define_asset_job

from orchestration.asset_checks import check_key
from orchestration.assets import RAW, SNAPSHOT
from orchestration.checks import data_checks, publication_checks
from orchestration.descriptions import asset_key
from orchestration.recipes import recipes


def contract_keys(tables: Sequence[str]) -> list[AssetCheckKey]:
    """The checks that follow from the contracts of these tables."""
    return [check_key(check) for check in data_checks() if check.generated and check.table in tables]


def _with_contracts(tables: Sequence[str]) -> AssetSelection:
    """Tables and the checks of their contracts, without the rules that compare tables."""
    assets = AssetSelection.assets(*map(asset_key, tables)).without_checks()
    return assets | AssetSelection.checks(*contract_keys(tables))


LAND = define_asset_job(
    "land",
    _with_contracts(RAW),
    description="Files that wait in the inboxes of the feeds become raw rows and rejects, each exactly once.",
)

BUILD = define_asset_job(
    "build",
    _with_contracts([recipe.table for recipe in recipes()]),
    description="Computes days of the core and KPI tables. Launched by hand it computes the days you choose, changed "
    "or not: this is the repair of a day.",
)

PUBLISH = define_asset_job(
    "publish",
    AssetSelection.assets(SNAPSHOT) | AssetSelection.checks(*map(check_key, publication_checks())),
    description="Checks the days computed since the last publication, and publishes the KPIs if all of them hold.",
)
