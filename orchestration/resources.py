"""The one resource: the lake with its settings, which a test swaps for a temporary one."""

from dagster import ConfigurableResource
from pydantic import Field

from lake.settings import Settings, get_settings
from lake.storage import Lake


class LakeResource(ConfigurableResource["LakeResource"]):
    """The lake that SILLAGE_LAKE names, or another."""

    overrides: dict[str, str] = Field(
        default={}, description="Settings that win over the environment, by name: {'lake': '/data/lake'}."
    )

    def settings(self) -> Settings:
        """All settings."""
        return get_settings(**self.overrides)

    def open(self) -> Lake:
        """The lake, made if it is not there yet."""
        return Lake.open(self.settings())
