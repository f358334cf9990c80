"""Canaries by the thousand: how often equal versions are stopped, and how fast worse ones are, against fixed-size tests.

Each run is looked at after every request. First whole trials with all monitors, of equal versions and of versions that
are worse by a margin in one thing. Then each monitor alone, of versions worse by exactly its margin, against the size
that a test with one look at the end needs at the same alpha for a power of 80 % (statsmodels), and the power that this
test has in the same simulation.

    python benchmarks/canary.py --runs 2000

Ends with 1 when a stated share is exceeded beyond chance, or a version that is worse by the margin isn't stopped as
often within 1.5 times the fixed size as the fixed test stops it.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats as scipy_stats
from statsmodels.stats.power import NormalIndPower, zt_ind_solve_power
from statsmodels.stats.proportion import proportion_confint, samplesize_proportions_2indep_onetail

from ml_platform.policy.strategy import Canary
from ml_platform.stats.arm_wagers import duel_by_lot, within_by_lot, worse_by_lot
from ml_platform.stats.capital import Wager, log_capital
from ml_platform.stats.pair_wagers import duel_of_pairs
