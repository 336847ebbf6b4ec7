"""Numbers: one text each, exact to 38 digits, and bytes that sort by value."""

from decimal import Decimal

import pytest

from retable.transforms.number import NumberRangeError, normalize_number, number_rank

NINES = "9" * 38


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0042.1200", "42.12"),
        ("42", "42"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e125", "0"),
        ("0.000", "0"),
        ("1E3", "1000"),
        ("1e-3", "0.001"),
        ("-1.50e+1", "-15"),
        ("+7", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1E125", "1" + "0" * 125),
        ("1E-130", "0." + "0" * 129 + "1"),
        (NINES, NINES),
        (NINES + "E87", NINES + "0" * 87),
        ("1" + "0" * 60, "1" + "0" * 60),
        ("0" * 500 + "1", "1"),
        ("123.4500e-2", "1.2345"),
        ("-0.00", "0"),
        ("0.10", "0.1"),
        ("10", "10"),
    ],
)
def test_a_number_has_one_canonical_form(text: str, canonical: str) -> None:
    assert normalize_number(text) == canonical
    assert normalize_number(canonical) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "1" * 39,
        "1E126",
        "0e126",
        "1E-131",
        "9" * 39,
        "1e999999999999",
        "-1e-99999999999",
        "1." + "1" * 38,
    ],
)
def test_a_number_dynamodb_cannot_hold_is_out_of_range(text: str) -> None:
    with pytest.raises(NumberRangeError):
        normalize_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1_0",
        "NaN",
        "Infinity",
        "-",
        ".",
        "e5",
        "0x10",
        "\u0661",
        "²",
        "1e",
        "1e+",
        "--1",
        "1\n",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        normalize_number(text)


def test_ranks_sort_as_numbers_do() -> None:
    texts = ["-1E125", "-123", "-12.3", "-12", "-1", "-0.123", "-0.12", "-1E-130", "0"]
    texts += ["1E-130", "0.12", "0.123", "1", "9", "10", "12", "123", "1E125"]
    ranks = [number_rank(Decimal(text)) for text in texts]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)


def test_equal_numbers_have_one_rank() -> None:
    assert number_rank(Decimal("1.0")) == number_rank(Decimal(1)) == number_rank(Decimal("1E0"))
    assert number_rank(Decimal("-0")) == number_rank(Decimal(0))
