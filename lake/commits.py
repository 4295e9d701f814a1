"""Commits to the log of a table: files in, files out, at once. A commit whose answer was lost knows itself again.

Whether a commit fits with those made meanwhile is decided here for what replaces rows, and by
delta-rs for what adds some.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from lake.errors import LakeError
from lake.patience import patiently
from lake.storage import Lake

Actions = Sequence[AddAction | RemoveAction]


class ConcurrentWriteError(LakeError):
    """Another writer was quicker. Reading the inputs again and computing anew resolves it."""


def files_of(handle: DeltaTable) -> pl.DataFrame:
    """The files of a version: ``path``, ``size_bytes``, ``modification_time``, ``num_records``, ``partition.…``."""
    return pl.DataFrame(handle.get_add_actions(flatten=True))


def commit_addition(
    take: Callable[[], DeltaTable], actions: Actions, keys: Sequence[str], transaction: Transaction | None
) -> None:
    """Add files to a table, whatever is committed meanwhile.

    Args:
        take: a new handle of the table.
        actions: the files.
        keys: the partition columns.
        transaction: an application transaction, which is committed once.
    """
    properties = CommitProperties(app_transactions=[transaction] if transaction else None, max_commit_retries=50)
    tried = False

    def attempt() -> None:
        nonlocal tried
        handle = take()
        if transaction is not None and is_in(handle, transaction):
            return
        # After a lost answer the files may be there.
        if tried and actions and are_in(handle, actions):
            return
        tried = True
        try:
            write_actions(handle, actions, keys, properties)
        except CommitFailedError:
            handle = take()
            if not (is_in(handle, transaction) if transaction else are_in(handle, actions)):
                raise

    patiently(attempt)


def commit_replacement(
    lake: Lake, name: str, handle: DeltaTable, actions: Actions, keys: Sequence[str], concerns: Callable[[Any], bool]
) -> None:
    """Put files in the place of others, if nothing of what they stand for has changed since a handle was taken.

    Args:
        lake: where the table is.
        name: of the table.
        handle: as of which version the files that go were found; it moves on.
        actions: files that come and files that go.
        keys: the partition columns.
        concerns: whether a file of these partition values, as the log has them, would be replaced.

    Raises:
        ConcurrentWriteError: another writer has changed the same part.
    """
    coming = {action.path for action in actions if isinstance(action, AddAction)}
    going = {action.path for action in actions if isinstance(action, RemoveAction)}
    # Any commit since the handle fails this one: whether it matters is looked up.
    properties = CommitProperties(max_commit_retries=0)

    def attempt() -> bool:
        """Whether it is in; otherwise others were quicker, and it is to be held against what they did."""
        known = int(handle.version())
        handle.update_incremental()
        for action in _since(lake, name, known, int(handle.version())):
            if _path(action, "add") in coming:
                return True
            _refuse_conflict(name, action, going, concerns)
        try:
            write_actions(handle, actions, keys, properties)
        except CommitFailedError:
            return False
        return True

    while not patiently(attempt):
        pass


def is_in(handle: DeltaTable, transaction: Transaction) -> bool:
    """An application transaction, or a later one of the same application, was committed."""
    version = handle.transaction_version(transaction.app_id)
    return version is not None and version >= transaction.version


def are_in(handle: DeltaTable, actions: Actions) -> bool:
    """These files are among those of the table; no two have the same name."""
    return {action.path for action in actions} <= set(files_of(handle)["path"])


def write_actions(handle: DeltaTable, actions: Actions, keys: Sequence[str], properties: CommitProperties) -> None:
    """Commit files that come and files that go, once; see delta-rs for what ``properties`` may say.

    Raises:
        CommitFailedError: it does not fit with what was committed since the handle was taken.
    """
    handle.create_write_transaction(
        list(actions),
        mode="append",
        schema=handle.schema(),
        partition_by=list(keys),
        commit_properties=properties,
    )


def _since(lake: Lake, name: str, known: int, newest: int) -> Iterator[Mapping[str, Any]]:
    """The actions of all commits after a version."""
    for version in range(known + 1, newest + 1):
        log = lake.read_bytes(*name.split("."), "_delta_log", f"{version:020}.json")
        if log is None:
            raise ConcurrentWriteError(
                f"{name} has moved on too far", found=f"no log of version {version}", action="run the command again"
            )
        yield from map(json.loads, log.splitlines())


def _refuse_conflict(
    name: str, action: Mapping[str, Any], going: Collection[str], concerns: Callable[[Any], bool]
) -> None:
    file = action.get("add") or action.get("remove")
    touched = file and (file["path"] in going or (file.get("dataChange", True) and concerns(file["partitionValues"])))
    if touched or "metaData" in action or "protocol" in action:
        raise ConcurrentWriteError(
            f"Another run changed the same part of {name}",
            found=str(file["partitionValues"]) if file else "another schema",
            action="run the command again when the other run has ended",
        )


def _path(action: Mapping[str, Any], kind: str) -> str | None:
    path: str | None = (action.get(kind) or {}).get("path")
    return path
