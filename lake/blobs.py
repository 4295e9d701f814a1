"""Azure's blobs as a file system of fsspec that takes every name as it is."""

from __future__ import annotations

from typing import Any

import adlfs

from lake.places import AZURE


class Blobs(adlfs.AzureBlobFileSystem):  # type: ignore[misc]
    """As adlfs has it, but for names: that splits them as URLs, so that ``:``, ``[``, ``?`` or ``#`` come out wrong."""

    @classmethod
    def _strip_protocol(cls, path: str | list[str]) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        return path.removeprefix(AZURE).lstrip("/")
