"""The rules for specs: the one list of codes. They are checked elsewhere.

``rule-examples.yaml`` has a bad and a good example of each.
"""

from enum import Enum

from retable.schema.problem import Edit, Label, Problem, Severity, Span


class Rule(Enum):
    """One rule: its code, what breaking it means, and its severity.

    Codes are stable: MIG1xx is the file and its YAML, MIG2xx the shape of the spec (what the JSON
    Schema says), MIG3xx its meaning, MIG4xx its expressions, MIG5xx its row tests and the specs
    beside it, MIG6xx its instructions to the linter. A spec without errors can be run; a warning is
    something a reviewer should know.
    """

    UNREADABLE_FILE = ("MIG101", "the spec is missing, is a folder, or cannot be read")
    FILE_TOO_LARGE = ("MIG102", "the spec file is too large")
    NOT_UTF_8 = ("MIG103", "the spec is not UTF-8 text")
    EMPTY_FILE = ("MIG104", "the spec contains only white space and comments")
    YAML_SYNTAX = ("MIG105", "the spec is not valid YAML")
    SEVERAL_DOCUMENTS = ("MIG106", "the file holds more than one YAML document")
    NOT_A_MAPPING = ("MIG107", "the spec is a list or a single value instead of a mapping")
    DUPLICATE_KEY = ("MIG108", "a mapping has the same key twice")
    AMBIGUOUS_SCALAR = ("MIG109", "YAML 1.1 and YAML 1.2 read an unquoted value differently")
    UNSUPPORTED_TAG = ("MIG110", "a YAML tag other than !!binary and !!set")
    KEY_NOT_TEXT = ("MIG111", "a key of a mapping is not a string")
    RECURSIVE_ALIAS = ("MIG112", "an alias refers to something that contains it")
    TOO_MANY_VALUES = ("MIG113", "the spec has too many values, aliases expanded")
    NESTED_TOO_DEEP = ("MIG114", "values are nested deeper than any item can be")
    NUMBER_NOT_STORABLE = ("MIG115", "DynamoDB cannot hold a number exactly")
    BAD_BINARY = ("MIG116", "a !!binary value is not base64")
    MERGE_KEY = ("MIG117", "a merge key (<<), which YAML 1.2 does not have")
    BAD_TEXT = ("MIG118", "a string that is not valid Unicode, such as half a surrogate pair")
    BAD_SET = ("MIG119", "a !!set that is not a mapping, has values, or repeats a member")
    UNQUOTED_DATE = (
        "MIG120",
        "an unquoted date, which YAML 1.1 does not read as a string",
        "warning",
    )

    UNKNOWN_KEY = ("MIG201", "a key that the spec language does not have")
    MISSING_KEY = ("MIG202", "a required key is missing")
    JMESPATH_NO_ARITHMETIC = ("MIG203", "JMESPath has no arithmetic operators; use functions")
    WRONG_TYPE = ("MIG204", "a value has a type that the key does not accept")
    UNKNOWN_VALUE = ("MIG205", "a value is not one that the key accepts")
    BAD_FORM = ("MIG206", "a string has the wrong format or length")
    OUT_OF_RANGE = ("MIG207", "a number, or a number of entries, is too small or too large")
    UNQUOTED_NULL = ("MIG208", "the type NULL must be quoted, or YAML reads it as null")
    REPEATED_ENTRY = ("MIG209", "a list names the same thing twice")

    SAME_TABLE = ("MIG301", "side by side needs a target whose name differs from the source's")
    OTHER_TABLE = ("MIG302", "replace needs a target with the source's name")
    TYPE_CONFLICT = ("MIG303", "an attribute has two types among keys, indexes and fields")
    REPEATED_KEY_ATTRIBUTE = ("MIG304", "a key names one attribute twice")
    LOCAL_INDEX = ("MIG305", "a local index does not fit the table's key")
    TOO_MANY_INDEXES = ("MIG306", "more indexes or projected attributes than a table can have")
    DUPLICATE_NAME = ("MIG307", "two tests, queries or indexes have the same name")
    BAD_NAME = ("MIG308", "a name breaks DynamoDB's naming rules")
    KEY_DROPPED = ("MIG309", "drop names a key attribute of the target that no field produces")
    KEY_NOT_MADE = ("MIG310", "a key attribute of the target is neither produced nor copied")
    NEVER_THERE = (
        "MIG311",
        "an index or checksum uses an attribute no target item will have",
        "warning",
    )
    SETTLE_TOO_SHORT = ("MIG312", "settle is less than the five minutes that a frozen table needs")
    BAD_DURATION = ("MIG313", "a duration is not a number and one of s, m, h, d")
    BAD_PERCENTAGE = ("MIG314", "a percentage is outside 0 to 100 or has the wrong format")
    BAD_LOCATION = ("MIG315", "a location is neither s3://bucket/prefix nor a folder")
    PATH_OUTSIDE = ("MIG316", "a file must be in the spec's folder")
    BAD_REGION = ("MIG317", "a region does not look like one, or contradicts the table's ARN")
    BAD_ARN = ("MIG318", "an ARN does not name the right kind of resource")
    NOT_TOGETHER = ("MIG319", "keys that cannot be combined, or that need each other")
    UNKNOWN_REASON = ("MIG320", "a row test expects a reason that does not exist")
    BAD_VALUE = ("MIG321", "a value that no DynamoDB item can hold")
    NOT_FROZEN = ("MIG322", "replace without freezing writers may lose what they write", "warning")
    NO_BACKUP = ("MIG323", "replace deletes a table, so it needs a backup")
    NO_EFFECT = ("MIG324", "a key that has no effect", "warning")
    RESERVED_TAG = ("MIG325", "a tag that pytest reserves")
    ROW_FILE = ("MIG326", "a file that a row test names cannot be used")
    BAD_POLICY = ("MIG327", "DynamoDB would not accept the resource policy")

    MANY_REJECTS = (
        "MIG330",
        "max_rejects allows more than one item in a hundred to be rejected",
        "warning",
    )
    UNPROTECTED = ("MIG331", "the new table lacks a protection that DynamoDB offers", "warning")
    CONSTANT_KEY = ("MIG332", "every item has the same partition key, so one partition", "warning")
    AMBIGUOUS_JOIN = ("MIG333", "a key joined without a separator can collide", "warning")
    NUMBER_AS_TEXT = (
        "MIG334",
        "numbers in a string sort key sort as strings: 10 before 9",
        "warning",
    )
    TTL_WITHOUT_EFFECT = ("MIG335", "ttl names an attribute that never expires an item", "warning")
    RATE_OVER_CAPACITY = ("MIG336", "load.rate is more than the target's write capacity", "warning")
    BLIND_CHECKSUM = (
        "MIG337",
        "the checksum leaves out attributes that the spec changes",
        "warning",
    )
    BLIND_QUERY = ("MIG338", "a query does not read the rebuilt table", "warning")
    REPLACES = ("MIG339", "replace deletes the table before the new one is verified", "warning")

    JMESPATH_SYNTAX = ("MIG401", "an expression does not follow JMESPath's grammar")
    UNKNOWN_FUNCTION = ("MIG402", "an expression calls a function that does not exist")
    INVALID_ARITY = ("MIG403", "a function is called with too few or too many arguments")
    INVALID_LITERAL = ("MIG404", "a literal argument has a type that the function does not accept")
    BARE_LITERAL = (
        "MIG405",
        "a literal between backticks is not JSON, so it is read as a string",
        "warning",
    )
    FUNCTIONS_FILE = ("MIG406", "the file with the spec's own functions cannot be used")
    ALWAYS_NULL = ("MIG407", "a path is null for every given row", "warning")
    CONSTANT_WHERE = (
        "MIG408",
        "where reads no attribute, so it keeps all items or none",
        "warning",
    )
    KEY_RESULT_TYPE = ("MIG409", "an expression never has the type of its key")

    DUPLICATE_SPEC_NAME = ("MIG501", "two specs have the same name")
    NO_ROW_TESTS = ("MIG502", "a spec without row tests", "warning")
    FIELD_NOT_TESTED = ("MIG503", "no row test has an expectation for a field", "warning")
    ROW_NEVER_PASSES = ("MIG504", "a row test can never pass", "warning")
    WHERE_NOT_TESTED = ("MIG505", "no row test expects an item to be dropped by where", "warning")
    REPEATED_ROW = ("MIG506", "two row tests have the same given item", "warning")

    UNUSED_SUPPRESSION = ("MIG601", "a comment ignores a rule that is not broken", "warning")
    BAD_SUPPRESSION = ("MIG602", "a linter comment does not name rules and a reason", "warning")
    UNKNOWN_SUPPRESSION = ("MIG603", "a comment ignores a rule that cannot be ignored", "warning")

    def __init__(self, code: str, meaning: str, severity: Severity = "error") -> None:
        """Name the parts of a rule's value."""
        self.code = code
        self.meaning = meaning
        """What breaking the rule means, in one line."""
        self.severity: Severity = severity

    @property
    def words(self) -> str:
        """Return the name as findings show it, such as ``unknown-key``."""
        return self.name.lower().replace("_", "-")

    def finding(  # noqa: PLR0913 -- the parts of a finding
        self,
        file: str,
        span: Span,
        message: str,
        *,
        hint: str | None = None,
        label: str | None = None,
        others: tuple[Label, ...] = (),
        fix: tuple[Edit, ...] = (),
    ) -> Problem:
        """Return the finding that ``span`` of ``file`` breaks this rule."""
        return Problem(
            file=file,
            span=span,
            code=self.code,
            name=self.words,
            message=message,
            hint=hint,
            severity=self.severity,
            label=label,
            others=others,
            fix=fix,
        )
