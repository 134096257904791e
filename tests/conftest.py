"""Fixtures and profiles that every test shares."""

import os
import pathlib

import hypothesis
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent

_CHECKS = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]
# Every run repeats itself, so that a failure is somebody's change; with EXPOSURE_LAW_SEARCH it draws new examples.
hypothesis.settings.register_profile("default", deadline=None, max_examples=50, derandomize=True, suppress_health_check=_CHECKS)
hypothesis.settings.register_profile(
    "ci",
    deadline=None,
    max_examples=int(os.environ.get("EXPOSURE_LAW_EXAMPLES", "2000")),
    derandomize="EXPOSURE_LAW_SEARCH" not in os.environ,
    suppress_health_check=_CHECKS,
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long tests in a run over all, unless ``CI_STRICT=1``: `make test` is to be run often."""
    if os.environ.get("CI_STRICT") == "1" or config.args != config.getini("testpaths"):
        return
    left = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session")
def check_data() -> pathlib.Path:
    """Folder of real data to check against: ``EXPOSURE_CHECK_DATA``, else ``shared`` beside the checkout.

    Where it is absent the test is skipped, or fails if ``CI_STRICT=1``.
    """
    folder = pathlib.Path(os.environ.get("EXPOSURE_CHECK_DATA") or ROOT.parent / "shared").resolve()
    if (folder / "data").is_dir():
        return folder
    reason = f"no real data in {folder}: set EXPOSURE_CHECK_DATA to the folder that holds data/"
    if os.environ.get("CI_STRICT") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests see neither the user's configuration nor EXPOSURE_ variables, and keep their store to themselves."""
    keep = {"EXPOSURE_CHECK_DATA", "EXPOSURE_LAW_EXAMPLES", "EXPOSURE_LAW_SEARCH"}
    for name in [name for name in os.environ if name.startswith("EXPOSURE_") and name not in keep]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg-config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "xdg-data"))
