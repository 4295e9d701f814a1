"""When things run: landing, building and publishing, and the Dagster definitions around them.

``landing``, ``building`` and ``publishing`` are plain functions that know nothing of Dagster; the command line calls
the same ones as the assets do.
"""
