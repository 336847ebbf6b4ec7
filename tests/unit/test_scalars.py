from decimal import Decimal

import pytest
import yaml

from retable.schema.scalars import AmbiguousScalarError, resolve_plain

AMBIGUOUS = [
    *("yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"),
    *("0123", "-0123", "+07", "08", "00", "0_1", "0o17", "0b101", "0x_1F", "-0x1F"),
    *("1_000", "1_", "1_0.5", "1.5_0", "12:30", "12:30:45", "1:30.5", "-1:30", "01:30:00"),
    *(".inf", "-.inf", "+.Inf", ".nan", ".NaN", "685.230_15e+03"),
]
PLAIN: list[tuple[str, object]] = [
    *(("0", 0), ("-0", 0), ("7", 7), ("+7", 7), ("-12", -12), ("0x1F", 31)),
    *((text, Decimal(text)) for text in ("1.5", "-.5", "5.", "1e3", "1E-3", "+1.5e+3", "0.10")),
    *((text, None) for text in ("", "~", "null", "Null", "NULL")),
    *((text, True) for text in ("true", "True", "TRUE")),
    *((text, False) for text in ("false", "False", "FALSE")),
    *(
        (text, text)
        for text in ("2026-01-02", "2026-01-02T03:04:05Z", "2.1.0", "1.2.3.4", "y", "n")
    ),
    *(
        (text, text)
        for text in ("tRUE", "nULL", "12:99", "-", "+", ".", "e3", "1e", "_1", "1a", "=")
    ),
    *((text, text) for text in ("0xG", "١٢", "yes please", "no-one", "1 000", "inf", "nan", "_")),
]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_what_yaml_1_1_and_1_2_read_differently_is_refused(text: str) -> None:
    with pytest.raises(AmbiguousScalarError):
        resolve_plain(text)


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_what_both_read_alike_is_read_exactly(text: str, value: object) -> None:
    found = resolve_plain(text)
    assert found == value
    assert type(found) is type(value)
    if isinstance(value, Decimal):
        assert str(found) == str(value)


@pytest.mark.parametrize(
    "text", ["1" * 39, "1e126", "-1e126", "1e-131", "9" * 5000, "1e" + "9" * 99]
)
def test_a_number_that_dynamodb_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"DynamoDB holds|not a decimal number"):
        resolve_plain(text)


@pytest.mark.parametrize("text", ["0" * 5 + "1", "1" + "0" * 125, "9.99e125", "1e-130", "9" * 38])
def test_only_digits_that_count_are_counted(text: str) -> None:
    if text.startswith("0"):
        with pytest.raises(AmbiguousScalarError):
            resolve_plain(text)
    else:
        assert resolve_plain(text) == Decimal(text)


@pytest.mark.parametrize("text", [text for text, value in PLAIN if not isinstance(value, Decimal)])
def test_pyyaml_which_speaks_1_1_agrees_on_all_but_dates_and_fractions(text: str) -> None:
    found = yaml.safe_load(f"[{text}]" if text else "[~]")[0] if text not in {"-", "="} else text
    if isinstance(found, str | int | bool | None):
        assert found == resolve_plain(text)
