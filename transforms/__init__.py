"""What the data means: pure functions, frames in, frames out. No Dagster, no storage, no clock."""
