"""The control catalogue: what has to be true of a governed model, by stable id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Control:
    """One demand on every governed model; gates name it by its id."""

    id: str
    area: str
    title: str


_BY_AREA: Mapping[str, Mapping[str, str]] = {
    "Workflow": {
        "DATA-FIT": "Data are intact, clean and fit for their purpose before anything is trained",
        "TRAIN-CONSISTENT": "Training runs under declared seeds, versions, threads and hardware",
        "VALIDATE-ROBUST": "A candidate is checked for overfit, drift and bias first of all",
        "DEPLOY-GOVERNED": "Environments are reached through a governed deployment, verified where it runs",
        "RETRAIN-THRESHOLDS": "Stated thresholds decide when to retrain",
    },
    "Versions": {
        "VERSION-ALL": "Model, data, parameters, code and policy of a version are named by digest",
        "REPRODUCE": "A version can be trained again with the same result",
        "TRACK": "Every training run is tracked",
    },
    "Validation": {
        "CODE-TESTED": "Feature and model code is tested for the commit that is released",
        "DATA-VALID": "Incoming rows are held against the data contract",
        "METRICS": "Candidates clear floors, a baseline and the champion, judged with their uncertainty",
        "EDGE-CASES": "Noise, missing inputs and unseen values don't upset the model",
        "FAIRNESS": "Groups of people are treated alike",
    },
    "Pipelines": {
        "PIPELINE-AUTO": "The path from data to deployment needs no hand and runs in CI",
        "CONTINUOUS-TRAINING": "New data or code starts training, once",
        "REGRESSION-CAUGHT": "A candidate worse than what is live is caught before production",
        "ROLLBACK-AUTO": "A version that harms is replaced by the last good one",
    },
    "Governance": {
        "LINEAGE": "Every prediction can be traced to its model and rows, and back",
        "MODEL-GOVERNANCE": "Purpose, owner, risk and explanation of a model are on record",
        "AUDIT": "Every change leaves an entry that can't be altered unseen",
    },
    "Security and privacy": {
        "PII": "Personal data are declared, kept to what is needed and protected",
        "MODEL-SECURE": "Only verified models are loaded, and hostile input is refused",
        "ACCESS": "Only those who may change, approve and promote can",
    },
    "Monitoring": {
        "MONITOR": "Performance, inputs and failures in production are watched",
        "RETRAIN-TRIGGERS": "Decline and drift ask for retraining",
        "HEALTH": "The service and its watchers are known to be well",
    },
    "Scale": {
        "RESOURCES": "Memory, time and threads keep to what was declared",
        "PARALLEL-TRAINING": "Work can be spread over machines with the same result",
        "PIPELINE-PERFORMANCE": "The time and memory that the pipeline needs are watched",
    },
    "Collaboration": {
        "COMMUNICATE": "People learn of refusals, releases, drift and rollbacks",
        "ENVIRONMENTS": "The same artefact moves through the environments without breaking its callers",
    },
    "Feedback": {
        "FEEDBACK": "Outcomes come back and are joined to predictions",
        "IMPROVE": "What was learned shapes the next version",
    },
}

CONTROLS: Mapping[str, Control] = MappingProxyType(
    {name: Control(name, area, title) for area, titles in _BY_AREA.items() for name, title in titles.items()}
)
