from __future__ import annotations

import contextlib
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.policy.select_only import names_in, objection


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM orders",
        "select a from t where b = ';' and c = 'it''s; DELETE';",
        'SELECT "update", `set` FROM t ORDER BY 1',
        "WITH recent AS (SELECT * FROM t WHERE at > :low) SELECT count(*), max(at) FROM recent",
        "SELECT replace(a, 'x', 'y') FROM t",
        "SELECT a -> 'b' #> 'c' FROM t",
    ],
)
def test_one_select_is_fine(query: str) -> None:
    assert objection(query) is None


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "begins with ''"),
        ("(SELECT 1)", "begins with '('"),
        ("UPDATE t SET a = 1", "begins with 'UPDATE'"),
        ("SELECT 1; DROP TABLE t", "more than one statement"),
        ("SELECT 1;;", "more than one statement"),
        ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", "the word 'DELETE'"),
        ("SELECT * INTO copied FROM t", "the word 'INTO'"),
        ("SELECT a FROM t FOR UPDATE", "the word 'UPDATE'"),
        (r"SELECT 'a\'' ; DROP TABLE t; --'", "a backslash"),
        ("SELECT 1--1; DROP TABLE t", "more than one statement"),
        ("SELECT 1 -- so", "a comment"),
        ("SELECT 1 /*! , sleep(9) */", "a comment"),
        ("SELECT 1 # so", "a comment"),
        ("SELECT $$ ' $$, 2", "a dollar sign"),
        ("SELECT $$ a $$", "a dollar sign"),
        ("SELECT 'open", "a quote that isn't closed"),
    ],
)
def test_anything_else_is_refused(query: str, reason: str) -> None:
    assert reason in str(objection(query))


WORDS = "SELECT WITH a t FROM ' '' \" ; -- /* */ ( ) , * = 1 :x DELETE INSERT INTO DROP TABLE UPDATE SET \\ $$".split()
PIECES = st.sampled_from([*WORDS, "\n"])


@settings(deadline=None, max_examples=80)
@given(st.lists(PIECES, max_size=12), st.booleans())
def test_what_is_let_through_changes_no_database(pieces: list[str], spaced: bool) -> None:
    query = "SELECT " + (" " if spaced else "").join(pieces)
    if objection(query) is not None:
        return
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (a)")
    database.execute("INSERT INTO t VALUES (1)")
    database.commit()
    before = database.total_changes
    with contextlib.suppress(sqlite3.Error):
        database.execute(query, dict.fromkeys(names_in(query), 1)).fetchall()
    assert (database.total_changes, database.execute("SELECT * FROM t").fetchall()) == (before, [(1,)])
    database.close()
