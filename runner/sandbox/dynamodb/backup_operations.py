"""On-demand backups: moto stores them; here they take time and block their table's deletion."""

from typing import Any

from moto.dynamodb.models.table import Backup, Table

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.api_error import ApiError
from retable.runner.sandbox.sandbox_state import State


def create_backup(state: State, call: Call) -> dict[str, Any]:
    """Answer CreateBackup: with the current content."""
    table = _table(state, call)
    answer = state.forward(call)
    details: dict[str, Any] = answer["BackupDetails"]
    state.backups_ready[details["BackupArn"]] = state.now() + state.options.backup_seconds
    backup = state.moto.dynamodb(call.region).backups[details["BackupArn"]]
    vars(backup.table)["_retable_id"] = state.extras(table).table_id
    return {"BackupDetails": {**details, "BackupStatus": "CREATING"}}


def describe_backup(state: State, call: Call) -> dict[str, Any]:
    """Answer DescribeBackup."""
    answer = state.forward(call)
    description = answer["BackupDescription"]
    details = description["BackupDetails"]
    details["BackupStatus"] = _status(state, details["BackupArn"])
    backup = state.moto.dynamodb(call.region).backups[details["BackupArn"]]
    description["SourceTableDetails"]["TableId"] = _table_id(backup)
    return answer


def list_backups(state: State, call: Call) -> dict[str, Any]:
    """Answer ListBackups."""
    answer = state.forward(call)
    backups = state.moto.dynamodb(call.region).backups
    for summary in answer["BackupSummaries"]:
        summary["BackupStatus"] = _status(state, summary["BackupArn"])
        summary["TableId"] = _table_id(backups[summary["BackupArn"]])
    return answer


def delete_backup(state: State, call: Call) -> dict[str, Any]:
    """Answer DeleteBackup: refused while it is CREATING."""
    arn = str(call.body.get("BackupArn"))
    if state.backups_ready.get(arn, 0.0) > state.now():
        message = "Backup is being created"
        code = "BackupInUseException"
        raise ApiError(code, message)
    return state.forward(call)


def _table(state: State, call: Call) -> Table:
    """Return the table to back up.

    Raises:
        ApiError: it does not exist, or is not ACTIVE.
    """
    table = state.find_table(call.region, call.table_name)
    if table is None or state.status(table) == "CREATING":
        message = f"Table not found: {call.table_name}"
        code = "TableNotFoundException"
        raise ApiError(code, message)
    return table


def _status(state: State, arn: str) -> str:
    """Return the status of a backup."""
    return "CREATING" if state.backups_ready.get(arn, 0.0) > state.now() else "AVAILABLE"


def _table_id(backup: Backup) -> str:
    """Return the TableId of the table that was backed up."""
    return str(vars(backup.table).get("_retable_id", ""))
