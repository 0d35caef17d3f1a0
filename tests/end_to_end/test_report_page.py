"""The report as a reader opens it, in a browser, from the disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.end_to_end.browser import DRAWN_S, opened
from tests.end_to_end.conftest import SAMPLES, axedge

pytestmark = [pytest.mark.qemu, pytest.mark.train, pytest.mark.xdist_group("road")]

IMAGE = Path("out/inversek2j/microbit/aot-i8")
MARKUP = "<img src=x onerror=\"document.title='taken'\"></script><b>bold</b> & `|`"


@pytest.fixture(scope="module")
def benched(road: Path) -> Path:
    axedge("run", "inversek2j", "--board", "microbit", "--samples", SAMPLES, cwd=road)
    return road


def drawn_points(browser: object, name: str) -> list[float]:
    """Return what a chart's first trace holds, as Plotly has it."""
    return browser.execute_script(f"return document.getElementById('plot-{name}').data[0].z.flat()")


def test_the_report_draws_everything_without_an_error(benched: Path) -> None:
    with opened(benched / IMAGE / "report.html") as browser:
        assert browser.get_log("browser") == []
        plots = browser.find_elements(By.CSS_SELECTOR, ".plot")
        assert len(plots) == 5
        for plot in plots:
            assert plot.find_elements(By.CSS_SELECTOR, ".main-svg"), plot.get_attribute("id")
            assert plot.get_attribute("aria-label")
        verdict = json.loads((benched / IMAGE / "bench.json").read_text())["verdict"]
        assert browser.find_element(By.CSS_SELECTOR, ".verdict").text == verdict
        assert len(browser.find_elements(By.CSS_SELECTOR, "dd.value")) == 4
        assert "http" not in browser.execute_script(
            "return performance.getEntriesByType('resource').map(one => one.name).join()"
        )


def test_its_controls_work_from_the_keyboard(benched: Path) -> None:
    with opened(benched / IMAGE / "report.html") as browser:
        choice = browser.find_element(By.ID, "choose-trust")
        labels = [option.text for option in Select(choice).options]
        assert len(labels) == 3
        before = drawn_points(browser, "trust")
        choice.send_keys(Keys.ARROW_DOWN)
        assert Select(choice).first_selected_option.text == labels[1]
        assert drawn_points(browser, "trust") != before
        assert browser.find_element(By.ID, "plot-trust").get_attribute("aria-label").startswith(labels[1])
        root = browser.find_element(By.TAG_NAME, "html")
        paper = "return getComputedStyle(document.body).backgroundColor"
        light = browser.execute_script(paper)
        browser.find_element(By.ID, "theme").send_keys(Keys.ENTER)
        assert root.get_attribute("data-theme") == "dark"
        assert browser.find_element(By.ID, "theme").get_attribute("aria-pressed") == "true"
        assert browser.execute_script(paper) != light
        browser.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
        thirds = browser.find_elements(By.CSS_SELECTOR, "details[open] tbody th")
        assert [one.text for one in thirds] == ["x [m]"] * 3 + ["y [m]"] * 3
        for wide in browser.find_elements(By.CSS_SELECTOR, ".scroll"):
            assert wide.get_attribute("tabindex") == "0"
            # The tables that are folded away have no accessible name until they are opened.
            assert wide.accessible_name or not wide.is_displayed()


def test_it_fits_a_phone(benched: Path) -> None:
    with opened(benched / IMAGE / "report.html") as browser:
        browser.set_window_size(390, 800)
        spare = "const e = document.documentElement; return e.clientWidth - e.scrollWidth"
        # Plotly draws again some moments after the window has changed.
        WebDriverWait(browser, DRAWN_S).until(lambda _: browser.execute_script(spare) >= 0)


def test_words_from_kernel_files_stay_words(benched: Path, tmp_path: Path) -> None:
    shutil.copytree(benched / "out", tmp_path / "out")
    path = tmp_path / "out" / "inversek2j" / "convert" / "convert.json"
    body = json.loads(path.read_text())
    body["notes"] = [MARKUP, *body["notes"][1:]]
    for port in (*body["inputs"], *body["outputs"]):
        port["unit"] = MARKUP
    path.write_text(json.dumps(body))
    axedge("report", "inversek2j", "--board", "microbit", cwd=tmp_path)
    with opened(tmp_path / IMAGE / "report.html") as browser:
        assert browser.get_log("browser") == []
        assert browser.title == "inversek2j on microbit - axedge"
        assert MARKUP in browser.find_element(By.CSS_SELECTOR, "main .soft").text
        assert not browser.find_elements(By.TAG_NAME, "img")
        axis = browser.find_element(By.CSS_SELECTOR, "#plot-trust .xtitle").text
        assert "onerror" in axis
    summary = (tmp_path / IMAGE / "report.md").read_text()
    assert "<img" not in summary


def test_a_partial_bench_has_no_report(benched: Path, tmp_path: Path) -> None:
    shutil.copytree(benched / "out", tmp_path / "out")
    path = tmp_path / IMAGE / "bench.json"
    path.write_text(path.read_text().replace('"complete": true', '"complete": false'))
    answer = axedge("report", "inversek2j", "--board", "microbit", cwd=tmp_path, expect=2)
    assert "partial" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_a_bench_of_another_gate_has_no_report(benched: Path, tmp_path: Path) -> None:
    shutil.copytree(benched / "out", tmp_path / "out")
    path = tmp_path / "out" / "inversek2j" / "convert" / "convert.json"
    body = json.loads(path.read_text())
    path.write_text(json.dumps(body | {"threshold": body["threshold"] + 1}))
    answer = axedge("report", "inversek2j", "--board", "microbit", cwd=tmp_path, expect=2)
    assert "is of another gate or promise than convert.json" in answer.stderr
