"""The guarded UI as persons see it: signing in, a viewer who can look and not launch, a release manager who can."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from ml_platform.access.seal import launcher
from ml_platform.adapters.platform import open_platform
from ml_platform.orchestration.build import build_all
from ml_platform.settings import load_settings
from ml_platform_tests.access.people import PASSWORD, people
from ml_platform_tests.browser.dagster_dev import guarded_web
from ml_platform_tests.orchestration.small_model import write_model
from ml_platform_tests.stages import lock_world

pytestmark = pytest.mark.browser

PATIENCE_SECONDS = 120
JOB = "/locations/ml_platform/jobs/parcels_promote"
CONFIRM = "//button[contains(., 'Confirm')]"
BUTTON = "//button[contains(., 'Materialize') or contains(., 'Launch')]"


@dataclass(frozen=True)
class Site:
    """The server's address and its project's folder."""

    address: str
    folder: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("guarded")
    write_model(folder)
    people(folder / "home")
    environment = {"ML_PLATFORM_HOME": str(folder / "home"), "ML_PLATFORM_DEFS": str(folder / "defs")}
    with guarded_web(folder, environment) as address:
        yield Site(address, folder)


@dataclass(frozen=True)
class Visitor:
    """Somebody at the browser, who waits for what should be there."""

    driver: Chrome
    site: Site
    pictures: Path

    def sees(self, *texts: str) -> None:
        """Wait until all texts stand on the page, and take a picture."""
        script = "return document.body.innerText"
        WebDriverWait(self.driver, PATIENCE_SECONDS).until(
            lambda driver: all(text in str(driver.execute_script(script)) for text in texts),
            f"{self.driver.current_url} doesn't say all of {texts}",
        )
        self.pictures.mkdir(exist_ok=True)
        self.driver.save_screenshot(str(self.pictures / f"{len(list(self.pictures.iterdir()))}.png"))

    def signs_in(self, name: str, path: str = "/") -> None:
        """Go to a page, be asked who they are, and say it."""
        self.driver.delete_all_cookies()
        self.driver.get(self.site.address + path)
        self.sees("Sign in to ml-platform")
        self.fills_in(name, PASSWORD)

    def fills_in(self, name: str, password: str) -> None:
        """Fill in the form and send it."""
        self.driver.find_element(By.ID, "name").clear()
        self.driver.find_element(By.ID, "name").send_keys(name)
        self.driver.find_element(By.ID, "password").send_keys(password)
        self.driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()

    def may_launch(self) -> bool:
        """Wait for the button that launches, and say whether it can be pressed."""
        wait = WebDriverWait(self.driver, PATIENCE_SECONDS)
        found = wait.until(lambda driver: driver.find_elements(By.XPATH, BUTTON), "there is no button to launch")
        return bool(found[-1].is_enabled())

    def launches(self) -> None:
        """Press the button that launches, and confirm that what stands before it was never made."""
        self.driver.find_elements(By.XPATH, BUTTON)[-1].click()
        wait = WebDriverWait(self.driver, PATIENCE_SECONDS, ignored_exceptions=[WebDriverException])
        wait.until(lambda driver: driver.find_element(By.XPATH, CONFIRM).is_enabled(), "nothing asks to confirm")
        self.driver.find_element(By.XPATH, CONFIRM).click()


@pytest.fixture
def visitor(browser: Chrome, site: Site, tmp_path: Path) -> Visitor:
    return Visitor(browser, site, tmp_path / "seen")


def runs(site: Site) -> list[dg.DagsterRun]:
    with contextlib.chdir(site.folder), dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(site.folder))) as instance:
        return list(instance.get_runs())


def test_a_viewer_is_asked_who_they_are_sees_the_assets_and_cannot_launch(visitor: Visitor) -> None:
    visitor.signs_in("vera", "/locations/ml_platform/asset-groups/parcels")
    visitor.sees("snapshot", "evaluation", "production", "vera · viewer")
    visitor.driver.get(visitor.site.address + JOB)
    visitor.sees("parcels_promote", "Never materialized")
    assert not visitor.may_launch()
    visitor.driver.get(visitor.site.address + "/whoami")
    visitor.sees("vera", "viewer", "see assets, checks, runs and their events", "Sign out")
    visitor.driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    visitor.sees("Sign in to ml-platform")
    assert runs(visitor.site) == []


def test_a_wrong_password_is_said_and_the_name_stays(visitor: Visitor) -> None:
    visitor.driver.delete_all_cookies()
    visitor.driver.get(visitor.site.address)
    visitor.sees("Sign in")
    visitor.fills_in("rita", "not the password")
    visitor.sees("Name and password don't belong together.")
    assert visitor.driver.find_element(By.ID, "name").get_attribute("value") == "rita"


# The order matters: what is launched changes what the graph shows.


def test_a_trainer_finds_the_button_to_production_closed_and_the_one_to_staging_open(visitor: Visitor) -> None:
    visitor.signs_in("tom", JOB)
    visitor.sees("parcels_promote", "Never materialized", "tom · trainer")
    assert not visitor.may_launch()
    visitor.driver.get(visitor.site.address + JOB.replace("promote", "release"))
    visitor.sees("parcels_release")
    assert visitor.may_launch()


def test_a_release_manager_launches_and_the_run_says_who(visitor: Visitor) -> None:
    visitor.signs_in("rita", JOB)
    visitor.sees("parcels_promote", "rita · release_manager")
    assert visitor.may_launch()
    visitor.launches()
    wait = WebDriverWait(visitor.driver, PATIENCE_SECONDS)
    wait.until(lambda _: [run.status for run in runs(visitor.site)] == [dg.DagsterRunStatus.QUEUED], "none is queued")
    (run,) = runs(visitor.site)
    assert launcher(visitor.site.folder / "home", run.run_id, run.tags) == "rita"
    visitor.driver.get(f"{visitor.site.address}/runs/{run.run_id}")
    visitor.sees("parcels_promote", "Queued")


# As docs/tutorial-release.md tells it: going back from the launchpad, with a reason.

ROLLBACK = JOB.replace("promote", "rollback")
WRITE = "document.querySelector('.CodeMirror').CodeMirror.setValue(arguments[0])"
READ = "return document.querySelector('.CodeMirror')?.CodeMirror.getValue() ?? ''"
LAUNCH = "//button[contains(., 'Launch Run')]"


def go_live_twice(site: Site) -> None:
    """Let a second version of the small model follow the first in production."""
    settings = dataclasses.replace(load_settings(), home=site.folder / "home")
    with pytest.MonkeyPatch.context() as patch, open_platform(settings) as platform:
        patch.setattr(lock_world, "MODEL", "parcels")
        world = lock_world.World(platform.ledger, platform.store, lock_world.policy())
        for text in ("one", "two"):
            platform.ledger.deploy(
                world.release(text), "production", actor="rita", reason="x", approvals=(), at=lock_world.NOW
            )


def run_as_the_daemon_would(site: Site, run: dg.DagsterRun, tracking: str) -> bool:
    """Execute a run that waits in the queue, as it stands there, and say whether it went through."""
    with pytest.MonkeyPatch.context() as patch, dg.instance_for_test() as instance:
        patch.setenv("ML_PLATFORM_HOME", str(site.folder / "home"))
        patch.setenv("ML_PLATFORM_DEFS", str(site.folder / "defs"))
        patch.setenv("MLFLOW_TRACKING_URI", tracking)
        job = build_all(load_settings()).resolve_job_def(run.job_name)
        return job.execute_in_process(
            run_config=run.run_config, run_id=run.run_id, tags=run.tags, instance=instance, raise_on_error=False
        ).success


def test_to_a_viewer_the_launchpad_is_closed(visitor: Visitor) -> None:
    visitor.signs_in("vera", f"{ROLLBACK}/playground")
    visitor.sees("parcels_rollback", "Launchpad", "Go back to the last good version", "vera · viewer")
    assert not visitor.driver.find_elements(By.XPATH, LAUNCH)


def test_a_release_manager_rolls_back_from_the_launchpad(visitor: Visitor, tracking: str) -> None:
    go_live_twice(visitor.site)
    before = {run.run_id for run in runs(visitor.site)}
    visitor.signs_in("rita", f"{ROLLBACK}/playground")
    visitor.sees("parcels_rollback", "rita")
    wait = WebDriverWait(visitor.driver, PATIENCE_SECONDS, ignored_exceptions=[WebDriverException])
    config = wait.until(lambda driver: driver.execute_script(READ), "the launchpad doesn't open with the questions")
    assert "reason: ''" in config
    visitor.driver.execute_script(WRITE, config.replace("reason: ''", "reason: its files were altered"))
    wait.until(lambda driver: driver.find_element(By.XPATH, LAUNCH).is_enabled(), "the launchpad stays closed")
    visitor.sees("its files were altered")
    visitor.driver.find_element(By.XPATH, LAUNCH).click()
    wait.until(lambda _: len(runs(visitor.site)) > len(before), "nothing is queued")
    (run,) = [run for run in runs(visitor.site) if run.run_id not in before]
    assert run.job_name == "parcels_rollback"
    assert run_as_the_daemon_would(visitor.site, run, tracking)
    with open_platform(dataclasses.replace(load_settings(), home=visitor.site.folder / "home")) as platform:
        live = platform.ledger.live("parcels", "production")
    assert live is not None
    assert (live.version, live.actor, live.reason) == (1, "rita", "its files were altered")
