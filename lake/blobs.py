"""Blobs of an Azure account as a file system, with the project's own patience: adlfs has no settings for it."""

from __future__ import annotations

from adlfs import AzureBlobFileSystem
from azure.storage.blob.aio import BlobServiceClient

from lake.patience import sdk_options


class Blobs(AzureBlobFileSystem):  # type: ignore[misc]
    """As adlfs has it, but a request that fails is repeated after a moment and not after 15, 18 and 24 seconds."""

    def do_connect(self) -> None:
        """Make the client that all requests go through."""
        options = sdk_options()
        if self.connection_string:
            self.service_client = BlobServiceClient.from_connection_string(self.connection_string, **options)
        else:
            account = f"https://{self.account_name}.blob.core.windows.net"
            self.service_client = BlobServiceClient(account, credential=self.credential, **options)
