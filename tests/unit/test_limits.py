import pytest

from retable.schema.limits import is_attribute_name, is_bucket_name, is_key_name, is_table_name


def test_table_names_have_three_to_255_plain_characters() -> None:
    assert is_table_name("a.b")
    assert is_table_name("A-1_" + "x" * 251)
    for name in ("", "ab", "x" * 256, "a b", "é23", "abc\n", "a/b/c"):
        assert not is_table_name(name)


def test_attribute_names_are_measured_in_bytes() -> None:
    assert is_key_name("x" * 255)
    assert not is_key_name("é" * 128)
    assert not is_key_name("")
    assert is_attribute_name("x" * 65_535)
    assert not is_attribute_name("x" * 65_536)


@pytest.mark.parametrize("name", ["ab", "Abc", "a_b", "-ab", "ab-", "a..b", "10.0.0.1", "x" * 64])
def test_buckets_that_s3_would_not_make_are_refused(name: str) -> None:
    assert not is_bucket_name(name)


@pytest.mark.parametrize("name", ["abc", "acme-exports", "a.b.c", "1a2", "x" * 63])
def test_buckets_that_s3_makes_are_taken(name: str) -> None:
    assert is_bucket_name(name)
