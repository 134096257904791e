"""Where a setting comes from, and what a file may not say."""

import os

import pytest

from exposure import config
from exposure.errors import InputError


@pytest.fixture
def places(tmp_path):
    """(environment, project folder, writer of the project file, writer of the user file)."""
    environ = {"HOME": str(tmp_path / "home")}
    project = tmp_path / "project"
    project.mkdir()
    user = tmp_path / "home/.config/exposure"
    user.mkdir(parents=True)
    return environ, project, (project / "exposure.toml").write_text, (user / "config.toml").write_text


def test_each_place_overrides_the_ones_behind_it(places):
    environ, project, write_project, write_user = places

    def hops(flags=None):
        got = config.load(flags or {}, environ=environ, folder=project)
        return got.hops, got.sources["hops"]

    assert hops() == (5, "default")
    write_user("hops = 2")
    assert hops() == (2, str(project.parent / "home/.config/exposure/config.toml"))
    write_project("hops = 3")
    assert hops() == (3, str(project / "exposure.toml"))
    environ["EXPOSURE_HOPS"] = "4"
    assert hops() == (4, "EXPOSURE_HOPS")
    assert hops({"hops": "unlimited"}) == (None, "flag")
    assert hops({"hops": 7}) == (7, "flag")
    assert hops({"hops": None}) == (4, "EXPOSURE_HOPS")


def test_a_switch_that_is_off_overrides_one_that_is_on(places):
    environ, project, write_project, _ = places
    write_project("offline = true\nquiet = true")
    got = config.load({"offline": False}, environ=environ | {"EXPOSURE_QUIET": "no"}, folder=project)
    assert (got.offline, got.quiet) == (False, False)


def test_defaults_need_no_file_and_no_home(tmp_path):
    got = config.load(environ={}, folder=tmp_path)
    assert set(got.sources.values()) == {"default"}
    assert got.store.parts[-2:] == ("exposure", "store")
    assert set(got.sources) == {line.name for line in config.show(got)}


def test_xdg_folders_are_used(tmp_path):
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_DATA_HOME": str(tmp_path / "d")}
    (tmp_path / "c/exposure").mkdir(parents=True)
    (tmp_path / "c/exposure/config.toml").write_text('tz = "Asia/Tokyo"\ndust_usd = 2')
    got = config.load(environ=environ, folder=tmp_path)
    assert (got.tz, got.dust_usd, got.store) == ("Asia/Tokyo", 2.0, tmp_path / "d/exposure/store")


@pytest.mark.parametrize(
    "line", ['store = "/elsewhere"', 'api_key = "x"', 'etherscan_url = "http://x"', 'key_file = "x"', 'proxy = "x"']
)
def test_a_project_file_may_not_lead_outside(places, line):
    environ, project, write_project, _ = places
    write_project(line)
    with pytest.raises(InputError, match="a project file may not: hosts, keys, key files and store paths"):
        config.load(environ=environ, folder=project)


def test_the_user_file_may_set_the_store(places):
    environ, project, _, write_user = places
    write_user('store = "~/elsewhere"')
    assert config.load(environ=environ, folder=project).store.name == "elsewhere"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("hopps = 3", "did you mean hops"),
        ("max-calls = 3", "did you mean max_calls"),
        ("zzz = 3", "known are store, offline"),
        ("hops = 0", "a whole number from 1 to 1,000, or unlimited"),
        ("hops = -1", "a whole number"),
        ("hops = true", "a whole number"),
        ("hops = [3]", "single value"),
        ('rule = "FAIR"', "one of haircut, fifo"),
        ('tz = "Mars/Olympus"', "tz in .* is Mars/Olympus; it takes the IANA name of a time zone"),
        ("tolerance = 2", "a number from 0 to 1"),
        ("tolerance = nan", "a number from 0 to 1"),
        ('offline = "perhaps"', "true or false"),
        ("hops = ", "not TOML"),
        ("\x00", "not TOML"),
        ("#" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(places, content, sentence):
    environ, project, write_project, _ = places
    write_project(content)
    with pytest.raises(InputError, match=sentence) as caught:
        config.load(environ=environ, folder=project)
    assert "exposure.toml" in str(caught.value)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_refused_and_not_waited_for(places, make):
    environ, project, _, _ = places
    make(project / "exposure.toml")
    with pytest.raises(InputError, match="cannot read the settings"):
        config.load(environ=environ, folder=project)


def test_a_misspelt_variable_is_not_passed_over(places):
    environ, project, _, _ = places
    with pytest.raises(InputError, match="did you mean EXPOSURE_ENGINE"):
        config.load(environ=environ | {"EXPOSURE_ENGIN": "reference"}, folder=project)
    config.load(environ=environ | {"EXPOSURE_DEBUG": "1", "EXPOSURE_CHECK_DATA": "x"}, folder=project)
    with pytest.raises(InputError, match="EXPOSURE_HOPS is many; it takes"):
        config.load(environ=environ | {"EXPOSURE_HOPS": "many"}, folder=project)


def test_a_secret_is_never_shown():
    setting = config.Setting("etherscan_key", "", str, "key", project=False, secret=True)
    assert "abc" not in config.masked(setting, "abc123")
    assert config.masked(setting, "") == "not set"
