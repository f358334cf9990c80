"""The catalogue: every kind of fault by its name."""

from __future__ import annotations

from collections.abc import Mapping

from ml_platform.stages.faults.clipped import CLIPPED
from ml_platform.stages.faults.codes_shifted import CODES_SHIFTED
from ml_platform.stages.faults.column_dropped import COLUMN_DROPPED
from ml_platform.stages.faults.column_renamed import COLUMN_RENAMED
from ml_platform.stages.faults.column_retyped import COLUMN_RETYPED
from ml_platform.stages.faults.columns_swapped import COLUMNS_SWAPPED
from ml_platform.stages.faults.dates_mixed import DATE_FORMATS_MIXED, DAY_AND_MONTH_SWAPPED
from ml_platform.stages.faults.decimal_slip import DECIMAL_SLIP
from ml_platform.stages.faults.default_fill import DEFAULT_FILL
from ml_platform.stages.faults.fault import Fault
from ml_platform.stages.faults.join_broken import JOIN_LOST, JOIN_MISMATCHED, JOIN_SHIFTED, JOIN_SHUFFLED
from ml_platform.stages.faults.label_shift import LABEL_SHIFT
from ml_platform.stages.faults.labels_wrong import (
    LABELS_FLIPPED,
    LABELS_FLIPPED_IN_A_SLICE,
    LABELS_FLIPPED_ONE_WAY,
    LABELS_SHUFFLED,
)
from ml_platform.stages.faults.level_case import LEVEL_CASE
from ml_platform.stages.faults.level_merged import LEVEL_MERGED
from ml_platform.stages.faults.level_mojibake import LEVEL_MOJIBAKE
from ml_platform.stages.faults.level_swapped import LEVEL_SWAPPED
from ml_platform.stages.faults.level_truncated import LEVEL_TRUNCATED
from ml_platform.stages.faults.level_typo import LEVEL_TYPO
from ml_platform.stages.faults.level_unseen import LEVEL_UNSEEN
from ml_platform.stages.faults.level_whitespace import LEVEL_WHITESPACE
from ml_platform.stages.faults.missing_at_random import MISSING_AT_RANDOM
from ml_platform.stages.faults.missing_filled import MISSING_FILLED
from ml_platform.stages.faults.missing_in_a_block import MISSING_IN_A_BLOCK
from ml_platform.stages.faults.missing_in_a_slice import MISSING_IN_A_SLICE
from ml_platform.stages.faults.missing_when_high import MISSING_WHEN_HIGH
from ml_platform.stages.faults.moved import MOVED
from ml_platform.stages.faults.noised import NOISED
from ml_platform.stages.faults.number_as_text import NUMBER_AS_TEXT
from ml_platform.stages.faults.outliers import OUTLIERS_HUNDRED, OUTLIERS_TEN
from ml_platform.stages.faults.rounded import ROUNDED
from ml_platform.stages.faults.rows_repeated import ROWS_DUPLICATED, ROWS_FROM_TRAINING
from ml_platform.stages.faults.rows_selected import SLICE_GROWN, SLICE_LOST, TAIL_LOST
from ml_platform.stages.faults.sentinel_number import SENTINEL_NUMBER
from ml_platform.stages.faults.sentinel_text import SENTINEL_TEXT
from ml_platform.stages.faults.sentinel_zero import SENTINEL_ZERO
from ml_platform.stages.faults.sign_flipped import SIGN_FLIPPED
from ml_platform.stages.faults.sign_lost import SIGN_LOST
from ml_platform.stages.faults.stale import FROZEN, STALE_BLOCK, STALE_REPEATS
from ml_platform.stages.faults.stretched import STRETCHED
from ml_platform.stages.faults.time_wrong import (
    TIME_DEFAULT,
    TIME_LAGGED,
    TIME_TO_THE_DAY,
    TIME_ZONE,
    TIME_ZONE_FOR_SOME,
)
from ml_platform.stages.faults.unit_changed import (
    UNIT_CHANGED,
    UNIT_CHANGED_FOR_SOME,
    UNIT_CHANGED_IN_A_SLICE,
    UNIT_WITH_OFFSET,
)

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        COLUMN_DROPPED,
        COLUMN_RENAMED,
        COLUMN_RETYPED,
        NUMBER_AS_TEXT,
        LEVEL_CASE,
        LEVEL_WHITESPACE,
        LEVEL_TYPO,
        LEVEL_MOJIBAKE,
        LEVEL_TRUNCATED,
        LEVEL_MERGED,
        LEVEL_UNSEEN,
        LEVEL_SWAPPED,
        CODES_SHIFTED,
        MISSING_AT_RANDOM,
        MISSING_IN_A_BLOCK,
        MISSING_IN_A_SLICE,
        MISSING_WHEN_HIGH,
        MISSING_FILLED,
        SENTINEL_NUMBER,
        SENTINEL_ZERO,
        SENTINEL_TEXT,
        DEFAULT_FILL,
        OUTLIERS_TEN,
        OUTLIERS_HUNDRED,
        DECIMAL_SLIP,
        UNIT_CHANGED,
        UNIT_CHANGED_FOR_SOME,
        UNIT_CHANGED_IN_A_SLICE,
        UNIT_WITH_OFFSET,
        SIGN_FLIPPED,
        SIGN_LOST,
        ROUNDED,
        CLIPPED,
        NOISED,
        MOVED,
        STRETCHED,
        STALE_BLOCK,
        STALE_REPEATS,
        FROZEN,
        COLUMNS_SWAPPED,
        JOIN_SHUFFLED,
        JOIN_SHIFTED,
        JOIN_MISMATCHED,
        JOIN_LOST,
        ROWS_DUPLICATED,
        ROWS_FROM_TRAINING,
        SLICE_LOST,
        SLICE_GROWN,
        TAIL_LOST,
        LABELS_FLIPPED,
        LABELS_FLIPPED_IN_A_SLICE,
        LABELS_FLIPPED_ONE_WAY,
        LABELS_SHUFFLED,
        LABEL_SHIFT,
        TIME_LAGGED,
        TIME_ZONE,
        TIME_ZONE_FOR_SOME,
        TIME_TO_THE_DAY,
        TIME_DEFAULT,
        DAY_AND_MONTH_SWAPPED,
        DATE_FORMATS_MIXED,
    )
}
