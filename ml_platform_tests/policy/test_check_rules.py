from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.policy.row_rules import Implies, columns_of
from ml_platform_tests.policy.files import MODEL, changed, load_text
from ml_platform_tests.policy.test_load import problems_of

FEATURES = "  features: parcels.features"


def with_rules(*rules: str) -> tuple[str, str]:
    return FEATURES, "\n".join(["  rules:", *(f"    {rule}" for rule in rules), FEATURES])


GOOD = (
    "comes_later: {kind: compare, left: arrived, sign: '>=', right: sent}",
    "not_so_old: {kind: compare, left: sent, sign: '>', value: 2000-01-01T00:00:00Z}",
    "by_sea: {kind: implies, when: [{kind: present, column: weight}], then: [{kind: present, column: carrier}]}",
    "somewhere: {kind: any_of, of: [{kind: present, column: region}, {kind: missing, column: carrier}]}",
    "late_or_not: {kind: compare, left: late, sign: '==', value: true}",
    "both: {kind: together, columns: [region, carrier]}",
    "all_there: {kind: present, column: region}",
    "adds_up: {kind: sum, of: [weight], minus: [person], right: weight, within: 0.5}",
    "not_too_much: {kind: sum, of: [weight, person], sign: '<=', value: 60}",
    "known_region: {kind: one_of, column: region, values: ['1', b]}",
)


def test_rules_of_every_kind_are_read(tmp_path: Path) -> None:
    rules = load_text(tmp_path, changed(with_rules(*GOOD))).spec.rules
    assert len(rules) == len(GOOD)
    assert isinstance(rules["by_sea"], Implies)
    assert [columns_of(rule) for rule in rules.values()] == [
        ("arrived", "sent"), ("sent",), ("weight", "carrier"), ("region", "carrier"), ("late",), ("region", "carrier"),
        ("region",), ("weight", "person"), ("weight", "person"), ("region",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{kind: compare, left: wieght, sign: '>', value: 1}", "names the column 'wieght'; known: late, sent, person"),
        ("{kind: compare, left: weight, sign: '>'}", "compares 'weight' with nothing; needed: right or value"),
        ("{kind: compare, left: weight, sign: '>', right: person, value: 1}", "compares 'weight' with two things"),
        ("{kind: compare, left: region, sign: '<', right: carrier}", "asks for < of 'region', a category; needed: =="),
        ("{kind: compare, left: weight, sign: '<', right: sent}", "compares 'weight' (number) with 'sent' (datetime)"),
        ("{kind: compare, left: weight, sign: '<', value: '3'}", "holds '3' against 'weight', a number; needed: a num"),
        ("{kind: compare, left: weight, sign: '==', value: true}", "holds true against 'weight', a number; needed: a"),
        ("{kind: compare, left: late, sign: '==', value: 1}", "holds 1 against 'late', a boolean; needed: true or fal"),
        ("{kind: compare, left: sent, sign: '<', value: 2024-01-01}", "holds '2024-01-01' against 'sent', a datetime"),
        ("{kind: compare, left: sent, sign: '<', value: soon}", "holds 'soon' against 'sent', a datetime; needed: a t"),
        ("{kind: one_of, column: region, values: [1]}", "holds 1 against 'region', a category; needed: text (in quot"),
        ("{kind: one_of, column: carrier, values: [see]}", "holds 'see' against 'carrier'; known: land, sea, air. Did"),
        ("{kind: any_of, of: [{kind: compare, left: weight, sign: '>'}]}", "compares 'weight' with nothing"),
        ("{kind: implies, when: [{kind: present, column: late}], then: [{kind: one_of, column: late, values: [a]}]}",
         "holds 'a' against 'late'"),
        ("{kind: sum, of: [weight]}", "compares a sum with nothing; needed: right or value"),
        ("{kind: sum, of: [weight], right: person, value: 2}", "compares a sum with two things; needed: right or val"),
        ("{kind: sum, of: [sent], value: 2}", "adds 'sent', a datetime; needed: columns of type integer or number"),
        ("{kind: sum, of: [weight], sign: '<', value: 2, within: 1}", "has within for <; needed: within only for =="),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(tmp_path: Path, rule: str, said: str) -> None:
    problems = problems_of(tmp_path, with_rules(f"odd: {rule}"))
    assert len(problems) == 1
    assert problems[0].startswith(f"late/defs.yaml:23: rules.odd {said}")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("odd: {kind: eval, code: exit}", "23: rules.odd.kind is 'eval'; known: compare, one_of, present, missing"),
        ("odd: {kind: compare, left: weight, sign: '=', value: 1}", "23: rules.odd.sign is '='; known: ==, !=, <"),
        ("odd: {kind: compare, left: weight, sign: '>', value: []}", "23: rules.odd.value is []; needed: "),
        ("Odd: {kind: present, column: weight}", "23: rules.Odd: the name 'Odd' can't be used; needed: small letters"),
        ("odd: {kind: together, columns: [weight]}", '23: rules.odd.columns is ["weight"]; needed: at least 2 entr'),
        ("odd: {kind: implies, when: [], then: []}", "23: rules.odd.then is []; needed: at least 1 entries"),
        ("odd: {kind: any_of, of: [{kind: sum, of: [weight], value: 1}]}", "23: rules.odd.of[0].kind is 'sum'; known"),
    ],
)  # fmt: skip
def test_a_rule_of_a_wrong_form_is_refused(tmp_path: Path, rule: str, said: str) -> None:
    assert problems_of(tmp_path, with_rules(rule))[0].startswith(f"late/defs.yaml:{said}")


def test_a_rule_about_a_column_that_is_broken_itself_is_not_blamed(tmp_path: Path) -> None:
    rule = with_rules("odd: {kind: present, column: weight}")
    problems = problems_of(tmp_path, rule, ("weight: {type: number", "weight: {type: numbers"))
    assert len(problems) == 1
    assert "contract.weight.type" in problems[0]


REGION = "region: {type: category, role: group}"
WEIGHT = "weight: {type: number, range: [0, 60]}"
SENT = "sent: {type: datetime, role: time}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (REGION, "region: {type: category, role: group, format: country}"),
        (REGION, "region: {type: category, role: group, pattern: '[A-Z]{2}'}"),
        (WEIGHT, "weight: {type: number, coerce: []}"),
        (WEIGHT, "weight: {type: number, coerce: [{kind: text_to_number, decimal: ',', thousands: .}]}"),
        (WEIGHT, "weight: {type: number, coerce: [{kind: boolean_to_number}]}"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: text_to_datetime, format: '%d.%m.%Y %H:%M'}]}"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: text_to_datetime, zone: Europe/Berlin}]}"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: text_to_datetime, format: '%Y-%j'}]}"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: local_to_datetime, zone: UTC}]}"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: number_to_datetime, unit: seconds}]}"),
    ],
)
def test_formats_patterns_and_coercions_are_read(tmp_path: Path, old: str, new: str) -> None:
    assert load_text(tmp_path, changed((old, new))).spec.model == "late"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (REGION, "region: {type: category, format: contry}", "20: contract.region.format is 'contry'; known: email, u"),
        (WEIGHT, "weight: {type: number, format: iban}", "18: contract.weight.format is given for a column of type n"),
        (WEIGHT, "weight: {type: number, pattern: a}", "18: contract.weight.pattern is given for a column of type num"),
        (REGION, "region: {type: category, pattern: '[A-Z'}",
         "20: contract.region.pattern is '[A-Z', but missing ]: [A-Z; needed: an expression in RE2's syntax"),
        (REGION, "region: {type: category, pattern: 'a)|(b'}", "20: contract.region.pattern is 'a)|(b', but unexpect"),
        (REGION, "region: {type: category, pattern: ''}", "20: contract.region.pattern is '', but it is empty"),
        (REGION, "region: {type: category, pattern: " + "a" * 201 + "}",
         f"20: contract.region.pattern is '{'a' * 59}…', but it has 201 characters, at most 200 are read"),
        (WEIGHT, "weight: {type: number, coerce: [{kind: text_to_datetime}]}",
         "18: contract.weight.coerce[0] is text_to_datetime for a column of type number; needed: type datetime"),
        (REGION, "region: {type: category, coerce: [{kind: text_to_number}]}",
         "20: contract.region.coerce[0] is text_to_number for a column of type category; needed: type number or int"),
        (WEIGHT, "weight: {type: number, coerce: [{kind: text_to_number, thousands: .}]}",
         "18: contract.weight.coerce[0] has '.' for decimals and for thousands; needed: two different signs"),
        (WEIGHT, "weight: {type: number, coerce: [{kind: text_to_number}, {kind: text_to_number, decimal: ','}]}",
         "18: contract.weight.coerce states 'text_to_number' more than once; needed: each kind once"),
        (WEIGHT, "weight: {type: number, coerce: [{kind: magic}]}", "18: contract.weight.coerce[0].kind is 'magic'"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: text_to_datetime, format: '%d.%m.%Q'}]}",
         "16: contract.sent.coerce[0] has the format '%d.%m.%Q' with %Q; known: %B, %H"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: text_to_datetime, format: '%d.%m.%Y %d'}]}",
         "16: contract.sent.coerce[0] has the format '%d.%m.%Y %d', which says something twice"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: text_to_datetime, format: '%m.%Y'}]}",
         "16: contract.sent.coerce[0] has the format '%m.%Y', which names no day"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: text_to_datetime, format: '%d.%m'}]}",
         "16: contract.sent.coerce[0] has the format '%d.%m', which names no day"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: text_to_datetime, zone: Mars/Base}]}",
         "16: contract.sent.coerce[0] has the zone 'Mars/Base', which isn't known; needed: UTC or a name as Europe"),
        (SENT, "sent: {type: datetime, role: time, coerce: [{kind: local_to_datetime, zone: ../x}]}",
         "16: contract.sent.coerce[0] has the zone '../x', which isn't known"),
    ],
)  # fmt: skip
def test_formats_patterns_and_coercions_that_make_no_sense_are_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert problems_of(tmp_path, (old, new))[-1].startswith(f"late/defs.yaml:{said}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("true_words: [], false_words: [n]", "has no words for true or none for false; needed: at least one each"),
        ("true_words: [j, n], false_words: [n]", "has 'n' for true and for false; needed: different words"),
        ("true_words: [j], false_words: [n]", ""),
    ],
)
def test_words_for_truths_have_to_differ(tmp_path: Path, words: str, said: str) -> None:
    column = f"late: {{type: boolean, role: target, coerce: [{{kind: text_to_boolean, {words}}}]}}"
    change = ("late: {type: boolean, role: target}", column)
    if said:
        assert problems_of(tmp_path, change) == [f"late/defs.yaml:15: contract.late.coerce[0] {said}"]
    else:
        assert load_text(tmp_path, changed(change, text=MODEL)).spec.contract["late"].is_text
