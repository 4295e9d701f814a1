"""What a query of a person may do: one read, judged by the tree that DuckDB makes of its text.

The statement that was judged is the one that runs. How long and in how much memory it runs is said elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import duckdb

from lake.bounds import too_much_memory
from lake.errors import QueryError

#: Table functions that only read; beside them the macros of the session may stand in FROM, and nothing else.
READERS = frozenset({
    # made up
    "generate_series", "range", "repeat", "repeat_row", "unnest", "test_all_types", "test_vector_types",
    # of what is in the query
    "histogram", "histogram_values", "json_each", "json_tree", "query_table", "summary",
    # of the analyst's own disk
    "glob", "parquet_bloom_probe", "parquet_file_metadata", "parquet_full_metadata", "parquet_kv_metadata",
    "parquet_metadata", "parquet_scan", "parquet_schema", "read_blob", "read_csv", "read_csv_auto", "read_json",
    "read_json_auto", "read_json_objects", "read_json_objects_auto", "read_ndjson", "read_ndjson_auto",
    "read_ndjson_objects", "read_parquet", "read_text", "sniff_csv",
    # of the session
    "duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_dependencies", "duckdb_extensions",
    "duckdb_functions", "duckdb_indexes", "duckdb_keywords", "duckdb_memory", "duckdb_optimizers", "duckdb_schemas",
    "duckdb_sequences", "duckdb_settings", "duckdb_tables", "duckdb_temporary_files", "duckdb_types",
    "duckdb_variables", "duckdb_views", "icu_calendar_names", "pg_timezone_names", "pragma_collations",
    "pragma_database_size", "pragma_platform", "pragma_show", "pragma_storage_info", "pragma_table_info",
    "pragma_user_agent", "pragma_version",
})  # fmt: skip
#: Functions of a value that do more than give one.
EFFECTS = frozenset({"write_blob", "write_log"})

_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.RELATION}
#: Names as DuckDB writes them in the tree: of all functions, and of those in FROM.
_TREE = """
    select
        tree ->> 'error_type' as trouble,
        json_array_length(tree -> 'statements') as statements,
        json_extract_string(tree, '$..function_name') as called,
        json_extract_string(tree, '$..function.function_name') as read
    from (select json_serialize_sql($1) as tree)
"""
_TABLE_FUNCTIONS = """
    select lower(function_name), bool_or(internal)
    from duckdb_functions()
    group by lower(function_name)
    having bool_or(function_type in ('table', 'table_macro'))
"""
_ONE_AT_A_TIME = "send one query at a time; the lake is changed by `sillage land` and `sillage build` only"
_PIVOT_NAMED = "send one query at a time; here a PIVOT has to name its values: on powertrain in ('BEV', 'ICE')"
#: What a query that only reads may begin with where DuckDB does not give its tree.
_BEGINS = {"pivot", "pivot_wider", "with", "select", "from", "("}
_WORD = re.compile(rb'"(?:[^"]|"")*"|[^\s!-/:-@\[-^`{-~]+|.', re.DOTALL)
_NAME = re.compile(r"[\w$]+")


@dataclass(frozen=True)
class _Token:
    """A word or sign of a query, outside of remarks and texts; a quoted name without its quotes, all in lower case."""

    at: int
    text: str
    quoted: bool


def read_query(con: duckdb.DuckDBPyConnection, text: str) -> duckdb.DuckDBPyRelation:
    """The result of one query that only reads.

    Raises:
        QueryError: not exactly one statement, a statement or a function that could change something, or SQL that
            DuckDB refuses.
    """
    try:
        _judge(con, text)
        # The text holds nothing by now that DuckDB would read from a file while it parses, as IMPORT does.
        *before, statement = con.extract_statements(text)
        for made in before:  # types of the values of a PIVOT that does not name them
            con.execute(made)
        return con.sql(statement)
    except duckdb.Error as error:
        raise refused(error) from None


def refused(error: duckdb.Error) -> QueryError:
    """What DuckDB says against a query, for a person."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return too_much_memory(str(error).splitlines()[0])
    said, _, install = str(error).strip().partition("\n\nPlease try installing")
    if install:
        return QueryError(
            "DuckDB refused the query", found=said, action="leave that out: extensions are not fetched from the network"
        )
    return QueryError(
        "DuckDB refused the query",
        found=said,
        action='`sillage sql "select table_schema, table_name from information_schema.tables"` lists the tables, '
        '`sillage sql "describe core.trips"` their columns',
    )


def _judge(con: duckdb.DuckDBPyConnection, text: str) -> None:
    """Raise unless the text is one read."""
    trouble, statements, called, read = con.execute(_TREE, [text]).fetchall()[0]
    if trouble is None:
        if statements != 1:
            raise _no_single_read(f"{statements} statements")
        _judge_calls(con, called, read)
    elif trouble == "parser":
        con.extract_statements(text)  # says what is wrong, and where
    else:
        _judge_without_tree(con, text)


def _judge_without_tree(con: duckdb.DuckDBPyConnection, text: str) -> None:
    """The same where DuckDB gives no tree of the text: of EXPLAIN, and of a PIVOT that does not name its values.

    And of all that is no read.
    """
    tokens = _tokens(text)
    count = _statements(tokens)
    if count != 1:
        raise _no_single_read(f"{count} statements")
    first = tokens[0].text
    if first == "explain":
        inner = text.encode()[_explained(tokens).at :].decode()
        trouble, _, called, read = con.execute(_TREE, [inner]).fetchall()[0]
        if trouble is not None:
            pivots = any(token.text.startswith("pivot") for token in tokens)
            raise _no_single_read("an explanation of no SELECT", _PIVOT_NAMED if pivots else _ONE_AT_A_TIME)
        _judge_calls(con, called, read)
    elif first in _BEGINS and any(token.text.startswith("pivot") and not token.quoted for token in tokens):
        calls = [token for token, after in pairwise(tokens) if after.text == "("]
        # The lexer takes other spaces than those of ASCII for letters, the parser does not.
        names = [name for call in calls for name in ([call.text] if call.quoted else _NAME.findall(call.text))]
        _judge_calls(con, names, names)
        _judge_pivot(con, text)
    else:
        raise _no_single_read(first)


def _judge_pivot(con: duckdb.DuckDBPyConnection, text: str) -> None:
    """DuckDB makes statements of such a PIVOT: the types of its values, by no words of the text, and a SELECT."""
    *before, last = con.extract_statements(text)
    made = all(one.type == duckdb.StatementType.CREATE and not one.query for one in before)
    if not made or last.type not in _READS:
        raise _no_single_read(last.type.name.lower())


def _judge_calls(con: duckdb.DuckDBPyConnection, called: Iterable[str], read: Iterable[str]) -> None:
    """Raise if one of the functions does more than read."""
    effects = {name.lower() for name in called} & EFFECTS
    unknown = {name.lower() for name in read} - READERS
    if unknown:
        internal = dict(con.execute(_TABLE_FUNCTIONS).fetchall())
        # A name that is no function is for DuckDB to refuse, which says what may have been meant.
        effects |= {name for name in unknown if internal.get(name)}
    if effects:
        raise QueryError(
            "The query is not a single read",
            found=f"it calls {', '.join(sorted(effects))}, which may do more than read",
            expected="tables of the lake, files of your own, and functions that only read",
            action="leave that out; `sillage sql … --output FILE` writes a result to a file",
        )


def _no_single_read(found: str, action: str = _ONE_AT_A_TIME) -> QueryError:
    return QueryError(
        "The query is not a single read",
        found=found,
        expected="one SELECT (or WITH … SELECT, PIVOT, DESCRIBE, EXPLAIN)",
        action=action,
    )


def _tokens(text: str) -> list[_Token]:
    """Words and signs of a query as DuckDB's own lexer cuts them; constants are there as their first sign."""
    data = text.encode()
    found = []
    for at, _ in duckdb.tokenize(text):
        match = _WORD.match(data, at)
        word = match.group().decode("utf-8", "replace") if match else ""
        quoted = len(word) > 1 and word.startswith('"')
        found.append(_Token(at, (word[1:-1].replace('""', '"') if quoted else word).lower(), quoted))
    return found


def _statements(tokens: list[_Token]) -> int:
    """How many statements the tokens are; those of which nothing is there do not count."""
    ends = [True, *(token.text == ";" and not token.quoted for token in tokens)]
    return sum(before and not now for before, now in pairwise(ends))


def _explained(tokens: list[_Token]) -> _Token:
    """The token that what is explained begins with, behind ``EXPLAIN [ANALYZE] [(option, …)]``."""
    rest = tokens[1:]
    if rest and rest[0].text == "analyze":
        rest = rest[1:]
    if len(rest) > 1 and rest[0].text == "(" and rest[1].text in ("analyze", "format"):
        closing = next((n for n, token in enumerate(rest) if token.text == ")"), len(rest))
        rest = rest[closing + 1 :]
    return rest[0] if rest else tokens[-1]
