"""What a source's tables have to make sense of: where they are, that nothing secret is written down, reading only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from ml_platform.policy.problems import Problem, seen
from ml_platform.policy.sections import Sections
from ml_platform.policy.select_only import names_in, objection
from ml_platform.policy.spec import FileTable, PackageTable, PersonalData, SqlTable, Table, UrlTable

_SECRET = re.compile(r"(?i)(pass|pwd|secret|token|api_?key|signature|credential)\w*\s*(=|%3d)")
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?")


def check_source(sections: Sections) -> Iterator[Problem]:
    """Yield what is wrong with the well-formed tables; a URL with a secret in it is never repeated."""
    for name, table in sections.tables.items():
        for key, text in (*_problems(table), *_keeping_problems(table, sections)):
            where = ("source", "tables", name, *([key] if key else []))
            yield Problem(where, f"{'.'.join(where)} {text}")


def _problems(table: Table) -> Iterator[tuple[str, str]]:
    match table:
        case SqlTable():
            yield from _sql_problems(table)
        case UrlTable():
            yield from _url_problems(table.url, "a plain URL, and credentials in the environment of the platform")
        case PackageTable() | FileTable():
            pass
        case _:
            assert_never(table)


def _keeping_problems(table: Table, sections: Sections) -> Iterator[tuple[str, str]]:
    direct = [name for name, column in sections.columns.items() if column.personal_data is PersonalData.DIRECT]
    if not isinstance(table, PackageTable) and table.incremental is not None and direct:
        text = f"keeps rows as they are read, but contract.{direct[0]} is 'direct' personal data; read the table whole"
        yield "incremental", text


def _sql_problems(table: SqlTable) -> Iterator[tuple[str, str]]:
    yield from _one_of(url=table.url, setting=table.setting)
    yield from _one_of(query=table.query, table=table.table)
    if table.url is not None:
        yield from _url_problems(table.url, "`setting: NAME`, and the URL in the variable ML_PLATFORM_SOURCE_NAME")
    if table.table is not None and not _PLAIN_NAME.fullmatch(table.table):
        yield "table", f"is {seen(table.table)}; needed: a plain name, or schema.name; write a `query` for others"
    asked: set[str] = set()
    for key, query in (("query", table.query), ("fingerprint", table.fingerprint)):
        if query is not None:
            asked |= names_in(query)
            reason = objection(query)
            if reason is not None:
                yield key, f"{reason}; needed: one SELECT that only reads"
    yield from _parameter_problems(asked, set(table.parameters))


def _one_of(**said: str | None) -> Iterator[tuple[str, str]]:
    given = [key for key, value in said.items() if value is not None]
    if len(given) != 1:
        yield given[0] if given else "", f"has {' and '.join(given) or 'neither'}; needed: one of {' and '.join(said)}"


def _url_problems(url: str, instead: str) -> Iterator[tuple[str, str]]:
    who = url.partition("://")[2].rpartition("@")[0]
    if ":" in who or _SECRET.search(url):
        yield "url", f"holds a password or another secret, which no model file may; needed: {instead}"


def _parameter_problems(asked: set[str], given: set[str]) -> Iterator[tuple[str, str]]:
    if asked - given:
        yield "parameters", f"lacks {', '.join(sorted(asked - given))}; needed: a value for each :name of the query"
    if given - asked:
        yield "parameters", f"has {', '.join(sorted(given - asked))}, which no query names; write :name, or remove it"
