"""Reports of every shape, as Hypothesis strategies."""

from typing import Any, get_args

from hypothesis import strategies as st

from retable.runner.report.item_figures import (
    Attribute,
    AttributeChange,
    Attributes,
    Buckets,
    CollisionExample,
    CollisionSummary,
    DifferenceKind,
    DifferenceRow,
    IndexEntries,
    KeyPart,
    Moment,
    Partition,
    Partitions,
    RejectGroup,
    Rewrite,
    Sample,
    SizeBar,
    SizedItem,
    Sizes,
)
from retable.runner.report.model import (
    Check,
    CheckOutcome,
    Command,
    Counts,
    Differences,
    Report,
    StepOutcome,
    StepReport,
    Verdict,
)


def one_of(choices: object) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a ``Literal``."""
    return st.sampled_from(get_args(choices))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
maybe_text = st.none() | texts
counts = st.none() | st.integers(min_value=0)
scalars = st.none() | st.booleans() | st.integers() | texts
seconds = st.none() | st.floats(0, 10**9)


checks = st.builds(
    Check,
    name=texts,
    outcome=one_of(CheckOutcome),
    expected=scalars,
    actual=scalars,
    sql=maybe_text,
    line=st.none() | st.integers(1, 10**6),
    message=maybe_text,
)
steps = st.builds(
    StepReport,
    id=texts,
    kind=texts,
    title=texts,
    outcome=one_of(StepOutcome),
    seconds=seconds,
    facts=st.dictionaries(texts, scalars, max_size=3),
)
values = st.fixed_dictionaries({"S": texts}) | st.fixed_dictionaries({"N": texts})
keys = st.dictionaries(texts, values, max_size=2)
naturals = st.integers(0, 10**12)
kinds = st.sampled_from(["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"])


def some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return a strategy for short tuples."""
    return st.lists(of, max_size=2).map(tuple)


changes = st.builds(
    AttributeChange,
    name=texts,
    expected_type=st.none() | kinds,
    actual_type=st.none() | kinds,
    expected=st.none() | values,
    actual=st.none() | values,
)
differences = st.builds(
    DifferenceRow,
    kind=one_of(DifferenceKind),
    key=keys,
    place=maybe_text,
    changes=some(changes),
)
collisions = st.none() | st.builds(
    CollisionSummary,
    keys=naturals,
    items=naturals,
    unresolved=naturals,
    examples=some(
        st.builds(CollisionExample, key=keys, items=naturals, places=some(texts), winner=maybe_text)
    ),
)
sizes = st.none() | st.builds(
    Sizes,
    items=naturals,
    bytes=naturals,
    largest=naturals,
    write_units=naturals,
    histogram=some(st.builds(SizeBar, up_to=naturals, items=naturals)),
    largest_items=some(st.builds(SizedItem, key=keys, bytes=naturals, place=texts)),
)
attribute = st.builds(Attribute, name=texts, types=st.dictionaries(kinds, naturals, max_size=3))
attributes = st.none() | st.builds(
    Attributes,
    items_before=naturals,
    items_after=naturals,
    before=some(attribute),
    after=some(attribute),
    names_before=naturals,
    names_after=naturals,
    indexes=some(st.builds(IndexEntries, index=texts, attributes=some(texts), items=naturals)),
)
partitions = st.none() | st.builds(
    Partitions,
    keys=naturals,
    write_units=naturals,
    hottest=some(
        st.builds(
            Partition,
            key=keys,
            items=naturals,
            write_units=naturals,
            units_per_second=st.none() | naturals,
        )
    ),
)
parts = st.builds(KeyPart, name=texts, type=st.sampled_from("SNB"))
rewrites = st.none() | st.builds(
    Rewrite,
    key_before=st.none() | some(parts),
    key_after=some(parts),
    fields=st.dictionaries(texts, texts, max_size=2),
)
rejects = st.builds(RejectGroup, reason=texts, detail=texts, items=naturals, examples=some(texts))
moments = st.builds(Moment, seconds=st.floats(0, 10**9), items=naturals, throttled=st.booleans())
buckets = st.none() | st.builds(
    Buckets,
    expected=st.just(tuple(range(256))),
    actual=st.just(tuple(range(256))),
    differing=st.lists(st.integers(0, 255), max_size=3).map(tuple),
)
reports = st.builds(
    Report,
    command=one_of(Command),
    verdict=one_of(Verdict),
    run_id=texts,
    spec_name=texts,
    spec_file=texts,
    source=texts,
    target=texts,
    region=maybe_text,
    account=maybe_text,
    started=texts,
    finished=maybe_text,
    counts=st.builds(Counts, **dict.fromkeys(Counts.__dataclass_fields__, counts)),
    differences=st.builds(
        Differences,
        missing=counts,
        extra=counts,
        different=counts,
    ),
    checks=some(checks),
    steps=some(steps),
    first_differences=some(differences),
    rejects_by_reason=st.dictionaries(texts, st.integers(0), max_size=3),
    collisions=collisions,
    notes=some(texts),
    failure=maybe_text,
    hint=maybe_text,
    run_folder=texts,
    expired=counts,
    sample=st.none() | st.builds(Sample, items=naturals, of=naturals),
    rewrite=rewrites,
    sizes=sizes,
    attributes=attributes,
    partitions=partitions,
    rejects=some(rejects),
    throughput=some(moments),
    buckets=buckets,
)
