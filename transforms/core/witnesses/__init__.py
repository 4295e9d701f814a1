"""Whom core believes: of each quantity the witnesses, which of them is not believed, and why.

One small module for each quantity, all of one shape: arrays of what the witnesses say in, what is believed and what is
doubted out. Nothing here knows of days, of storage or of how a table is made; ``docs/core.md`` has the rules.
"""
