"""The forging tour: every attack as data, with what stops it and where it shows; `docs/security.md` is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ml_platform.access.trail import DENIED
from ml_platform.stages.approve import REFUSED
from ml_platform.stages.put_back import ACTION as PUT_BACK
from ml_platform_tests.flow import forge_doors as doors
from ml_platform_tests.flow import forge_files as files
from ml_platform_tests.flow import forge_ledger as rows
from ml_platform_tests.flow.forged_home import Forged

NO_WORD = "needs 1 signed approval for production"
BROKEN = "the audit chain is broken"
OLD_POLICY = "the evidence was made under policy"
SEALED = "it isn't what was sealed here"
GONE = "there is no such version"
OTHER_BUNDLE = "its content was altered"


@dataclass(frozen=True, kw_only=True)
class Attack:
    """Somebody does something: what stops it in words, and what is seen of it, which the test holds it to.

    `lock` is said when version 2 is promoted to production, `verify` by `ml-platform audit verify` (nothing: it finds
    nothing), `health` by the running service, `anew` by one that starts then; `audit` are entries that come.
    """

    who: str
    does: str
    stops: str
    act: Callable[[Forged], None]
    lock: str = NO_WORD
    verify: str = ""
    health: str = ""
    anew: str = "v1"
    place: str = "production"
    audit: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    version: int = 2

    @property
    def name(self) -> str:
        return self.act.__name__

    @property
    def shows(self) -> str:
        """Return where it shows, as the page says it."""
        refused = self.lock not in {NO_WORD, GONE}
        said = [
            *(f"audit entry `{action}`" for action in self.audit),
            *(["`ml-platform audit verify`"] if self.verify else []),
            *(["`/health` of the service"] if self.health else []),
            *(["a service that starts"] if self.anew not in {"v1", "v2"} else []),
            *(["the refusal to promote, in the audit"] if refused else []),
        ]
        return "; ".join(said) or "nowhere"


VIEWER, TRAINER, CALLER = "a viewer", "a trainer", "a caller"
STORES = "who has Dagster's or MLflow's store"
DATABASE, FOLDER, AUTHOR = "who writes the database", "who writes the folder", "a model's author"

ATTACKS = (
    Attack(
        who=VIEWER,
        does="launches the promote job: by alias, fragments, a second operation, GET, form, multipart, in a "
        "batch, over a websocket",
        stops="every mutation needs an action, one that isn't listed is denied",
        act=doors.mutation_in_disguise,
        audit=(DENIED,),
    ),
    Attack(
        who=VIEWER,
        does="promotes on the command line, with a token of their own",
        stops="roles",
        act=doors.command_of_another_role,
        audit=(DENIED,),
    ),
    Attack(
        who=TRAINER,
        does="launches the promote job, materialises `production` alone, says in a tag to be somebody else",
        stops="roles; the name is the server's to write",
        act=doors.job_of_another_role,
        audit=(DENIED,),
    ),
    Attack(
        who=TRAINER,
        does="reports a check as passed to the web server",
        stops="nobody may, whatever their role",
        act=doors.reported_check,
        audit=(DENIED,),
    ),
    Attack(
        who=TRAINER,
        does="approves their own version, with their own key",
        stops="the author's word doesn't count",
        act=doors.own_approval,
        audit=(REFUSED,),
    ),
    Attack(
        who=TRAINER,
        does="approves with somebody else's key",
        stops="token and key have to be the same person's",
        act=doors.key_of_somebody_else,
        audit=(DENIED,),
    ),
    Attack(
        who=CALLER,
        does="guesses a token of the scoring service",
        stops="tokens of 256 bits, waits after wrong ones",
        act=doors.guessed_token,
        audit=(DENIED,),
    ),
    Attack(
        who=CALLER,
        does="sends a token that was revoked",
        stops="it is nobody's within seconds",
        act=doors.revoked_token,
        audit=(DENIED,),
    ),
    Attack(
        who=CALLER,
        does="asks for a score with a viewer's token",
        stops="roles",
        act=doors.viewers_token,
        audit=(DENIED,),
    ),
    Attack(
        who=STORES,
        does="writes *passed* for every check into Dagster's event log",
        stops="no decision reads it",
        act=doors.checks_in_dagsters_storage,
    ),
    Attack(
        who=STORES,
        does="moves MLflow's alias `production` to another version",
        stops="no decision reads it; put back",
        act=doors.moved_alias,
        verify="alias 'production' v2; v1 is right",
        then=("envs",),
        audit=(PUT_BACK,),
    ),
    Attack(
        who=STORES,
        does="writes a tag of a version in MLflow",
        stops="no decision reads it; put back",
        act=doors.written_tag,
        verify="tag evidence_digest of v2",
        then=("envs",),
        audit=(PUT_BACK,),
    ),
    Attack(
        who=STORES,
        does="deletes a version in MLflow",
        stops="no decision reads it; shown anew",
        act=doors.deleted_version,
        verify="v1 was gone",
        then=("envs",),
        audit=(PUT_BACK,),
    ),
    Attack(
        who=STORES,
        does="writes a better metric to a run in MLflow",
        stops="no decision reads it",
        act=doors.written_metric,
    ),
    Attack(
        who=DATABASE,
        does="changes or deletes rows with SQL",
        stops="triggers",
        act=rows.plain_sql,
    ),
    Attack(
        who=DATABASE,
        does="drops the triggers, edits the deployment and the manifest",
        stops="deployments are signed",
        act=rows.edited_deployment,
        verify="isn't the one that was recorded",
        health="is of another content",
        anew="is of another content",
        lock=BROKEN,
    ),
    Attack(
        who=DATABASE,
        does="edits the deployment, and recomputes every hash and the head",
        stops="deployments are signed; so are checkpoints",
        act=rows.edited_and_chained_anew,
        verify="isn't the platform's",
        health="is of another content",
        anew="is of another content",
        lock=BROKEN,
    ),
    Attack(
        who=DATABASE,
        does="moves the live pointer to another environment's deployment",
        stops="only the newest deployment of its own place is live",
        act=rows.moved_pointer,
        verify="the live pointer isn't the newest deployment",
        health="only what was promoted is served",
        anew="only what was promoted is served",
        lock=BROKEN,
    ),
    Attack(
        who=DATABASE,
        does="moves the live pointer and the manifest back to a former deployment",
        stops="only the newest deployment of its own place is live",
        act=rows.pointer_moved_back,
        place="staging",
        verify="the live pointer isn't the newest deployment",
        anew="it isn't the newest deployment",
        lock=BROKEN,
    ),
    Attack(
        who=DATABASE,
        does="appends a deployment, with the right chain, head, pointer and manifest",
        stops="deployments are signed",
        act=rows.unsigned_deployment,
        verify="it isn't signed",
        health="it isn't signed",
        anew="it isn't signed",
        lock=BROKEN,
    ),
    Attack(
        who=DATABASE,
        does="appends staging's signed deployment as production's",
        stops="the signature is about staging",
        act=rows.relabelled_deployment,
        verify="is of another content",
        health="is of another content",
        anew="is of another content",
        lock=BROKEN,
    ),
    Attack(
        who=DATABASE,
        does="appends a former signed deployment again",
        stops="its time, which is signed",
        act=rows.repeated_deployment,
        place="staging",
        verify="is an old one that was put there again",
        anew="it is an old deployment that was put there again",
        lock=BROKEN,
    ),
    Attack(
        who=DATABASE,
        does="appends a release with forged verdicts, and another release's signed bundle",
        stops="what was signed is what is judged",
        act=rows.release_without_signature,
        version=3,
        lock="what was signed isn't the evidence of this version",
    ),
    Attack(
        who=DATABASE,
        does="appends a release with forged verdicts, signed by another home's key",
        stops="a key of this platform has to sign",
        act=rows.release_of_another_home,
        version=3,
        lock="isn't one of the platform's keys",
    ),
    Attack(
        who=DATABASE,
        does="appends an approval that nobody gave",
        stops="persons sign",
        act=rows.invented_approval,
        lock="not counted: flo's isn't signed:",
    ),
    Attack(
        who=DATABASE,
        does="copies an approval's signature from another version",
        stops="the signature is about that one",
        act=rows.copied_approval,
        lock="is of another content",
    ),
    Attack(
        who=DATABASE,
        does="signs an approval in somebody's name with a key of their own",
        stops="only keys that the platform signed count",
        act=rows.approval_with_a_key_of_ones_own,
        lock="isn't one of flo's keys",
    ),
    Attack(
        who=DATABASE,
        does="frees a used approval and rewrites it for another version",
        stops="the chain, and the signature",
        act=rows.used_approval_again,
        lock="is of another content",
        verify="the row of approval_uses for audit entry",
    ),
    Attack(
        who=DATABASE,
        does="cuts the history off, and recomputes the head",
        stops="checkpoints",
        act=rows.cut_off,
        verify="it was rewritten or cut off",
        anew="the ledger says that nothing is live",
        lock=GONE,
    ),
    Attack(
        who=DATABASE,
        does="rewrites the whole history, every hash and the head",
        stops="checkpoints",
        act=rows.rewritten,
        verify="it was rewritten or cut off",
        lock=BROKEN,
    ),
    Attack(
        who=FOLDER,
        does="edits the deployment manifest",
        stops="the ledger says what is live",
        act=files.edited_manifest,
        verify="shows v2, but v1 is live there",
        health="the ledger says that v1",
        anew="the ledger says that v1",
    ),
    Attack(
        who=FOLDER,
        does="edits the time in the manifest, to keep later versions out",
        stops="the ledger's time counts",
        act=files.manifest_of_the_future,
    ),
    Attack(
        who=FOLDER,
        does="copies a version's signed bundle to another one",
        stops="the ledger holds its digest",
        act=files.copied_bundle,
        verify="its content was altered",
        place="staging",
        anew=OTHER_BUNDLE,
        lock=OTHER_BUNDLE,
    ),
    Attack(
        who=FOLDER,
        does="edits stored evidence",
        stops="the ledger holds its digest, and it is signed",
        act=files.edited_evidence,
        verify="live in staging: its evidence: ",
        place="staging",
        anew="its content was altered",
        lock="its content isn't what was stored",
    ),
    Attack(
        who=FOLDER,
        does="puts another version's model in its place",
        stops="each file opens in its own place only",
        act=files.swapped_model,
        verify="isn't intact",
        anew=SEALED,
        lock=SEALED,
    ),
    Attack(
        who=FOLDER,
        does="flips one bit of a model",
        stops="files are sealed",
        act=files.flipped_bytes,
        verify="isn't intact",
        anew=SEALED,
        lock=SEALED,
    ),
    Attack(
        who=FOLDER,
        does="lays a pickle beside a model",
        stops="nothing but known names is read",
        act=files.pickle_beside,
        anew="it holds 'model.pkl', which isn't part of a model",
    ),
    Attack(
        who=FOLDER,
        does="gives a viewer the release manager's role in the users' file",
        stops="roles open no gate, and keys sign approvals",
        act=files.own_roles,
    ),
    Attack(
        who=AUTHOR,
        does="loosens the policy after the release",
        stops="evidence counts for its own policy only",
        act=files.looser_policy,
        lock=OLD_POLICY,
    ),
    Attack(
        who=AUTHOR,
        does="writes a waiver after the release",
        stops="evidence counts for its own policy only",
        act=files.waiver_of_the_author,
        lock=OLD_POLICY,
    ),
)
