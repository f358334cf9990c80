"""Verify a release's signed evidence with Python's standard library alone.

    python verify_bundle.py bundle.intoto.jsonl public_keys.json [FOLDER_OF_THE_MODEL]

The public keys must come from somewhere else than the bundle: `ml-platform keys public` exports them. Checked are both
signatures (Ed25519, RFC 8032, in DSSE envelopes), every digest that one part has of another, and that each verdict
follows from its measurements and the policy's limit; with a folder, also the model's files. Exit 1: something is wrong.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Any

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
BASE_Y = 4 * pow(5, -1, PRIME) % PRIME
STAGES = ("source", "snapshot", "quarantine", "split", "features", "model", "evaluation", "release")
TASKS = {"binary", "multiclass", "regression", "quantile"}
PAYLOAD = "application/vnd.in-toto+json"
KINDS = ("https://slsa.dev/provenance/v1", "https://slsa.dev/verification_summary/v1")
GRAVEST_FIRST = ("failed", "undecided", "passed")
OPEN = ("passed", "waived", "not_applicable")

Point = tuple[int, int, int, int]
Json = dict[str, Any]


def add(one: Point, other: Point) -> Point:
    """Add two points of the curve in extended coordinates (RFC 8032, 5.1.4)."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % PRIME
    b = (one[1] + one[0]) * (other[1] + other[0]) % PRIME
    c = 2 * one[3] * other[3] * CURVE % PRIME
    d = 2 * one[2] * other[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)


def times(number: int, point: Point) -> Point:
    """Add a point to itself so many times."""
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point, number = add(point, point), number >> 1
    return result


def decode(text: bytes) -> Point | None:
    """Return the point that 32 bytes stand for; None when there is none (5.1.3)."""
    both = int.from_bytes(text, "little")
    sign, y = both >> 255, both & ((1 << 255) - 1)
    squared = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(squared, (PRIME + 3) // 8, PRIME)
    if (x * x - squared) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if (x * x - squared) % PRIME or y >= PRIME or (x == 0 and sign):
        return None
    x = PRIME - x if x % 2 != sign else x
    return (x, y, 1, x * y % PRIME)


def encode(point: Point) -> bytes:
    """Return the 32 bytes of a point (5.1.2)."""
    inverse = pow(point[2], -1, PRIME)
    x, y = point[0] * inverse % PRIME, point[1] * inverse % PRIME
    return (y | (x % 2) << 255).to_bytes(32, "little")


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether a key signed exactly this message (5.1.7)."""
    key, base = decode(public) if len(public) == 32 else None, decode(BASE_Y.to_bytes(32, "little"))
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or base is None or len(signature) != 64 or scalar >= ORDER:
        return False
    hashed = hashlib.sha512(signature[:32] + public + message).digest()
    minus = (PRIME - key[0], key[1], 1, PRIME - key[3])
    found = add(times(scalar, base), times(int.from_bytes(hashed, "little") % ORDER, minus))
    return encode(found) == signature[:32]


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def digest_of(value: object) -> str:
    """Return the digest that the platform gives a value: the SHA-256 of its canonical JSON."""
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def opened(line: bytes, keys: list[Json]) -> tuple[Json, Json, bool]:
    """Return an envelope's statement, the platform's key that is named, and whether that key signed it."""
    envelope = json.loads(line)
    (signature,) = envelope["signatures"]
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
    key = next(one for one in keys if one["key_id"] == signature["keyid"] and not one["owner"])
    public = bytes.fromhex(key["public"])
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    right = kind == PAYLOAD and sha256(public)[:16] == key["key_id"]
    return json.loads(payload), key, right and is_signed(public, message, base64.b64decode(signature["sig"]))


def margin(gate: Json, value: float) -> float:
    """Return how far inside a gate's limit a value is; negative outside."""
    match gate["kind"]:
        case "at_least":
            return value - float(gate["limit"])
        case "at_most":
            return float(gate["limit"]) - value
        case "between":
            return min(value - float(gate["limit"][0]), float(gate["limit"][1]) - value)
        case _:
            return 0.0 if value == 1 else -1.0


def outcome_of_one(gate: Json, measured: Json) -> str:
    """Return what a gate says of one measurement; what isn't proven good is not passed."""
    bound = gate.get("judged_on", "value")
    judged = [measured["low"], measured["high"]] if bound == "interval" else [measured[bound]]
    if measured["value"] is None or None in judged or measured["n"] < gate["minimum_n"]:
        return "undecided"
    worst = min(margin(gate, value) for value in judged)
    if not (math.isfinite(worst) and worst >= 0):
        low, high = min(judged), max(judged)
        inside = [min(max(edge, low), high) for edge in gate["limit"]] if gate["kind"] == "between" else []
        best = max(margin(gate, value) for value in (low, high, *inside))
        return "undecided" if bound == "interval" and best >= 0 else "failed"
    smallest = measured["facts"].get("smallest_detectable")
    shown = isinstance(smallest, (int, float)) and math.isfinite(smallest)
    if gate["reveals"] is not None and not (shown and smallest <= gate["reveals"]):
        return "undecided"
    return "passed"


def is_left_out(gate: Json, conditions: set[str], tasks: Json) -> bool:
    """Say whether a gate doesn't apply under conditions."""
    measured_of, known = set(tasks.get(gate["metric"], ())), TASKS & conditions
    return gate["when"] not in {"always", *conditions} or bool(measured_of and known and not known & measured_of)


def outcome_of(gate: Json, part: Json, measurements: list[Json], rules: Json) -> str:
    """Return what a gate of the policy says of all its measurements, waivers counted."""
    if is_left_out(gate, set(part["conditions"]), rules["tasks"]):
        return "not_applicable"
    named = set(gate.get("subjects") or (one["subject"] for one in measurements))
    found = {outcome_of_one(gate, one) for one in measurements if one["subject"] in named}
    found |= set() if found and named <= {one["subject"] for one in measurements} else {"undecided"}
    outcome = next(each for each in GRAVEST_FIRST if each in found)
    waived = any(w["gate"] == gate["name"] and w["expires"] >= part["made_at"][:10] for w in rules["waivers"])
    return "waived" if outcome != "passed" and waived else outcome


def seen_of(gate: Json, measurements: list[Json]) -> set[str] | None:
    """Return the subjects that a gate's verdict holds everything about; None for all that were measured."""
    named = set(gate.get("subjects") or ())
    return named if named and named <= {one["subject"] for one in measurements} else None


def shared(verdict: Json, other: Json, gates: Json) -> list[Json]:
    """Return what a verdict has measured of the subjects that another one holds everything about."""
    seen = seen_of(gates[other["gate"]], other["measurements"])
    return [one for one in verdict["measurements"] if seen is None or one["subject"] in seen]


def stage_problems(part: Json, gates: Json, rules: Json) -> list[str]:
    """Return each gate of a stage whose verdict isn't what its measurements say, or that stops the path."""
    problems = []
    before: dict[str, list[Json]] = {}
    for verdict in part["verdicts"]:
        name, own = verdict["gate"], verdict["measurements"]
        gate = gates[name]
        again = outcome_of(gate, part, own, rules)
        said = tuple(verdict[each] for each in ("outcome", "severity", "control", "stage", "policy_digest"))
        needed = (again, gate["severity"], gate["control"], part["stage"], rules["digest"])
        if said != needed or not {each["metric"] for each in own} <= {gate["metric"]}:
            problems.append(f"gate {name}: recorded as {said[0]}, its measurements say {again}")
        elif again not in OPEN and gate["severity"] == "block":
            problems.append(f"gate {name} is {again}, and it stops the path")
        elif again == "not_applicable" and not is_left_out(gate, rules["known"], rules["tasks"]):
            problems.append(f"gate {name} applies, but was judged as if it didn't")
        others = before.setdefault(gate["metric"], [])
        if any(shared(one, verdict, gates) != shared(verdict, one, gates) for one in others):
            problems.append(f"gate {name}: another gate was judged on other measurements of the same")
        others.append(verdict)
    return problems


def verdict_problems(evidence: Json, policy: Json, tasks: Json, subjects: Json) -> list[str]:
    """Return each gate whose one verdict isn't there, isn't what its measurements say, or stops the path."""
    problems = []
    stages = [part["stage"] for part in evidence["parts"]]
    known = {condition for part in evidence["parts"] for condition in part["conditions"]}
    rules = {"waivers": policy["waivers"], "tasks": tasks, "known": known, "digest": evidence["policy_digest"]}
    if len(set(stages)) != len(stages) or not set(stages) <= set(STAGES):
        problems.append(f"the stages are {', '.join(stages)}; each once is needed")
    if not any(gate["stage"] in STAGES for gate in policy["gates"].values()):
        problems.append("the policy has no gates, so nothing was proven")
    parts = {part["stage"]: part for part in evidence["parts"]}
    for stage in STAGES:
        gates = {name: {**gate, "name": name} for name, gate in policy["gates"].items() if gate["stage"] == stage}
        part = parts.get(stage, {"verdicts": [], "subject_digest": "", "policy_digest": ""})
        if gates and (part["subject_digest"], part["policy_digest"]) != (subjects[stage], evidence["policy_digest"]):
            problems.append(f"the verdicts of {stage} are missing, or about another subject or policy")
            continue
        if sorted(verdict["gate"] for verdict in part["verdicts"]) != sorted(gates):
            problems.append(f"the verdicts of {stage} aren't one for each of the policy's gates")
            continue
        problems += stage_problems(part, gates, rules)
    return problems


def digest_problems(provenance: Json, summary: Json, line: bytes) -> list[str]:
    """Return each digest that isn't the one of what it names."""
    predicate, definition = summary["predicate"], provenance["predicate"]["buildDefinition"]
    evidence, policy = predicate["ml_platform_evidence"], predicate["ml_platform_policy"]
    candidate = evidence["candidate"]
    subjects = {one["name"]: one["digest"]["sha256"] for one in summary["subject"]}
    used = {one["name"]: one["digest"] for one in definition["resolvedDependencies"]}
    names = ("source", "snapshot", "split", "features", "code", "parameters", "environment")
    needed: Json = {name: {"sha256": candidate[f"{name}_digest"]} for name in names}
    needed["policy"] = {"sha256": evidence["policy_digest"]}
    needed["commit"] = {"gitCommit": candidate["git_commit"]}
    agreements = {
        "both statements are about the same": provenance["subject"] == summary["subject"],
        "the summary is of this provenance": predicate["inputAttestations"] == [{"digest": {"sha256": sha256(line)}}],
        "the candidate is the subject": subjects.get("candidate") == digest_of(candidate),
        "the model is the candidate's": subjects.get("model") == candidate["model_digest"],
        "the evaluation is the candidate's": subjects.get("evaluation") == candidate["evaluation_digest"],
        "what was used is the candidate's": used == needed,
        "the policy is the one that was judged by": digest_of(policy)
        == evidence["policy_digest"]
        == predicate["policy"]["digest"]["sha256"],
        "the time is the evidence's": predicate["timeVerified"] == evidence["made_at"],
        "the result is that all gates are open": predicate["verificationResult"] == "PASSED",
    }
    return [f"it isn't so that {claim}" for claim, true in agreements.items() if not true]


def problems_of(bundle: bytes, keys: list[Json]) -> list[str]:
    """Return everything that is wrong with a bundle."""
    try:
        lines = bundle.split(b"\n")
        if len(lines) != 3 or lines[2]:
            return ["a bundle has two signed lines"]
        signed = [opened(line, keys) for line in lines[:2]]
        (provenance, *_), (summary, *_) = signed
        time = summary["predicate"]["timeVerified"]
        problems = [f"line {number} isn't signed by its key" for number, one in enumerate(signed, 1) if not one[2]]
        for statement, key, _ in signed:
            retired = key["retired_at"]
            if retired is not None and dt.datetime.fromisoformat(time) >= dt.datetime.fromisoformat(retired):
                problems.append(f"the key {key['key_id']} was retired on {retired}, before {time}")
            if statement["_type"] != "https://in-toto.io/Statement/v1":
                problems.append("it isn't an in-toto statement")
        if (provenance["predicateType"], summary["predicateType"]) != KINDS:
            problems.append("it isn't a provenance and a verification summary")
        evidence = summary["predicate"]["ml_platform_evidence"]
        candidate = evidence["candidate"]
        subjects = {stage: candidate.get(f"{stage}_digest") for stage in STAGES}
        subjects.update(quarantine=candidate["snapshot_digest"], release=digest_of(candidate))
        policy, tasks = summary["predicate"]["ml_platform_policy"], summary["predicate"]["ml_platform_tasks"]
        problems += digest_problems(provenance, summary, lines[0])
        problems += verdict_problems(evidence, policy, tasks, subjects)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, StopIteration) as error:
        return [f"it can't be read, or no known key signed it ({type(error).__name__}: {error})"]
    return problems


def model_problems(bundle: bytes, folder: Path) -> list[str]:
    """Return whether a folder holds another model than the bundle is about."""
    payload = json.loads(base64.b64decode(json.loads(bundle.split(b"\n")[0])["payload"]))
    needed = {one["name"]: one["digest"]["sha256"] for one in payload["subject"]}["model"]
    if not folder.is_dir():
        return [f"{folder} is no folder; one with the model's files is needed"]
    content = {
        path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != "files.json"
    }
    if any(each.startswith(b"mlpseal") for each in content.values()):
        return [
            f"{folder} holds sealed files; the plain ones are needed: ml-platform show MODEL/VERSION --export FOLDER"
        ]
    files = {name: sha256(each) for name, each in content.items()}
    return [] if digest_of(files) == needed else [f"{folder} isn't the model {needed}"]


def main(arguments: list[str]) -> int:
    """Verify and say what is wrong."""
    if len(arguments) not in {2, 3}:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    bundle, keys = Path(arguments[0]).read_bytes(), json.loads(Path(arguments[1]).read_bytes())["keys"]
    problems = problems_of(bundle, keys)
    if len(arguments) == 3 and not problems:
        problems = model_problems(bundle, Path(arguments[2]))
    for problem in problems:
        sys.stderr.write(f"- {problem}\n")
    sys.stdout.write(
        "REFUSED\n" if problems else "good: signed, whole, and every verdict follows from what was measured\n"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
