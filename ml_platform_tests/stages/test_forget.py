from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.forget import ERASED, forget
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.stages.parcels import CONTRACT, NOW, Parcels, parcel_rows

if TYPE_CHECKING:
    from pathlib import Path

CUSTOMER = {"type": "integer", "role": "entity", "personal_data": "direct"}


def test_a_person_is_erased_and_the_audit_holds_the_token_only(tmp_path: Path) -> None:
    rows = parcel_rows().assign(customer=lambda rows: rows["customer"] + 700_000_000)
    parcels, ledger = Parcels(tmp_path, rows, contract=CONTRACT | {"customer": CUSTOMER}), FakeLedger()
    before = parcels.snapshot().snapshot.record
    person = str(rows["customer"][0])
    erased = forget(parcels.spec, person, vault=parcels.vault, ledger=ledger, actor="robin", now=NOW)
    assert erased.originals == 1
    assert parcels.vault.reveal("parcels", "customer", erased.token) is None
    entry = ledger.last(ERASED, subject="parcels")
    assert entry is not None
    assert (entry.actor, entry.payload) == ("robin", {"token": erased.token, "originals": 1})
    assert person not in repr(entry) + repr(erased)
    assert parcels.snapshot().snapshot.record.rows == before.rows - int((rows["customer"] == rows["customer"][0]).sum())
    again = forget(parcels.spec, f"{person}\n", vault=parcels.vault, ledger=ledger, actor="robin", now=NOW)
    assert (again.token, again.originals) == (erased.token, 0)


def test_nobody_can_not_be_erased(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    with pytest.raises(DataInvalid, match="the person to be erased isn't named"):
        forget(parcels.spec, " \n", vault=parcels.vault, ledger=FakeLedger(), actor="robin", now=NOW)
