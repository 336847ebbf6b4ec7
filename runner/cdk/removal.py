"""What became of a table after its template lost it.

DescribeTable says, and UPDATE_COMPLETE does not: CloudFormation gives up cleaning up after three
attempts and calls the update complete all the same. Nothing is asked or deleted here.
"""

from typing import Literal

from retable.runner.cdk.table_in_template import RETAINED
from retable.runner.table.settings import TableDescription

After = Literal["gone", "deleting", "retained", "left", "another"]
"""``retained``: by its policy, to be deleted by API. ``left``: CloudFormation should have deleted
it and did not. ``another``: a table that is not the old one has its name, and is not to be touched.
"""


def after_removal(
    description: TableDescription | None, old_table_id: str | None, deletion_policy: str
) -> After:
    """Return what became of the table ``old_table_id``.

    ``description`` is what DescribeTable says of its name now, ``deletion_policy`` what the
    template said that was deployed before.
    """
    if description is None:
        return "gone"
    if description.table_id != old_table_id:
        return "another"
    if description.status == "DELETING":
        return "deleting"
    return "retained" if deletion_policy in RETAINED else "left"
