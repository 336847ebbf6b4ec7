"""``type:`` of a field: what may be given another type without loss."""

from typing import Any

import pytest

from retable.schema.reasons import Reason
from retable.transforms.coerce import coerce
from retable.transforms.fault import ItemFaultError
from support.mapping_specs import value_of


@pytest.mark.parametrize(
    ("typed", "wanted", "made"),
    [
        ({"S": "a"}, "S", {"S": "a"}),
        ({"S": "0042.10"}, "N", {"N": "42.1"}),
        ({"N": "42.1"}, "S", {"S": "42.1"}),
        ({"S": "AAH"}, "B", {"B": "AAE="}),
        ({"B": "AAE="}, "S", {"S": "AAE="}),
        ({"L": [{"S": "b"}, {"S": "a"}]}, "SS", {"SS": ["a", "b"]}),
        ({"L": [{"N": "2"}, {"N": "1"}]}, "NS", {"NS": ["1", "2"]}),
        ({"L": [{"B": "/w=="}, {"S": "AA"}]}, "BS", {"BS": ["AA==", "/w=="]}),
        ({"SS": ["a"]}, "L", {"L": [{"S": "a"}]}),
        ({"NS": ["1"]}, "L", {"L": [{"N": "1"}]}),
        ({"BS": ["AA=="]}, "L", {"L": [{"B": "AA=="}]}),
        ({"NULL": True}, "NULL", {"NULL": True}),
    ],
)
def test_a_value_takes_the_type_where_nothing_is_lost(typed: Any, wanted: Any, made: Any) -> None:
    assert coerce(typed, wanted) == made


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ({"S": "free"}, "N"),
        ({"S": " 1"}, "N"),
        ({"S": "1" * 39}, "N"),
        ({"S": "*"}, "B"),
        ({"BOOL": True}, "S"),
        ({"BOOL": True}, "N"),
        ({"NULL": True}, "S"),
        ({"S": "true"}, "BOOL"),
        ({"L": []}, "SS"),
        ({"L": [{"S": "a"}, {"S": "a"}]}, "SS"),
        ({"L": [{"N": "1"}]}, "SS"),
        ({"L": [{"S": "1"}]}, "NS"),
        ({"L": [{"S": "*"}]}, "BS"),
        ({"M": {}}, "L"),
        ({"SS": ["1"]}, "NS"),
        ({"S": "a"}, "NULL"),
    ],
)
def test_a_value_that_cannot_is_refused(typed: Any, wanted: Any) -> None:
    with pytest.raises(ItemFaultError) as fault:
        coerce(typed, wanted)
    assert fault.value.reason is Reason.WRONG_FIELD_TYPE


def test_a_type_applies_to_values_and_not_to_what_is_absent() -> None:
    assert value_of("missing", {}, type="N") is None
    assert value_of("missing", {}, type="N", default={"S": "n/a"}) == {"S": "n/a"}
    assert value_of("multiply(n, `100`)", {"n": {"N": "1.5"}}, type="S") == {"S": "150"}
