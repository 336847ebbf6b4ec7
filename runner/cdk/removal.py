"""What happened to a table after it left its template.

DescribeTable shows it, UPDATE_COMPLETE does not: CloudFormation gives up cleaning up after three
attempts and still reports the update as complete. This makes no calls and deletes nothing.
"""

from typing import Literal

from retable.runner.cdk.table_in_template import RETAINED
from retable.runner.table.settings import TableDescription

After = Literal["gone", "deleting", "retained", "left", "another"]
"""``gone``: it was deleted. ``retained``: by its policy, to be deleted by API. ``left``:
CloudFormation should have deleted it and did not. ``another``: a different table has its name, and
must not be touched.
"""


def after_removal(
    description: TableDescription | None, old_table_id: str | None, deletion_policy: str
) -> After:
    """Return what happened to the table ``old_table_id``.

    ``description`` is DescribeTable's current answer for its name, ``deletion_policy`` that of the
    previously deployed template.
    """
    if description is None:
        return "gone"
    if description.table_id != old_table_id:
        return "another"
    if description.status == "DELETING":
        return "deleting"
    return "retained" if deletion_policy in RETAINED else "left"
