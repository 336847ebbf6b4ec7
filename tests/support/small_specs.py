"""Small specs as text, for tests of what reads many of them."""

SMALL = """\
spec: 1
name: {name}
tags: {tags}
source: {{table: people, export: {{kind: native, location: export/}}}}
target:
  table: people-by-mail
  key: {{partition: {{name: mail, type: S}}}}
transform:
  where: age > `17`
  fields: {{mail: lower(email)}}
tests:
  - name: lowers the mail
    given: {{email: A@B, age: 18}}
    expect_some: {{mail: {mail}}}
  - name: drops children
    given: {{email: A@B, age: 17}}
    expect: dropped
"""
BROKEN = "spec: 1\nname: broken\nsource: {table: people\n"
MISSPELT = SMALL.replace("transform:", "transfrom:")
MAILED = """\
from retable.transforms import function


@function("mailed(text: string) -> string")
def mailed(text):
    return text.lower()


"""


def small_spec(name: str = "people", *, mail: str = "a@b", tags: str = "[]") -> str:
    """Return a spec with two row tests; the first one fails unless ``mail`` is ``a@b``."""
    return SMALL.format(name=name, mail=mail, tags=tags)


def misspelt_spec(name: str = "misspelt") -> str:
    """Return a spec with one unknown key."""
    return MISSPELT.format(name=name, mail="a@b", tags="[]")


def bad_expression_spec(name: str = "bad-expression") -> str:
    """Return a spec whose one fault lies inside an expression: there is no ``lowre``."""
    return small_spec(name).replace("lower(", "lowre(")


def with_functions_spec(name: str = "with-functions") -> str:
    """Return a spec that needs the custom function of ``MAILED``."""
    spec = small_spec(name).replace("lower(", "mailed(")
    return spec.replace("transform:\n", "transform:\n  functions: functions.py\n")
