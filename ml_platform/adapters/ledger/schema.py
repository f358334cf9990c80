"""The ledger's tables: history can only be appended to, and one version is live per model and environment."""

from __future__ import annotations

import sqlite3

from ml_platform.core.errors import Unavailable

VERSION = 3
GENESIS = "0" * 64

# Every row of these tables is keyed by the audit entry that was written with it.
FIRST = ("audit", "parts", "releases", "approvals", "approval_uses", "deployments", "barred", "projected")
SECOND = ("rejections", "withdrawals")  # since schema version 2
THIRD = ("rollouts", "rollout_ends", "rollout_approvals")  # since schema version 3
APPEND_ONLY = (*FIRST, *SECOND, *THIRD)

TABLES = """
CREATE TABLE schema (version INTEGER NOT NULL) STRICT;

CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  model TEXT NOT NULL,
  payload TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_action ON audit (action, subject, sequence);
CREATE INDEX audit_by_model ON audit (model, sequence);
CREATE TRIGGER audit_continues_the_chain BEFORE INSERT ON audit
WHEN NEW.sequence <> coalesce((SELECT max(sequence) FROM audit), 0) + 1
  OR NEW.previous <> coalesce((SELECT hash FROM audit ORDER BY sequence DESC LIMIT 1), printf('%064d', 0))
BEGIN SELECT RAISE(ABORT, 'an audit entry has to continue the chain'); END;

CREATE TABLE parts (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  model TEXT NOT NULL,
  stage TEXT NOT NULL,
  subject_digest TEXT NOT NULL,
  policy_digest TEXT NOT NULL,
  content TEXT NOT NULL
) STRICT;
CREATE INDEX parts_by_subject ON parts (model, stage, subject_digest, policy_digest, audit);

CREATE TABLE releases (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  model TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  evidence_digest TEXT NOT NULL,
  content TEXT NOT NULL,
  UNIQUE (model, version),
  UNIQUE (model, evidence_digest)
) STRICT;

CREATE TABLE approvals (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  approval_id TEXT NOT NULL UNIQUE,
  model TEXT NOT NULL,
  version INTEGER NOT NULL,
  environment TEXT NOT NULL,
  content TEXT NOT NULL,
  FOREIGN KEY (model, version) REFERENCES releases (model, version)
) STRICT;

CREATE TABLE barred (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  model TEXT NOT NULL,
  version INTEGER NOT NULL,
  reason TEXT NOT NULL,
  UNIQUE (model, version),
  FOREIGN KEY (model, version) REFERENCES releases (model, version)
) STRICT;

CREATE TABLE deployments (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  model TEXT NOT NULL,
  environment TEXT NOT NULL CHECK (environment IN ('staging', 'production')),
  version INTEGER NOT NULL,
  content TEXT NOT NULL,
  UNIQUE (audit, model, environment),
  FOREIGN KEY (model, version) REFERENCES releases (model, version)
) STRICT;
CREATE INDEX deployments_by_model ON deployments (model, environment, audit);
CREATE TRIGGER a_barred_version_stays_out BEFORE INSERT ON deployments
WHEN EXISTS (SELECT 1 FROM barred WHERE model = NEW.model AND version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'the version is barred'); END;

CREATE TABLE approval_uses (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  approval_id TEXT NOT NULL UNIQUE REFERENCES approvals (approval_id),
  deployment INTEGER NOT NULL REFERENCES deployments (audit)
) STRICT;

CREATE TABLE live (
  model TEXT NOT NULL,
  environment TEXT NOT NULL,
  deployment INTEGER NOT NULL,
  PRIMARY KEY (model, environment),
  FOREIGN KEY (deployment, model, environment) REFERENCES deployments (audit, model, environment)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER live_moves_forward BEFORE UPDATE ON live
WHEN NEW.deployment <= OLD.deployment OR NEW.model <> OLD.model OR NEW.environment <> OLD.environment
BEGIN SELECT RAISE(ABORT, 'the live pointer only moves to a newer deployment'); END;
CREATE TRIGGER live_stays BEFORE DELETE ON live
BEGIN SELECT RAISE(ABORT, 'the live pointer can not be deleted'); END;

CREATE TABLE projected (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  deployment INTEGER NOT NULL UNIQUE REFERENCES deployments (audit)
) STRICT;
CREATE VIEW outbox AS
  SELECT audit AS deployment, content FROM deployments
  WHERE audit NOT IN (SELECT deployment FROM projected);
"""

# Since schema version 2: words against a version, and who is deploying.
MORE_TABLES = """
CREATE TABLE rejections (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  rejection_id TEXT NOT NULL UNIQUE,
  model TEXT NOT NULL,
  version INTEGER NOT NULL,
  environment TEXT NOT NULL,
  content TEXT NOT NULL,
  FOREIGN KEY (model, version) REFERENCES releases (model, version)
) STRICT;
CREATE INDEX rejections_by_version ON rejections (model, version, environment, audit);

CREATE TABLE withdrawals (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  rejection_id TEXT NOT NULL UNIQUE REFERENCES rejections (rejection_id),
  content TEXT NOT NULL
) STRICT;

CREATE VIEW standing_rejections AS
  SELECT * FROM rejections WHERE rejection_id NOT IN (SELECT rejection_id FROM withdrawals);
CREATE TRIGGER a_rejected_version_stays_out BEFORE INSERT ON deployments
WHEN EXISTS (
  SELECT 1 FROM standing_rejections
  WHERE model = NEW.model AND version = NEW.version AND environment = NEW.environment
)
BEGIN SELECT RAISE(ABORT, 'the version is rejected'); END;
CREATE TRIGGER a_rejected_version_is_not_approved BEFORE INSERT ON approvals
WHEN EXISTS (
  SELECT 1 FROM standing_rejections
  WHERE model = NEW.model AND version = NEW.version AND environment = NEW.environment
)
BEGIN SELECT RAISE(ABORT, 'the version is rejected'); END;
CREATE TRIGGER an_approval_from_before_a_rejection_is_void BEFORE INSERT ON approval_uses
WHEN EXISTS (
  SELECT 1 FROM approvals a JOIN rejections r USING (model, version, environment)
  WHERE a.approval_id = NEW.approval_id AND r.audit > a.audit
)
BEGIN SELECT RAISE(ABORT, 'the version was rejected after this approval'); END;

CREATE TABLE holds (
  model TEXT NOT NULL,
  environment TEXT NOT NULL,
  token INTEGER NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (model, environment)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER tokens_of_holds_grow BEFORE UPDATE ON holds
WHEN NEW.token < OLD.token
BEGIN SELECT RAISE(ABORT, 'a token never comes twice'); END;
CREATE TRIGGER holds_stay BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'a hold is given back, never deleted'); END;
"""

# Since schema version 3: challengers that are tried beside what is live.
ROLLOUT_TABLES = """
CREATE TABLE rollouts (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  rollout_id TEXT NOT NULL UNIQUE,
  model TEXT NOT NULL,
  environment TEXT NOT NULL CHECK (environment IN ('staging', 'production')),
  version INTEGER NOT NULL,
  content TEXT NOT NULL,
  FOREIGN KEY (model, version) REFERENCES releases (model, version)
) STRICT;
CREATE INDEX rollouts_by_model ON rollouts (model, environment, audit);

CREATE TABLE rollout_ends (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  rollout_id TEXT NOT NULL UNIQUE REFERENCES rollouts (rollout_id),
  outcome TEXT NOT NULL CHECK (outcome IN ('promoted', 'stopped', 'cancelled')),
  content TEXT NOT NULL
) STRICT;

CREATE TABLE rollout_approvals (
  audit INTEGER PRIMARY KEY REFERENCES audit (sequence),
  approval_id TEXT NOT NULL UNIQUE REFERENCES approvals (approval_id),
  rollout_id TEXT NOT NULL REFERENCES rollouts (rollout_id)
) STRICT;

CREATE VIEW running_rollouts AS
  SELECT * FROM rollouts WHERE rollout_id NOT IN (SELECT rollout_id FROM rollout_ends);
CREATE VIEW used_approvals AS
  SELECT approval_id, audit FROM approval_uses UNION ALL SELECT approval_id, audit FROM rollout_approvals;
CREATE TRIGGER one_rollout_at_a_time BEFORE INSERT ON rollouts
WHEN EXISTS (SELECT 1 FROM running_rollouts WHERE model = NEW.model AND environment = NEW.environment)
BEGIN SELECT RAISE(ABORT, 'another version is tried there already'); END;
CREATE TRIGGER a_rollout_is_beside_what_is_live BEFORE INSERT ON rollouts
WHEN NOT EXISTS (
  SELECT 1 FROM live l JOIN deployments d ON d.audit = l.deployment
  WHERE l.model = NEW.model AND l.environment = NEW.environment AND d.version <> NEW.version
)
BEGIN SELECT RAISE(ABORT, 'a version is tried beside another that is live'); END;
CREATE TRIGGER a_barred_version_is_not_tried BEFORE INSERT ON rollouts
WHEN EXISTS (SELECT 1 FROM barred WHERE model = NEW.model AND version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'the version is barred'); END;
CREATE TRIGGER a_rejected_version_is_not_tried BEFORE INSERT ON rollouts
WHEN EXISTS (
  SELECT 1 FROM standing_rejections
  WHERE model = NEW.model AND version = NEW.version AND environment = NEW.environment
)
BEGIN SELECT RAISE(ABORT, 'the version is rejected'); END;
CREATE TRIGGER nothing_moves_under_a_rollout BEFORE INSERT ON deployments
WHEN EXISTS (SELECT 1 FROM running_rollouts WHERE model = NEW.model AND environment = NEW.environment)
BEGIN SELECT RAISE(ABORT, 'a rollout has to end before another version goes live'); END;
CREATE TRIGGER an_approval_begins_one_rollout BEFORE INSERT ON rollout_approvals
WHEN EXISTS (SELECT 1 FROM approval_uses WHERE approval_id = NEW.approval_id)
BEGIN SELECT RAISE(ABORT, 'the approval was used already'); END;
CREATE TRIGGER an_approval_of_a_rollout_is_used BEFORE INSERT ON approval_uses
WHEN EXISTS (SELECT 1 FROM rollout_approvals WHERE approval_id = NEW.approval_id)
BEGIN SELECT RAISE(ABORT, 'the approval was used already'); END;
CREATE TRIGGER a_void_approval_begins_no_rollout BEFORE INSERT ON rollout_approvals
WHEN EXISTS (
  SELECT 1 FROM approvals a JOIN rejections r USING (model, version, environment)
  WHERE a.approval_id = NEW.approval_id AND r.audit > a.audit
)
BEGIN SELECT RAISE(ABORT, 'the version was rejected after this approval'); END;
"""


def _guards(tables: tuple[str, ...]) -> str:
    return "".join(
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;\n"
        for table in tables
        for change in ("UPDATE", "DELETE")
    )


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version of a ledger file; 0 when it is empty."""
    found = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'schema'").fetchone()[0]
    return int(connection.execute("SELECT version FROM schema").fetchone()[0]) if found else 0


def create(connection: sqlite3.Connection) -> None:
    """Create the tables inside the open transaction."""
    for statement in _statements(TABLES + _guards(FIRST)):
        connection.execute(statement)
    connection.execute("INSERT INTO schema VALUES (1)")
    upgrade(connection)


def upgrade(connection: sqlite3.Connection) -> None:
    """Add to an older ledger, inside the open transaction, what has come since; nothing in it changes."""
    added = {2: MORE_TABLES + _guards(SECOND), 3: ROLLOUT_TABLES + _guards(THIRD)}
    found = version_of(connection)
    for version, script in added.items():
        if found < version:
            for statement in _statements(script):
                connection.execute(statement)
    connection.execute("UPDATE schema SET version = ?", (VERSION,))


def check_version(version: int, path: object) -> None:
    """Refuse a ledger that a newer platform has written; raises Unavailable."""
    if not 1 <= version <= VERSION:
        message = f"{path}: the ledger has schema version {version}, known: 1 to {VERSION}. Update the platform."
        raise Unavailable(message)


def _statements(script: str) -> list[str]:
    """Split a script: `executescript` would commit the open transaction."""
    statements: list[str] = []
    current = ""
    for line in script.splitlines():
        current += line + "\n"
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
