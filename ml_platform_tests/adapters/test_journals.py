"""A journal keeps whole trials, forgets half of one, and refuses what was altered."""

from __future__ import annotations

import dataclasses
import errno
import io
from pathlib import Path

import pytest

from ml_platform.adapters.journals import FileJournal, FileJournals
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.ports import Journals
from ml_platform.core.trial import Trial

STUDY = "a" * 64
TRIAL = Trial(
    number=0,
    state="completed",
    parameters={"learning_rate": 0.1 + 0.2, "num_leaves": 7, "extra_trees": True, "boosting": "gbdt"},
    losses=(0.5, 1 / 3),
    seconds=0.25,
)
FAILED = Trial(number=1, state="failed", parameters={"num_leaves": 8}, losses=(), seconds=0.1, reason="it was ß")


def path_of(home: Path) -> Path:
    return home / "journals" / f"{STUDY}.jsonl"


def test_trials_come_back_digit_by_digit_in_their_order(tmp_path: Path) -> None:
    journals: Journals = FileJournals(tmp_path)
    with journals.open(STUDY) as journal:
        assert journal.trials() == ()
        journal.append(TRIAL)
        journal.append(FAILED)
        assert journal.trials() == (TRIAL, FAILED)
    with journals.open(STUDY) as journal:
        assert journal.trials() == (TRIAL, FAILED)


def test_half_a_line_counts_as_never_tried(tmp_path: Path) -> None:
    with FileJournals(tmp_path).open(STUDY) as journal:
        journal.append(TRIAL)
    whole = path_of(tmp_path).read_bytes()
    for cut in (1, 40, len(whole) - 1):
        path_of(tmp_path).write_bytes(whole + whole[:cut])
        with FileJournals(tmp_path).open(STUDY) as journal:
            assert journal.trials() == (TRIAL,)
            journal.append(FAILED)
            assert journal.trials() == (TRIAL, FAILED)


@pytest.mark.parametrize("text", ["", "{}", "[]", "nothing", '{"schema_version": 1, "trial": {}, "sha256": ""}'])
def test_a_line_that_is_no_trial_is_refused(tmp_path: Path, text: str) -> None:
    with FileJournals(tmp_path).open(STUDY) as journal:
        journal.append(TRIAL)
        path_of(tmp_path).write_bytes(text.encode() + b"\n" + path_of(tmp_path).read_bytes())
        with pytest.raises(DataInvalid, match=r"jsonl:1: it isn't the trial that was written"):
            journal.trials()


def test_an_altered_loss_is_refused(tmp_path: Path) -> None:
    with FileJournals(tmp_path).open(STUDY) as journal:
        journal.append(dataclasses.replace(TRIAL, losses=(0.5,)))
        path_of(tmp_path).write_bytes(path_of(tmp_path).read_bytes().replace(b"[0.5]", b"[0.1]"))
        with pytest.raises(DataInvalid, match="remove the file"):
            journal.trials()


def test_one_process_at_a_time_works_on_a_study(tmp_path: Path) -> None:
    journals = FileJournals(tmp_path)
    with journals.open(STUDY):
        with pytest.raises(Unavailable, match="another process runs this study"), journals.open(STUDY):
            pass
        with journals.open("b" * 64):
            pass
    with journals.open(STUDY):
        pass


def test_only_a_digest_names_a_study(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match="its digest is needed"), FileJournals(tmp_path).open("../x"):
        pass


def test_a_folder_that_can_not_be_written_is_unavailable_in_words(tmp_path: Path) -> None:
    (tmp_path / "journals").write_text("a file")
    with pytest.raises(Unavailable, match="can't be written"), FileJournals(tmp_path).open(STUDY):
        pass


def test_a_full_disk_is_unavailable_in_words_and_keeps_what_was_done(tmp_path: Path) -> None:
    class Full(io.BytesIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Unavailable, match=r"No space left on device.*trials so far are kept"):
        FileJournal(tmp_path / "journal", Full()).append(TRIAL)
