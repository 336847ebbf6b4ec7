"""Reports of every shape, as Hypothesis strategies."""

from typing import Any, get_args

from hypothesis import strategies as st

from retable.runner.report.model import (
    Check,
    CheckOutcome,
    CollisionSummary,
    Command,
    Counts,
    DifferenceKind,
    DifferenceRow,
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
seconds = st.none() | st.floats(min_value=0, allow_nan=False, allow_infinity=False)


checks = st.builds(
    Check,
    name=texts,
    outcome=one_of(CheckOutcome),
    expected=scalars,
    actual=scalars,
    sql=maybe_text,
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
differences = st.builds(
    DifferenceRow, kind=one_of(DifferenceKind), key=st.dictionaries(texts, values, max_size=2)
)
collisions = st.none() | st.builds(
    CollisionSummary,
    keys=st.integers(0),
    items=st.integers(0),
    unresolved=st.integers(0),
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
    differences=st.builds(Differences, missing=counts, extra=counts, different=counts),
    checks=st.lists(checks, max_size=2).map(tuple),
    steps=st.lists(steps, max_size=2).map(tuple),
    first_differences=st.lists(differences, max_size=2).map(tuple),
    rejects_by_reason=st.dictionaries(texts, st.integers(0), max_size=3),
    collisions=collisions,
    notes=st.lists(texts, max_size=2).map(tuple),
    failure=maybe_text,
    hint=maybe_text,
    run_folder=texts,
)
