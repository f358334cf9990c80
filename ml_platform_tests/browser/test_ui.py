"""The Dagster UI as a person sees it: both shipped models, a refused one, a broken one, the sensor and its reason.

One home is made for all tests: the shipped models as they are, `parcels` released and refused by a gate, and with a
canary that was stopped, `crates` live, with a month in which its weights came in pounds, `broken` with a mistake in its
file. Each test leaves a screenshot in its temporary folder.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from ml_platform.adapters.platform import open_platform
from ml_platform.orchestration.build import build_all
from ml_platform.orchestration.launch import open_dagster
from ml_platform.settings import load_settings
from ml_platform.stages.retraining import REQUESTED
from ml_platform_tests.browser.dagster_dev import ROOT, dagster_dev
from ml_platform_tests.flow.traffic import serve_badly
from ml_platform_tests.orchestration.small_model import WAIVED, write_model
from ml_platform_tests.orchestration.trials import MANUAL, TRIED, begin, serve
from ml_platform_tests.stages import lock_world

pytestmark = pytest.mark.browser

PATIENCE_SECONDS = 120
FLOW = (
    "source", "snapshot", "split", "features", "model", "evaluation", "release", "staging", "production", "traffic",
    "monitoring",
)  # fmt: skip
STRICT = ("    packs: [base]\n", "    packs: [base]\n    overrides: {auc_is_sufficient: {limit: 0.99}}\n")


@dataclass(frozen=True)
class Person:
    """Somebody at the browser, who waits for what should be there."""

    driver: Chrome
    address: str
    folder: Path

    def goes_to(self, path: str) -> None:
        self.driver.get(self.address + path)

    def sees(self, *texts: str) -> str:
        """Wait until all texts stand on the page, take a picture, and return everything that stands there."""
        found = WebDriverWait(self.driver, PATIENCE_SECONDS).until(
            lambda driver: (page := _text(driver)) and all(text in page for text in texts) and page,
            f"{self.driver.current_url} doesn't say all of {texts}",
        )
        self.driver.save_screenshot(str(self.folder / "seen.png"))
        return str(found)

    def finds(self, path: str) -> int:
        """Wait for the first element at an XPath, and return how far from the left it stands."""
        wait = WebDriverWait(self.driver, PATIENCE_SECONDS, ignored_exceptions=[StaleElementReferenceException])
        found = wait.until(lambda driver: [one.rect["x"] for one in driver.find_elements(By.XPATH, path)], f"no {path}")
        return int(found[0])

    def opens(self, path: str, text: str) -> None:
        """Click on the last element at an XPath until a text is there; a page that draws itself anew loses clicks."""
        wait = WebDriverWait(self.driver, PATIENCE_SECONDS, ignored_exceptions=[WebDriverException])
        wait.until(lambda driver: text in _text(driver) or _click(driver, path), f"{path} doesn't open {text!r}")


def _click(driver: Chrome, path: str) -> bool:
    for one in driver.find_elements(By.XPATH, path)[-1:]:
        one.click()
    return False


def _text(driver: Chrome) -> str:
    return str(driver.execute_script("return document.body.innerText") or "")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("ui")
    defs = home / "defs"
    for name in ("flights", "health_cost"):
        shutil.copytree(ROOT / "ml_platform" / "defs" / name, defs / name)
    parcels = write_model(home, STRICT, (MANUAL, TRIED))
    crates = defs / "crates" / "defs.yaml"
    crates.parent.mkdir()
    lenient = parcels.read_text().replace(STRICT[1], f"    {WAIVED}\n").replace(TRIED, MANUAL)
    crates.write_text(lenient.replace("model: parcels", "model: crates"))
    broken = defs / "broken" / "defs.yaml"
    broken.parent.mkdir()
    broken.write_text(parcels.read_text().replace("model: parcels", "model: broken").replace("seed: 7", "sed: 7"))
    environment = {
        "ML_PLATFORM_HOME": str(home / ".ml_platform"),
        "ML_PLATFORM_DEFS": str(defs),
        "ML_PLATFORM_ACTOR": "robin",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(home)
        shutil.copy(ROOT / "dagster.yaml", home)
        _refuse_parcels(home)
        _stop_a_canary(home)
        _raise_an_alarm(home)
    with dagster_dev(home, environment) as address:
        yield address


def _raise_an_alarm(home: Path) -> None:
    """Release crates, serve a month with weights in pounds and watch it, shortly after a retraining was asked for."""
    with open_dagster(home, build_all(load_settings())) as dagster:
        for job in ("crates_release", "crates_promote"):
            run = dagster.launch(job)
            assert run.success, run.failure
        with open_platform(load_settings()) as platform:
            live = platform.ledger.live("crates", "production")
            assert live is not None
            serve_badly(platform.home, live, "2025-10", kilograms=2.2046)
            asked = {"cause": "c" * 64, "as_of": "2025-10-25T00:00:00+00:00", "run_id": ""}
            platform.ledger.append(REQUESTED, actor="robin", subject="crates", payload=asked, at=live.since)
        assert not dagster.launch("crates_monitor", partition="2025-10").success


def _refuse_parcels(home: Path) -> None:
    """Run the release job as `ml-platform run` does; its gate on the AUC is too strict for it."""
    with open_dagster(home, build_all(load_settings())) as dagster:
        assert not dagster.launch("parcels_release").success
        assert dagster.instance.get_runs_count(dg.RunsFilter(job_name="parcels_release")) == 1


def _stop_a_canary(home: Path) -> None:
    """Let a version be tried that fails every time, and look at it, as the sensor's run does."""
    with pytest.MonkeyPatch.context() as patch, open_platform(load_settings()) as platform:
        patch.setattr(lock_world, "MODEL", "parcels")
        world, now = lock_world.World(platform.ledger, platform.store, lock_world.policy()), dt.datetime.now(dt.UTC)
        champion, challenger = world.release("one"), world.release("two")
        platform.ledger.deploy(champion, "production", actor="robin", reason="first", approvals=(), at=now)
        platform.ledger.project(lambda _: None)
        serve(platform, begin(platform, champion, challenger, since=now), 200, fails=True)
    with open_dagster(home, build_all(load_settings())) as dagster:
        assert dagster.launch("parcels_rollout").success


@pytest.fixture
def person(browser: Chrome, address: str, tmp_path: Path) -> Person:
    return Person(driver=browser, address=address, folder=tmp_path)


@pytest.mark.parametrize("model", ["flights", "health_cost"])
def test_the_graph_shows_a_shipped_model_in_the_order_of_its_flow(person: Person, model: str) -> None:
    flow = FLOW if model == "flights" else FLOW[:9]
    person.goes_to(f"/locations/ml_platform/asset-groups/{model}")
    person.sees(*flow, "quarantine", "report")
    places = [person.finds(f"//*[name()='svg']//*[text()='{name}']") for name in flow]
    assert all(left < right for left, right in pairwise(places)), dict(zip(flow, places, strict=True))


def test_the_first_page_shows_the_run_that_was_made_from_the_command_line(person: Person) -> None:
    person.goes_to("/")
    person.sees("ml_platform", "parcels_release")


def test_a_check_shows_claim_evidence_limit_control_and_what_to_do(person: Person) -> None:
    person.goes_to("/assets/parcels/evaluation?view=checks&checkDetail=auc_is_sufficient")
    person.sees(
        "This is a blocking asset check", "Claim: auc is sufficient", "Why:", "What to do:", "Control: METRICS ("
    )
    person.sees("failed: roc_auc = 0.", "≥ 0.99 on the lower bound", "(95% confidence)")
    names = (
        "control",
        "interval",
        "limit",
        "measurement",
        "next step",
        "policy digest",
        "sample size",
        "value",
        "verdict",
    )
    person.sees(*(f"\n{name}\n" for name in names))


def test_an_asset_tells_model_purpose_and_verdicts_in_words(person: Person) -> None:
    person.goes_to("/assets/parcels/evaluation?view=overview")
    person.sees("Parcels that arrive a day or more after the promise", "Say which parcels come late", "parcels-team")
    page = person.sees("verdicts", "roc_auc")
    assert re.search(r"\d+ gates: .*failed.*: auc_is_sufficient", page)
    person.opens("//tr[.//*[text()='plots']]//*[contains(text(), 'Show Markdown')]", "Calibration")
    drawn = "return [...document.querySelectorAll('img')].filter(one => one.alt && one.naturalWidth > 0).length"
    WebDriverWait(person.driver, PATIENCE_SECONDS).until(lambda driver: driver.execute_script(drawn) == 2)
    person.sees("plots", "Close")


def test_a_feature_says_which_columns_it_is_made_from(person: Person) -> None:
    person.goes_to("/assets/parcels/features?view=overview")
    person.sees("Columns", "over_middle", "Made from weight.")


def test_the_refused_run_names_the_gate_with_its_numbers(person: Person) -> None:
    person.goes_to("/locations/ml_platform/jobs/parcels_release/runs")
    person.sees("parcels_release", "Failure")
    person.opens("(//a[contains(@href, '/runs/') and string-length(.) = 8])[1]", "REFUSED at evaluation")
    person.sees("RUN_FAILURE", "auc_is_sufficient failed [METRICS]", "needed: ≥ 0.99")


def test_the_sensor_is_listed_and_its_tick_says_why_nothing_was_requested(person: Person) -> None:
    person.goes_to("/automation")
    person.sees("flights_retrain_sensor", "parcels_retrain_sensor")
    person.goes_to("/locations/ml_platform/sensors/flights_retrain_sensor")
    person.sees("View logs", "Each tick says why a run was requested or why not.")
    person.opens("//*[text()='0 runs requested']", "Skip reason:")
    person.sees("Skip reason: no window has been monitored yet")


# As somebody reads it who was woken by a notice: why nothing was retrained, the window, the alarm, its source column.


def test_the_story_of_an_alarm_leads_from_the_tick_to_the_source_column(person: Person) -> None:
    person.goes_to("/locations/ml_platform/sensors/crates_retrain_sensor")
    person.sees("View logs")
    person.opens("//*[text()='0 runs requested']", "Skip reason:")
    person.sees("window 2025-10: live_auc_holds", "but the cool-down of 20 days", "behind it: weight (")
    person.goes_to("/assets/crates/monitoring?view=partitions&partition=2025-10")
    person.sees("in short", "2025-10, v1: harm is proven: live_auc_holds", "behind it 1", "from parcels.weight (")
    person.opens("(//tr[.//*[text()='windows']]//*[contains(text(), 'Show Markdown')])[1]", "Evidence that traffic")
    person.goes_to("/assets/crates/monitoring?view=partitions&partition=2025-10")
    person.sees("in short")
    person.opens("//a[contains(@href, '/runs/') and string-length(.) = 8]", "ALARM at monitoring")
    person.sees("window 2025-10, served by v1", "page: asset crates/monitoring, partition 2025-10")
    person.goes_to("/assets/crates/monitoring?view=checks&checkDetail=no_traffic_alarm")
    person.sees("2025-10: failed: weight has shifted:", "it comes from parcels.weight (", "over_middle")
    person.opens("//a[contains(., 'crates / source')]", "columns of parcels")
    person.sees("Kilograms.")


def test_a_trial_is_readable_from_its_page_to_the_tick_of_its_sensor(person: Person) -> None:
    person.goes_to("/assets/parcels/rollout?view=overview")
    page = person.sees("v2 is stopped and barred, v1 stays live", "next step", "v2 never comes back", "proven worse")
    assert "proven worse: errors, of the requests: 100% against 0%" in page
    assert page.index("\ndone\n") < page.index("\nbecause\n") < page.index("\nnext step\n") < page.index("\nlooks\n")
    person.opens("//tr[.//*[text()='proven so far']]//*[contains(text(), 'Show Markdown')]", "Close")
    drawn = "return [...document.querySelectorAll('img')].filter(one => one.alt && one.naturalWidth > 0).length"
    WebDriverWait(person.driver, PATIENCE_SECONDS).until(lambda driver: driver.execute_script(drawn) == 1)
    person.goes_to("/locations/ml_platform/sensors/parcels_rollout_sensor")
    person.opens("//*[text()='0 runs requested']", "Skip reason:")
    person.sees("Skip reason: no version is on trial")


def test_a_broken_model_is_shown_as_broken_and_the_others_load(person: Person) -> None:
    person.goes_to("/asset-groups")
    person.sees("flights", "health_cost", "parcels", "broken_is_broken")
    person.goes_to("/assets/broken/source?view=overview")
    person.sees("Broken.", "the model file is broken", "defs.yaml:", "sed", "Did you mean 'seed'")
