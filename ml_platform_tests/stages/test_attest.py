"""Signed evidence: the platform and the program for auditors accept it as it was signed, and nothing else."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.digest import canonical_json, digest_of_bytes
from ml_platform.core.dsse import read_envelope, seal, write_envelope
from ml_platform.core.errors import DataInvalid
from ml_platform.core.public_keys import written_keys
from ml_platform.core.records import ReleaseRecord
from ml_platform.policy.gates import AtLeast, AtMost, Between, Gate, Holds, Waiver
from ml_platform.policy.resolve import content_of, make_policy, parse_content
from ml_platform.stages import evidence as evidence_stage
from ml_platform.stages import verify_bundle
from ml_platform.stages.attest import FILE, KIND, PAYLOAD, VERIFIER, sign_evidence
from ml_platform.stages.attested import attested_problems, bundle_objections, read_attested
from ml_platform.stages.evidence import read_evidence
from ml_platform.stages.objection import Refused
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stages.statements import Making
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.signing import FakeSigning
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, candidate, evidence_of, parts, policy

SIGNING = FakeSigning()
MAKING = Making(released_by="alice", run_id="run", platform="0.1.0", training={"rounds": 7})
WAIVER = Waiver(gate="split_is_good", owner="Kim", reason="for this test alone", expires=NOW.date())
POLICY = policy(waivers=[WAIVER])


def bundle(values: dict[str, float | None] | None = None) -> bytes:
    its_candidate = candidate("a" * 64)
    its_evidence = evidence_of(POLICY, its_candidate, parts(POLICY, its_candidate, values or {}))
    return sign_evidence(SIGNING, evidence=its_evidence, policy=POLICY, making=MAKING)


GOOD = bundle()
KEYS: list[dict[str, Any]] = json.loads(written_keys(SIGNING.public_keys()))["keys"]


def platforms(content: bytes) -> list[str]:
    """Return what the platform has against a bundle."""
    try:
        return attested_problems(read_attested(content, SIGNING, "here"))
    except DataInvalid as error:
        return [str(error)]


def auditors(content: bytes) -> list[str]:
    """Return what the auditors' program has against it."""
    return verify_bundle.problems_of(content, KEYS)


def statements(content: bytes = GOOD) -> list[Any]:
    return [json.loads(read_envelope(line, "here").payload) for line in content.splitlines()]


def signed_again(provenance: object, summary: dict[str, Any], *, signing: FakeSigning = SIGNING) -> bytes:
    """Sign statements as somebody would who has the platform's key, with the digest between them put right."""
    first = write_envelope(seal(signing, PAYLOAD, canonical_json(provenance).encode()))
    summary["predicate"]["inputAttestations"] = [{"digest": {"sha256": digest_of_bytes(first.encode())}}]
    second = write_envelope(seal(signing, PAYLOAD, canonical_json(summary).encode()))
    return f"{first}\n{second}\n".encode()


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where each plain value of a JSON document stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))
    else:
        yield path


def another(value: object) -> object:
    match value:
        case bool() | None:
            return "other"
        case int() | float():
            return value + 1
        case _:
            return f"{value}x"


def altered(document: Any, path: tuple[str | int, ...]) -> Any:
    changed = copy.deepcopy(document)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = another(inside[path[-1]])
    return changed


def test_what_was_signed_is_accepted_by_both() -> None:
    assert platforms(GOOD) == auditors(GOOD) == []
    attested = read_attested(GOOD, SIGNING, "here")
    assert attested.making == MAKING
    assert attested.policy.digest == POLICY.digest
    provenance, summary = statements()
    assert provenance["predicateType"] == "https://slsa.dev/provenance/v1"
    assert summary["predicate"]["policy"]["digest"] == {"sha256": POLICY.digest}


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
@settings(max_examples=25, deadline=None)
def test_one_changed_byte_is_refused_by_both(place: int, change: int) -> None:
    content = bytearray(GOOD)
    content[place] ^= change
    assert platforms(bytes(content))
    assert auditors(bytes(content))


@given(st.integers(0, 1), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_one_changed_field_breaks_the_signature_for_both(line: int, rng: Any) -> None:
    lines = GOOD.splitlines()
    envelope = json.loads(lines[line])
    changed = altered(statements()[line], rng.choice(list(places(statements()[line]))))
    envelope["payload"] = base64.b64encode(canonical_json(changed).encode()).decode()
    lines[line] = canonical_json(envelope).encode()
    content = b"\n".join(lines) + b"\n"
    assert platforms(content)
    assert auditors(content)


# What decides: nobody may change it, not even with the platform's key.
DECIDING = [
    path
    for path in places(statements()[1])
    if "ml_platform_policy" in path
    or path[0] == "subject"
    or path[-1] in {"outcome", "policy_digest", "subject_digest", "stage", "gate", "severity", "control"}
    or (len(path) > 3 and path[2] == "candidate")
]


@pytest.mark.parametrize("start", range(6))
def test_what_is_forged_with_the_platform_s_own_key_still_has_to_fit_together(start: int) -> None:
    provenance, summary = statements()
    for path in DECIDING[start::60]:
        content = signed_again(provenance, altered(summary, path))
        assert platforms(content), path
        assert auditors(content), path


@pytest.mark.parametrize("start", range(2))
def test_data_that_is_not_the_candidate_s_is_refused_whoever_signed(start: int) -> None:
    provenance, summary = statements()
    for path in [path for path in places(provenance) if path[-1] in {"sha256", "gitCommit"}][start::4]:
        content = signed_again(altered(provenance, path), copy.deepcopy(summary))
        assert platforms(content), path
        assert auditors(content), path


@pytest.mark.parametrize(
    ("values", "open_"),
    [({}, True), ({"split": 0.1}, True), ({"model": 0.1}, False), ({"model": None}, False), ({"model": 0.5}, True)],
)
def test_both_judge_alike(values: dict[str, float | None], open_: bool) -> None:
    content = bundle(values)
    assert (platforms(content) == []) == open_
    assert (auditors(content) == []) == open_


@pytest.mark.parametrize("value", [0.1, 0.49, None])
def test_a_passed_whose_number_says_otherwise_is_refused_whoever_signed(value: float | None) -> None:
    provenance, summary = statements()
    for part in summary["predicate"]["ml_platform_evidence"]["parts"]:
        for verdict in part["verdicts"]:
            for measurement in (*verdict["measurements"], verdict["worst"]):
                if measurement and measurement["metric"] == "model_metric":
                    measurement["value"] = value
    content = signed_again(provenance, summary)
    assert platforms(content)
    assert any("model_is_good" in problem for problem in auditors(content))


def test_a_left_out_verdict_stage_or_gate_is_refused_whoever_signed() -> None:
    provenance, summary = statements()
    evidence = summary["predicate"]["ml_platform_evidence"]
    for less in (
        {**evidence, "parts": evidence["parts"][1:]},
        {**evidence, "parts": [*evidence["parts"], evidence["parts"][0]]},
        {**evidence, "parts": [{**evidence["parts"][0], "verdicts": []}, *evidence["parts"][1:]]},
    ):
        changed = copy.deepcopy(summary)
        changed["predicate"]["ml_platform_evidence"] = less
        content = signed_again(provenance, changed)
        assert platforms(content)
        assert auditors(content)


def test_another_s_key_or_a_retired_one_is_refused() -> None:
    other = signed_again(*statements(), signing=FakeSigning("mallory"))
    assert "isn't one of the platform's keys" in platforms(other)[0]
    assert auditors(other)
    retired = FakeSigning()
    retired.sign(b"")
    retired.retire(retired.keys[0].key_id, NOW)
    with pytest.raises(DataInvalid, match="was retired on"):
        read_attested(GOOD, retired, "here")
    keys = json.loads(written_keys(retired.public_keys()))["keys"]
    assert any("was retired" in problem for problem in verify_bundle.problems_of(GOOD, keys))


@pytest.mark.parametrize("content", [b"", b"\n\n", GOOD[:-1], GOOD + b"\n", GOOD.splitlines()[0] + b"\n"])
def test_what_is_no_bundle_is_refused(content: bytes) -> None:
    assert platforms(content)
    assert auditors(content)


def test_a_signed_text_that_is_no_statement_is_refused() -> None:
    for payload_type, payload in (("text/plain", b"{}"), (PAYLOAD, b"["), (PAYLOAD, b"[]"), (PAYLOAD, b"{}")):
        line = write_envelope(seal(SIGNING, payload_type, payload))
        content = f"{line}\n{line}\n".encode()
        assert platforms(content)
        assert auditors(content)


def test_a_policy_is_read_from_its_content() -> None:
    assert parse_content(json.loads(canonical_json(content_of(POLICY)))).digest == POLICY.digest
    with pytest.raises(ValueError, match="holds more or less"):
        parse_content({**content_of(POLICY), "approvals": {"production": 0}})


def test_the_program_s_constants_are_the_platform_s() -> None:
    from ml_platform.policy.metrics import TASKS

    assert verify_bundle.STAGES == evidence_stage.STAGES
    assert set(TASKS) == verify_bundle.TASKS


NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]), st.floats(-2, 2))
COMMON: dict[str, Any] = {
    "control": "C",
    "stage": "split",
    "why": "w",
    "next_step": "n",
    "metric": "m",
    "minimum_n": 10,
}
GATES = st.one_of(
    st.builds(
        lambda on: AtLeast(kind="at_least", limit=0.5, judged_on=on, **COMMON),
        st.sampled_from(["value", "low", "interval"]),
    ),
    st.builds(
        lambda on: AtMost(kind="at_most", limit=0.5, judged_on=on, **COMMON),
        st.sampled_from(["value", "high", "interval"]),
    ),
    st.builds(
        lambda on, reveals: Between(kind="between", limit=(0.3, 0.7), judged_on=on, reveals=reveals, **COMMON),
        st.sampled_from(["value", "interval"]),
        st.sampled_from([None, 0.1]),
    ),
    st.just(Holds(kind="holds", **COMMON)),
)


@given(
    GATES,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from([9, 10]),
    st.sampled_from([{}, {"smallest_detectable": 0.1}, {"smallest_detectable": 0.2}]),
)
@settings(max_examples=60, deadline=None)
def test_the_program_judges_as_the_platform_does(
    gate: Gate, value: float | None, low: float | None, high: float | None, n: int, facts: dict[str, float]
) -> None:
    import msgspec

    from ml_platform.core.measurement import Measurement
    from ml_platform.policy.judge import outcome_of

    measured = Measurement(metric="m", value=value, low=low, high=high, n=n, facts=facts)
    plain = json.loads(msgspec.json.encode(measured))
    assert verify_bundle.outcome_of_one(gate.model_dump(mode="json"), plain) == outcome_of(gate, measured)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FakeLedger(), FakeStore(tmp_path), policy())


def attempt(world: World, release: ReleaseRecord) -> Promoted | Refused:
    return promote(
        world.policy, store=world.store, ledger=world.ledger, verifier=world.signing, model=MODEL,
        version=release.version, environment="production", actor="bob", reason="a test", now=NOW,
        conditions=frozenset({"always"}),
    )  # fmt: skip


def refusal(world: World, release: ReleaseRecord) -> str:
    refused = attempt(world, release)
    assert isinstance(refused, Refused)
    return "; ".join(refused.reasons)


def test_signed_evidence_opens_the_lock(world: World) -> None:
    assert isinstance(attempt(world, world.release()), Promoted)


def test_a_version_from_before_signing_has_to_be_released_again(world: World) -> None:
    signed = world.release()
    unsigned = replace(signed, bundle_digest="")
    world.ledger.versions[MODEL] = [unsigned]  # type: ignore[attr-defined]
    assert "isn't signed, as it was made before evidence was: release again" in refusal(world, unsigned)


def test_a_missing_an_altered_and_another_s_bundle_refuse(world: World, tmp_path: Path) -> None:
    first, second = world.release("one"), world.release("two")
    path = tmp_path / KIND / first.bundle_digest / FILE
    content = path.read_bytes()
    path.write_bytes(content.replace(b"a", b"b", 1))
    assert "was altered" in refusal(world, first)
    world.store.hashes.clear()  # type: ignore[attr-defined]
    assert "its content was altered" in refusal(world, first)
    path.unlink()
    assert "is gone" in refusal(world, first)
    swapped = replace(first, bundle_digest=second.bundle_digest)
    world.ledger.versions[MODEL] = [swapped, second]  # type: ignore[attr-defined]
    assert "isn't the evidence of this version" in refusal(world, swapped)


def test_a_bundle_by_an_unknown_key_refuses(world: World) -> None:
    mallory = World(world.ledger, world.store, world.policy, FakeSigning("mallory"))
    assert "isn't one of the platform's keys" in refusal(world, mallory.release())


def test_somebody_else_s_release_is_not_what_was_signed(world: World) -> None:
    release = replace(world.release(), released_by="carol")
    evidence = read_evidence(world.store, release.evidence_digest)
    (objection,) = bundle_objections(world.store, world.signing, release, evidence)
    assert "isn't the evidence of this version" in objection.reason


def test_the_program_beside_the_bundle_runs_with_the_standard_library_alone(world: World, tmp_path: Path) -> None:
    release = world.release()
    folder, keys = tmp_path / KIND / release.bundle_digest, tmp_path / "keys.json"
    keys.write_text(written_keys(world.signing.public_keys()))
    model = tmp_path / "models" / release.candidate.model_digest

    def verify(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", str(folder / VERIFIER), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    good = verify(folder / FILE, keys, model)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("good: signed")
    (model / "model.txt").write_text("other trees")
    assert f"isn't the model {release.candidate.model_digest}" in verify(folder / FILE, keys, model).stderr
    (folder / FILE).write_bytes(GOOD[:-9])
    assert verify(folder / FILE, keys).returncode == 1
    assert "python verify_bundle.py" in verify().stderr


def test_main_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bundle").write_bytes(GOOD)
    (tmp_path / "keys").write_text(written_keys(SIGNING.public_keys()))
    assert verify_bundle.main([str(tmp_path / "bundle"), str(tmp_path / "keys")]) == 0
    (tmp_path / "bundle").write_bytes(b"")
    assert verify_bundle.main([str(tmp_path / "bundle"), str(tmp_path / "keys")]) == 1
    assert "REFUSED" in capsys.readouterr().out
    assert verify_bundle.main([]) == 2


def test_an_empty_policy_proves_nothing() -> None:
    nothing = make_policy({}, (), {}, ())
    its_candidate = candidate("a" * 64)
    content = sign_evidence(SIGNING, evidence=evidence_of(nothing, its_candidate, {}), policy=nothing, making=MAKING)
    assert platforms(content)
    assert auditors(content)
