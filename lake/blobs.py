"""Azure's blobs as a file system of fsspec that takes every name as it is, with the project's own patience."""

from __future__ import annotations

from typing import Any

import adlfs
from azure.storage.blob.aio import BlobServiceClient

from lake.patience import sdk_options
from lake.places import AZURE


class Blobs(adlfs.AzureBlobFileSystem):  # type: ignore[misc]
    """As adlfs has it, but for names and for waits, neither of which it has settings for.

    It splits names as URLs, so that ``:``, ``[``, ``?`` or ``#`` come out wrong; and it repeats a request that fails
    after 15, 18 and 24 seconds.
    """

    @classmethod
    def _strip_protocol(cls, path: str | list[str]) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        return path.removeprefix(AZURE).lstrip("/")

    def do_connect(self) -> None:
        """Make the client that all requests go through."""
        options = sdk_options()
        if self.connection_string:
            self.service_client = BlobServiceClient.from_connection_string(self.connection_string, **options)
        else:
            account = f"https://{self.account_name}.blob.core.windows.net"
            self.service_client = BlobServiceClient(account, credential=self.credential, **options)
