from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_platform.policy.check_contract import check_contract
from ml_platform.policy.sections import sections_of
from ml_platform.policy.spec import Column, Role
from ml_platform.policy.translate import validate
from ml_platform.policy.yaml_lines import read_yaml
from ml_platform.stages.contract import check_rows
from ml_platform.stages.draft_contract import draft_contract
from ml_platform.stages.infer_contract import infer_contract


def drafted(frame: pd.DataFrame, folder: Path, **more: Any) -> tuple[dict[str, Column], str]:
    """Return a draft as the loader of model files reads it, and its text."""
    text = draft_contract(frame, source="table.csv", **more)
    path = folder / "draft.yaml"
    path.write_text(text, encoding="utf-8")
    document = read_yaml(path)
    assert document.problems == ()
    assert isinstance(document.value, dict)
    contract = document.value["contract"]
    assert isinstance(contract, dict)
    assert list(check_contract(sections_of({**document.value, "split": None}))) == [] or more.get("target") is None
    columns = {}
    for name, raw in contract.items():
        columns[name], problems = validate(Column, raw)
        assert problems == []
    return columns, text


def orders() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    n = 200
    return pd.DataFrame(
        {
            "at": pd.date_range("2024-01-01", periods=n, freq="h"),
            "amount": rng.lognormal(size=n).round(2),
            "text_amount": rng.normal(size=n).round(3).astype(str),
            "zip_code": rng.integers(10_000, 99_999, n),
            "channel": rng.choice(["yes", "no", "1:30", "2.0"], n),
            "country": [("DE", "FR", "GB", "IT", "ES", "PT", "NL", "BE", "AT", "CH")[i % 10] for i in range(n)],
            "number": np.arange(n),
            "known": rng.choice(["true", "false"], n),
            "late": rng.random(n) > 0.5,
            "empty": [None] * n,
            "remark": ["so long " * 40] * n,
            "mixed": [1, "a"] * (n // 2),
        }
    )


def test_a_draft_is_read_by_the_loader_and_the_rows_keep_it(tmp_path: Path) -> None:
    frame = orders()
    columns, text = drafted(frame, tmp_path, target="late")
    assert set(columns) == set(frame.columns) - {"remark"}
    assert columns["channel"].levels == ("1:30", "2", "no", "yes")
    assert columns["country"].format == "country"
    assert columns["zip_code"].range is None
    checked = check_rows("draft", columns, frame)
    assert checked.broken == {}
    assert checked.coerced == {}
    assert "  # remark is left out: it holds text longer than a contract does (256 characters)." in text
    assert "personal data" in text
    assert "guess: the zone" in text
    assert all(str(code) not in text for code in frame["zip_code"].iloc[:20])


def test_without_a_target_the_draft_asks_for_one(tmp_path: Path) -> None:
    _, text = drafted(orders()[["amount"]], tmp_path)
    assert "(type boolean, or integer with range [0, 1]).\n" in text


def test_a_table_without_a_time_or_an_entity_is_split_by_its_rows(tmp_path: Path) -> None:
    alone = "guess: a split by rows"
    assert alone in drafted(orders()[["amount"]], tmp_path)[1]
    assert alone not in drafted(orders()[["at", "amount"]], tmp_path)[1]
    numbered = orders()[["amount"]].assign(patient_id=[f"P{place}" for place in range(200)])
    assert alone not in drafted(numbered, tmp_path)[1]


def test_a_target_of_yes_and_no_is_drafted_as_the_loader_reads_it(tmp_path: Path) -> None:
    frame = orders()[["at", "amount"]].assign(sent_back=["Yes", "No"] * 100)
    columns, text = drafted(frame, tmp_path, target="sent_back")
    assert (columns["sent_back"].type, columns["sent_back"].role) == ("boolean", Role.TARGET)
    assert check_rows("draft", columns, frame).broken == {}
    assert 'true_words: ["Yes"], false_words: ["No"]' in text
    assert "guess: which words are true" in text


def test_european_numbers_days_and_words_are_drafted_with_the_conversion_they_need(tmp_path: Path) -> None:
    n = 400
    days = pd.date_range("2023-01-01", periods=n, freq="D")
    frame = pd.DataFrame(
        {
            "day": days.strftime("%d.%m.%Y"),
            "amount": [f"{i}.{i % 1000:03d},{i % 100:02d}" for i in range(1, n + 1)],
            "known": ["ja", "nein"] * (n // 2),
            "either": ["01/02/2024", "02/03/2024"] * (n // 2),
            "email": [f"p{i}@example.org" for i in range(n)],
        }
    )
    columns, text = drafted(frame, tmp_path)
    kinds = {name: column.type for name, column in columns.items()}
    assert kinds == {
        "day": "datetime", "amount": "number", "known": "boolean", "either": "category", "email": "category",
    }  # fmt: skip
    assert columns["day"].role is Role.TIME
    checked = check_rows("draft", columns, frame)
    assert checked.broken == {}
    assert checked.coerced == {}
    assert checked.frame["amount"].iloc[-1] == 400_400.0
    assert "guess: the time's format" in text
    assert "guess: how the numbers are written" in text
    assert "guess: which words are true" in text
    assert "day and month can't be told apart (%d/%m/%Y or %m/%d/%Y); state `coerce` if you know" in text


def test_the_conversion_of_a_persons_column_is_guessed_only_where_it_is_kept(tmp_path: Path) -> None:
    born = pd.date_range("1950-01-01", periods=200, freq="97D").strftime("%d.%m.%Y")
    columns, text = drafted(pd.DataFrame({"date_of_birth": born}), tmp_path)
    assert columns["date_of_birth"].personal_data != "none"
    assert columns["date_of_birth"].role is not Role.TIME
    assert born[7] not in text


def test_a_target_that_is_not_binary_is_told(tmp_path: Path) -> None:
    frame = orders()[["at", "amount"]].assign(state=["kept", "sent back"] * 100)
    text = draft_contract(frame, source="table.csv", target="state")
    assert "# a binary target is needed: type boolean with `coerce`, or integer with range [0, 1]\n" in text
    assert "a binary target" not in draft_contract(orders(), source="table.csv", target="late")
    assert "a binary target" not in draft_contract(frame.assign(state=[0, 1] * 100), source="x", target="state")


def test_a_date_of_birth_is_not_the_time_of_the_rows(tmp_path: Path) -> None:
    born = pd.date_range("1950-01-01", periods=200, freq="97D")
    columns, _ = drafted(pd.DataFrame({"date_of_birth": born, "at": orders()["at"]}), tmp_path)
    assert columns["date_of_birth"].personal_data != "none"
    assert [name for name, column in columns.items() if column.role is Role.TIME] == ["at"]
    columns, _ = drafted(pd.DataFrame({"date_of_birth": born}), tmp_path)
    assert columns["date_of_birth"].role is not Role.TIME


PEOPLE = ("Müller, Hans", "Schmidt, Eva", "Becker, Ilse", "Koch, Jürgen", "Wagner, Maria", "Bauer, Norbert")


def test_german_columns_of_persons_are_recognised_and_show_no_value(tmp_path: Path) -> None:
    n = 300
    born = [f"{1 + i % 28:02d}.{1 + i % 12:02d}.{1940 + i % 63}" for i in range(n)]
    frame = pd.DataFrame(
        {
            "GebDat": born,
            "birth_of_holder": born,
            "Kundenname": [PEOPLE[i % 6] for i in range(n)],
            "Name": [PEOPLE[i % 2] for i in range(n)],
            "customer": [f"{' '.join(reversed(PEOPLE[i % 6].split(', ')))}" for i in range(n)],
            "Vorname": [PEOPLE[i % 6].split(", ")[1] for i in range(n)],
            "Nachname": [PEOPLE[i % 6].split(", ")[0] for i in range(n)],
            "Geschlecht": ["m", "w", "d"] * (n // 3),
        }
    )
    columns, text = drafted(frame, tmp_path)
    classes = {name: column.personal_data.value for name, column in columns.items()}
    quasi = dict.fromkeys(("GebDat", "birth_of_holder", "Geschlecht"), "quasi")
    assert classes == {**dict.fromkeys(classes, "direct"), **quasi}
    assert all(column.role is not Role.TIME for column in columns.values())
    assert "levels" not in text
    assert "Müller" not in text
    assert "none of these seems to be one" not in text
    assert "guess: customer may be one" in text


def test_names_of_birth_are_believed_only_of_dates_a_lifetime_apart(tmp_path: Path) -> None:
    frame = pd.DataFrame({"birth_registered": pd.date_range("2024-01-01", periods=300, freq="D")})
    columns, _ = drafted(frame.assign(birth_weight=np.linspace(1800, 2030, 300)), tmp_path)
    assert columns["birth_registered"].role is Role.TIME
    years = pd.DataFrame({"born": np.arange(300) % 9 + 1990, "geboren_in": np.arange(300) % 60 + 1940})
    columns_of_years, _ = drafted(years, tmp_path)
    assert [column.personal_data.value for column in columns_of_years.values()] == ["none", "quasi"]
    assert columns["birth_weight"].personal_data == "none"


def test_levels_of_two_that_are_no_names_of_persons_stay(tmp_path: Path) -> None:
    columns, _ = drafted(pd.DataFrame({"name": ["Lufthansa", "Swiss"] * 50}), tmp_path)
    assert columns["name"].levels == ("Lufthansa", "Swiss")


def test_an_entity_is_proposed_the_number_of_a_person_that_repeats_first(tmp_path: Path) -> None:
    n = 300
    frame = pd.DataFrame(
        {
            "order": [f"A{i}" for i in range(n)],
            "patient_id": [f"P{i}" for i in range(n)],
            "customer_id": [f"C{i % 40}" for i in range(n)],
            "x": np.random.default_rng(1).normal(size=n),
        }
    )
    for columns, named in (
        (["order", "patient_id", "customer_id"], "customer_id"),
        (["order", "patient_id"], "patient_id"),
        (["order", "x"], "order"),
    ):
        assert f"guess: {named} may be one: give it `role: entity` if so." in drafted(frame[columns], tmp_path)[1]
    assert "No column has the role entity" not in drafted(frame[["x"]], tmp_path)[1]
    mails = frame[["x"]].assign(mail=[f"p{i % 99}@example.org" for i in range(n)])
    said = drafted(mails, tmp_path)[1]
    assert "none of these seems to be one" in said
    assert "nobody can be forgotten" in said


def test_a_split_is_proposed_that_the_times_have_room_for(tmp_path: Path) -> None:
    at = pd.Series(pd.date_range("2024-01-01", periods=400, freq="6h", tz="UTC"))
    _, text = drafted(pd.DataFrame({"at": at}), tmp_path)
    assert "#   source: as_of: 2024-04-10T00:00:00Z\n" in text
    parts = "validation_days: 10, calibration_days: 10, holdout_days: 20"
    assert f"#   split: {{kind: time, train_days: 60, {parts}}}\n" in text
    for times in (at[:30], at.where(at.index > 0, pd.Timestamp("1950-01-01", tz="UTC"))):
        assert "split" not in drafted(pd.DataFrame({"at": times}), tmp_path)[1]


def test_a_conversion_that_no_statement_allows_is_told(tmp_path: Path) -> None:
    columns, text = drafted(pd.DataFrame({"x": pd.to_timedelta([1, 2], unit="s")}), tmp_path)
    assert columns["x"].coerce is None
    assert "something else read as category: no statement allows it" in text


NAMES = st.text(min_size=1, max_size=6).filter(lambda text: text.isprintable() or text.isascii())
CELLS = st.one_of(
    st.lists(st.text(max_size=5), min_size=4, max_size=4),
    st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=4, max_size=4),
    st.lists(st.integers(-(2**40), 2**40), min_size=4, max_size=4),
    st.lists(st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30)), min_size=4, max_size=4),  # noqa: DTZ001
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, CELLS, min_size=1, max_size=3))
def test_whatever_the_names_and_texts_the_draft_says_what_was_inferred(tmp_path: Path, table: dict[str, Any]) -> None:
    frame = pd.concat([pd.DataFrame(table)] * 6, ignore_index=True)
    columns, _ = drafted(frame, tmp_path)
    expected = infer_contract(frame)
    for name, column in columns.items():
        hidden = expected[name].personal_data != "none"
        assert (column.type, column.missing, column.unique) == (
            expected[name].type, expected[name].missing, expected[name].unique,
        )  # fmt: skip
        assert hidden or (column.levels, column.range) == (expected[name].levels, expected[name].range)
