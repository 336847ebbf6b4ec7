"""UpdateContributorInsights and DescribeContributorInsights, of a table or an index."""

from typing import Any

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.table_operations import require_table
from retable.runner.sandbox.sandbox_state import State

MODE = "ContributorInsightsMode"
BOTH_KINDS = "ACCESSED_AND_THROTTLED_KEYS"
"""The default mode."""


def update_insights(state: State, call: Call) -> dict[str, Any]:
    """Answer UpdateContributorInsights."""
    table = require_table(state, call, call.table_name)
    index = call.body.get("IndexName") or ""
    insights = state.extras(table).insights
    if call.body.get("ContributorInsightsAction") == "ENABLE":
        insights[index] = call.body.get(MODE) or BOTH_KINDS
    else:
        insights.pop(index, None)
    return _described(state, call)


def describe_insights(state: State, call: Call) -> dict[str, Any]:
    """Answer DescribeContributorInsights."""
    return _described(state, call)


def _described(state: State, call: Call) -> dict[str, Any]:
    """Return whether insights are enabled."""
    table = require_table(state, call, call.table_name)
    index = call.body.get("IndexName") or ""
    named = {"IndexName": index} if index else {}
    mode = state.extras(table).insights.get(index)
    status = {"ContributorInsightsStatus": "ENABLED" if mode else "DISABLED"}
    return {"TableName": table.name, **named, **status, **({MODE: mode} if mode else {})}
