"""Who is told what: from the audit, each entry once per channel, the same cause not again, nothing lost."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.core.errors import Unavailable
from ml_platform.core.measurement import Measurement
from ml_platform.core.notice import Delivered, Notice
from ml_platform.core.records import EvidencePart
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.orchestration.live_look import AUTOMATIC
from ml_platform.policy.notifications import Channel, Notifications
from ml_platform.stages.notices import Known, notice_of
from ml_platform.stages.retraining import REQUESTED
from ml_platform.stages.tell import ACTION, MOST_AT_ONCE, Post, Told, tell, trial_notice
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy
from ml_platform_tests.stages.test_alarm_words import OUTSIDE

HOUR = dt.timedelta(hours=1)


@dataclass(slots=True)
class Pigeon:
    """A notifier that keeps what it was given, and fails while it is told to."""

    sent: list[Notice] = field(default_factory=list)
    failing: bool = False

    def send(self, notice: Notice) -> Delivered:
        if self.failing:
            raise Unavailable("chat: it answered 500")
        self.sent.append(notice)
        return Delivered(how="seen")


@dataclass(slots=True)
class Office:
    """A ledger, one channel, and a clock."""

    ledger: SqliteLedger
    wanted: Notifications
    pigeon: Pigeon = field(default_factory=Pigeon)
    known: Known = field(default_factory=Known)
    now: dt.datetime = NOW

    def tell(self) -> Told:
        return tell(self.post, self.wanted, {"chat": self.pigeon})[0]

    @property
    def post(self) -> Post:
        return Post(ledger=self.ledger, about=lambda _: self.known, now=self.now)

    def happens(self, action: str, subject: str, **payload: object) -> None:
        self.ledger.append(action, actor="kim", subject=subject, payload=payload, at=self.now)

    @property
    def world(self) -> World:
        return World(ledger=self.ledger, store=FakeStore(self.ledger.path.parent), policy=policy())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: NOW)
    found = Office(ledger, Notifications(channels={"chat": Channel(kind="apprise", hosts=("a.example",))}))
    found.happens("release_refused", MODEL, reasons=["from before the channel"])
    assert "begins now" in found.tell().why_not
    yield found
    ledger.close()


def refuse(office: Office, why: str = "auc = 0.6 [0.58, 0.62] (n = 900); needed: ≥ 0.7") -> None:
    office.happens("release_refused", MODEL, candidate="c" * 64, outcome="refused", reasons=[why])


def test_what_happened_before_a_channel_began_isnt_told(office: Office) -> None:
    assert office.tell() == Told(channel="chat")
    assert not office.pigeon.sent


def test_a_refusal_is_told_once_with_its_numbers_and_what_to_do(office: Office) -> None:
    refuse(office)
    assert office.tell().delivered == 1
    assert office.tell() == Told(channel="chat")
    [notice] = office.pigeon.sent
    assert notice.kind == "refused"
    assert notice.title == "flights: release refused"
    assert "0.6 [0.58, 0.62] (n = 900)" in notice.text()
    assert "candidate cccccccccccc" in notice.text()
    assert "controls flights" in notice.next_step


def test_who_was_killed_before_writing_it_down_sends_once_more_under_the_same_key(office: Office) -> None:
    refuse(office)
    killed = office.pigeon.send

    def send_and_die(notice: Notice) -> Delivered:
        killed(notice)
        raise KeyboardInterrupt

    dying = type("Dying", (), {"send": staticmethod(send_and_die)})()
    with pytest.raises(KeyboardInterrupt):
        tell(office.post, office.wanted, {"chat": dying})
    assert office.tell().delivered == 1
    assert len({notice.key for notice in office.pigeon.sent}) == 1
    assert len(office.pigeon.sent) == 2


def test_the_same_cause_is_told_again_only_after_a_while(office: Office) -> None:
    refuse(office)
    office.tell()
    office.now += HOUR
    refuse(office)
    assert office.tell() == Told(channel="chat", repeated=1)
    assert office.tell() == Told(channel="chat")
    office.now += 24 * HOUR
    refuse(office)
    assert office.tell().delivered == 1
    refuse(office, "another reason")
    assert office.tell().delivered == 1


def test_a_channel_that_fails_is_tried_again_later_and_nothing_is_lost(office: Office) -> None:
    refuse(office)
    office.pigeon.failing = True
    assert office.tell() == Told(channel="chat", failed=True, why_not="chat: it answered 500")
    assert "tried again from" in office.tell().why_not
    office.now += dt.timedelta(minutes=1)
    assert office.tell().why_not == "chat: it answered 500"
    office.now += dt.timedelta(minutes=1)
    assert "tried again from" in office.tell().why_not, "the second wait is longer"
    office.pigeon.failing = False
    office.now += dt.timedelta(minutes=1)
    assert office.tell().delivered == 1
    outcomes = [entry.payload["outcome"] for entry in office.ledger.after(0, {ACTION})]
    assert outcomes == ["begun", "failed", "failed", "delivered"]


def test_a_clock_put_back_doesnt_silence_a_channel(office: Office) -> None:
    refuse(office)
    office.pigeon.failing = True
    office.tell()
    office.now -= 48 * HOUR
    office.pigeon.failing = False
    assert office.tell().delivered == 1


def test_what_is_too_old_is_given_up_and_the_next_is_told(office: Office) -> None:
    refuse(office)
    office.now += 72 * HOUR
    office.pigeon.failing = True
    assert office.tell().given_up == 1
    office.pigeon.failing = False
    refuse(office, "another")
    assert office.tell().delivered == 1


def test_a_flood_is_told_in_rounds(office: Office) -> None:
    for number in range(MOST_AT_ONCE + 1):
        refuse(office, f"reason {number}")
    assert office.tell().delivered == MOST_AT_ONCE
    assert office.tell().delivered == 1


@pytest.mark.parametrize("wanted", [{"events": ("released",)}, {"models": ("others",)}])
def test_a_channel_hears_only_what_it_wants(office: Office, wanted: dict[str, tuple[str, ...]]) -> None:
    channel = Channel(kind="apprise", hosts=("a.example",), **wanted)  # type: ignore[arg-type]
    office.wanted = Notifications(channels={"chat": channel})
    refuse(office)
    assert office.tell() == Told(channel="chat")


def test_a_trial_says_that_it_is_one(office: Office) -> None:
    notice = trial_notice(office.post, "chat")
    assert (notice.kind, notice.model) == ("test", "")
    assert office.tell() == Told(channel="chat")


def test_releases_deployments_and_rollbacks_are_told_with_their_digests(office: Office) -> None:
    world = office.world
    first, second = world.release("one"), world.release("two")
    for release, bar in ((first, None), (second, None), (first, 2)):
        office.ledger.deploy(
            release, "production", actor="kim", reason="ask kim@example.org", approvals=(), bar=bar, at=office.now
        )
    assert office.tell().delivered == 6
    told = {notice.title: notice for notice in office.pigeon.sent}
    assert "evidence" in told["flights v1 was released"].text()
    assert "changes flights/1" in told["flights v1 was released"].next_step
    live = told["flights v2 is live in production"]
    assert "it replaced v1" in live.text()
    assert second.candidate.model_digest[:12] in live.text()
    gone = told["flights v2 was rolled back and barred"]
    assert (gone.kind, gone.evidence) == ("rolled_back", ("reason: ask [masked]",))
    assert "kim" not in "".join(notice.text() for notice in office.pigeon.sent)


def test_staging_asks_for_the_approvals_that_production_needs(office: Office) -> None:
    office.known = Known(approvals=2)
    release = office.world.release()
    office.ledger.deploy(release, "staging", actor="kim", reason="new", approvals=(), at=office.now)
    office.tell()
    assert [notice.kind for notice in office.pigeon.sent] == ["released", "approval_needed"]
    assert "2 approvals needed" in office.pigeon.sent[-1].title


def part(stage: str, *verdicts: tuple[str, str, Outcome, Severity]) -> EvidencePart:
    """Return a part of verdicts given as gate, metric, outcome and severity."""
    return EvidencePart(
        stage=stage, subject_digest="5" * 64, policy_digest="p" * 64, conditions=(), made_at=NOW,
        verdicts=tuple(
            Verdict(
                gate=gate, control="C", stage=stage, outcome=outcome, severity=severity, limit="≥ -0.03",
                reason="too low", next_step=f"look at {gate}", policy_digest="p" * 64,
                worst=Measurement(metric=metric, value=-0.08, low=-0.1, high=-0.06, n=900),
            )
            for gate, metric, outcome, severity in verdicts
        ),
    )  # fmt: skip


AUC = ("live_auc_holds", "live_roc_auc_change", Outcome.FAILED, Severity.WARN)
ENDS = ("nothing_ends_soon", "days_to_expiry", Outcome.FAILED, Severity.WARN)
DISK = ("disk_lasts", "disk_days", Outcome.UNDECIDED, Severity.WARN)


@pytest.mark.parametrize(
    ("recorded", "harmful", "kind"),
    [
        (part("monitoring", AUC), {"live_auc_holds"}, "harm"),
        (part("monitoring", AUC), {"another"}, None),
        (part("health", ENDS), set(), "expiring"),
        (part("health", ENDS, DISK), set(), "unhealthy"),
        (part("health"), set(), None),
        (part("evaluation", AUC), set(), None),
    ],
)
def test_verdicts_are_told_when_they_are_harm(
    office: Office, recorded: EvidencePart, harmful: set[str], kind: str | None
) -> None:
    office.known = Known(harmful=frozenset(harmful))
    office.ledger.record_part(MODEL, recorded)
    office.tell()
    assert [notice.kind for notice in office.pigeon.sent] == ([kind] if kind else [])
    for notice in office.pigeon.sent:
        assert recorded.verdicts[0].gate in notice.title
        assert notice.next_step == f"look at {recorded.verdicts[0].gate}"


def test_harm_is_told_with_its_window_what_lies_behind_it_and_where_to_read_on(office: Office) -> None:
    office.known = Known(harmful=frozenset({"live_auc_holds"}), window_of={"5" * 64: "2026-04"}.__getitem__)
    told = part("monitoring", AUC)
    alarm = dataclasses.replace(
        told.verdicts[0], gate="no_traffic_alarm", measurements=(OUTSIDE,), next_step="ask the owner"
    )
    recorded = dataclasses.replace(told, verdicts=(*told.verdicts, alarm), run_id="r1")
    office.ledger.record_part(MODEL, recorded)
    office.tell()
    [notice] = office.pigeon.sent
    assert notice.title == "flights: harm in the window 2026-04 is proven (live_auc_holds)"
    assert notice.next_step == "ask the owner"
    assert list(notice.evidence) == [
        "live_auc_holds failed: too low",
        "behind it: outside: it comes from weather.outside (weather.csv) and goes into outside, warm_hours",
        "page flights/monitoring, partition 2026-04, run r1",
        "policy pppppppppppp",
    ]


def test_retraining_is_told_with_its_reason_in_words(office: Office) -> None:
    why = "window 2026-04: live_auc_holds"
    office.happens(REQUESTED, MODEL, cause="c" * 64, reason=why, as_of="2026-05-01T00:00:00+00:00", run_id="r")
    office.tell()
    evidence = office.pigeon.sent[0].evidence
    assert evidence == (f"because {why}", "on the rows before 2026-05-01", "run r, cause cccccccccccc")


ROLLED_BACK = {
    "barred": 2, "version": 1, "reason": "errors", "seconds": 1.5, "run_id": "r",
    "measured": [{"metric": "error_share", "value": 0.2, "low": 0.1, "high": None, "n": 900}, "odd"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("action", "subject", "payload", "kind", "title"),
    [
        ("promotion_refused", "flights@staging", {"version": 3, "reasons": ["no"]}, "refused", "promotion refused"),
        ("approval_refused", "flights@production", {"version": 3, "reasons": ["no"]}, "refused", "approval refused"),
        ("rollback_refused", "flights@production", {"reasons": ["nothing"]}, "refused", "rollback refused"),
        ("rejected", "flights@production", {"version": 3, "reason": "late"}, "rejected", "v3 was rejected"),
        ("retraining.requested", "flights", {"cause": "c", "run_id": "r"}, "retraining", "retraining has begun"),
        ("retraining.declined", "flights", {"cause": "c", "reason": "cool-down"}, "retraining", "wasn't followed"),
        ("rollback.automatic", "flights@production", ROLLED_BACK, "rolled_back", "taken back in production"),
        ("monitoring_silent", "monitoring", {"found": ["no tick"], "since": "x"}, "silent", "monitoring itself"),
    ],
)
def test_every_kind_of_news_is_told(
    office: Office, action: str, subject: str, payload: dict[str, object], kind: str, title: str
) -> None:
    office.happens(action, subject, **payload)
    assert office.tell().delivered == 1
    [notice] = office.pigeon.sent
    assert (notice.kind, title in notice.title) == (kind, True)


def test_the_sensors_rollback_is_told_with_its_numbers(office: Office) -> None:
    office.happens(AUTOMATIC, "flights@production", **ROLLED_BACK)
    office.tell()
    assert "error_share = 0.2 [0.1, ?] (n = 900)" in office.pigeon.sent[0].text()


def test_what_nobody_has_to_know_is_not_told(office: Office) -> None:
    office.happens("signed_in", "access")
    entry = office.ledger.last("signed_in", subject="access")
    assert entry is not None
    assert notice_of(entry, office.ledger, lambda _: Known()) is None


def test_long_evidence_is_cut_and_counted(office: Office) -> None:
    office.happens("release_refused", MODEL, reasons=[f"reason {number} {'x' * 900}" for number in range(20)])
    office.tell()
    [notice] = office.pigeon.sent
    assert notice.evidence[-1] == "… and 12 more"
    assert max(map(len, notice.evidence)) == 400
