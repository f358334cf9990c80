"""The catalogue of the platform's tests: name, what it looks at, and what to do when it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ml_platform.stages.code_tests.bench import Bench
from ml_platform.stages.code_tests.checks.few_rows import few_rows
from ml_platform.stages.code_tests.checks.finite import finite
from ml_platform.stages.code_tests.checks.fit_order import fit_order
from ml_platform.stages.code_tests.checks.inputs_stay import inputs_stay
from ml_platform.stages.code_tests.checks.later_rows import later_rows
from ml_platform.stages.code_tests.checks.missing_values import missing_values
from ml_platform.stages.code_tests.checks.other_rows import other_rows
from ml_platform.stages.code_tests.checks.promised_rows import promised_rows
from ml_platform.stages.code_tests.checks.row_alone import row_alone
from ml_platform.stages.code_tests.checks.row_order import row_order
from ml_platform.stages.code_tests.checks.same_twice import same_twice
from ml_platform.stages.code_tests.checks.service_same import service_same
from ml_platform.stages.code_tests.checks.state_is_json import state_is_json
from ml_platform.stages.code_tests.checks.state_stays import state_stays
from ml_platform.stages.code_tests.checks.unseen_levels import unseen_levels


@dataclass(frozen=True, slots=True)
class Check:
    """A test of `fit` and `transform`: its function and what to do when it finds something."""

    find: Callable[[Bench], str]
    next_step: str


_BY_ROW = "Make each feature of its own row only; what it needs of other rows belongs into `fit` or `assemble`."

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "state_is_json": Check(state_is_json, "Return a dict of finite numbers, texts and lists, its keys texts."),
        "fit_ignores_row_order": Check(fit_order, "Sort what the order decides, or take a mean, count or median."),
        "inputs_stay_as_they_are": Check(inputs_stay, "Work on a copy: the next feature needs the column as it is."),
        "state_stays_as_it_is": Check(state_stays, "Keep nothing between calls; only `fit` learns."),
        "row_order_does_not_matter": Check(row_order, _BY_ROW),
        "a_row_alone_gives_the_same": Check(row_alone, _BY_ROW),
        "later_rows_do_not_matter": Check(later_rows, _BY_ROW),
        "other_rows_do_not_matter": Check(other_rows, _BY_ROW),
        "same_input_gives_the_same": Check(
            same_twice, "Take no random numbers, clock or hash; if you need dice, seed them with a constant."
        ),
        "the_service_gives_the_same": Check(service_same, _BY_ROW),
        "missing_values_are_handled": Check(missing_values, "Let a missing value give NaN, which the trees know."),
        "unseen_levels_are_handled": Check(
            unseen_levels, "Look levels up so that an unknown one gives NaN, and a known one that `fit` never saw too."
        ),
        "few_rows_are_handled": Check(few_rows, "Return every feature for one row and for none, with that length."),
        "promised_rows_are_handled": Check(
            promised_rows, "Guard the division or logarithm, or narrow the column's `range` in the contract."
        ),
        "features_are_finite_or_missing": Check(finite, "Guard the division or logarithm; NaN where it is undefined."),
    }
)
RUNS = "it_runs_on_real_rows"
RUNS_STEP = "Correct the module; the service would fail in the same way."
QUIET = "it_prints_nothing"
QUIET_STEP = "Take the prints and log lines out: logs are read by more people than the rows are meant for."
ELSEWHERE = "another_process_gives_the_same"
ELSEWHERE_STEP = "Sort what comes from a set or a hash; take no random numbers, clock or machine into a feature."
