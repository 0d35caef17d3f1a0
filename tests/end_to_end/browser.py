"""Headless Chromium for pages that open from the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--window-size=1000,900",
)
DRAWN_S = 120


@contextmanager
def opened(page: Path) -> Iterator[webdriver.Chrome]:
    """Open a report and wait until its charts are drawn; nothing but the file itself is loaded."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        browser.get(page.resolve().as_uri())
        root = browser.find_element(By.TAG_NAME, "html")
        WebDriverWait(browser, DRAWN_S).until(lambda _: root.get_attribute("data-drawn") == "yes")
        yield browser
    finally:
        browser.quit()
