"""UpdateContributorInsights and DescribeContributorInsights: on or off, of a table or an index."""

from typing import Any

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.tables import require_table
from retable.runner.sandbox.state import State

STATUSES = {True: "ENABLED", False: "DISABLED"}


def update_insights(state: State, call: Call) -> dict[str, Any]:
    """Answer UpdateContributorInsights."""
    table = require_table(state, call, call.table_name)
    index = call.body.get("IndexName") or ""
    insights = state.extras(table).insights
    if call.body.get("ContributorInsightsAction") == "ENABLE":
        insights.add(index)
    else:
        insights.discard(index)
    return _described(state, call)


def describe_insights(state: State, call: Call) -> dict[str, Any]:
    """Answer DescribeContributorInsights."""
    return _described(state, call)


def _described(state: State, call: Call) -> dict[str, Any]:
    """Return whether insights are on."""
    table = require_table(state, call, call.table_name)
    index = call.body.get("IndexName") or ""
    named = {"IndexName": index} if index else {}
    status = STATUSES[index in state.extras(table).insights]
    return {"TableName": table.name, **named, "ContributorInsightsStatus": status}
