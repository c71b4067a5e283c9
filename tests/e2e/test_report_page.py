"""The report in headless Chromium, as a person would look at it: desktop and phone, light and dark."""

from __future__ import annotations

import os
from pathlib import Path

from modules.report import render

import pytest

from tests import browser, report_facts

pytestmark = pytest.mark.slow

# What a reader would stumble over, gathered in one call. Figures and tables may scroll inside themselves.
_LOOK = """(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  return {
    width: document.documentElement.scrollWidth,
    broken: all(".broken").map((place) => place.textContent),
    empty: all(".plot").filter((place) => !place.querySelector("svg .trace, svg .hm, svg image"))
      .map((place) => place.id),
    wide: all("body *").filter((item) => !item.closest(".scroll, pre, nav"))
      .filter((item) => item.tagName === "text" || !item.closest("svg"))
      .filter((item) => item.getBoundingClientRect().right > innerWidth + 1)
      .map((item) => item.outerHTML.slice(0, 80)),
    headings: all("h1, h2").map((item) => item.textContent.trim()),
    uncaptioned: all("table").filter((item) => !item.caption).length,
    unnamed: all(".plot").filter((item) => !item.getAttribute("aria-label")).length,
    ink: getComputedStyle(document.querySelector("#plot-graph text")).fill,
    paper: getComputedStyle(document.body).backgroundColor,
    hostile: window.broken ?? null,
  };
})()"""


# Each plot is laid out anew for a new width, one after the other.
_FITTED = "[...document.querySelectorAll('.plot svg')].every(s => s.closest('.scroll') || s.clientWidth < innerWidth)"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an invented run; with `EDGELINE_REPORT=path` that of a real one."""
    if "EDGELINE_REPORT" in os.environ:
        return Path(os.environ["EDGELINE_REPORT"]).resolve()
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render.render(report_facts.complete(), report_facts.run()), encoding="utf-8")
    return path


def test_it_is_readable_everywhere_and_asks_for_nothing(report: Path, tmp_path: Path) -> None:
    inks = {}
    with browser.opened(report.as_uri(), tmp_path, width=1280, height=900) as page:
        for name, width, height, dark in (("desktop", 1280, 900, False), ("phone", 390, 844, False),
                                          ("dark", 1280, 900, True), ("dark-phone", 390, 844, True)):  # fmt: skip
            page.look(width, height, dark=dark)
            page.wait_for(f"document.documentElement.dataset.drawn === '{'dark' if dark else 'light'}'")
            page.wait_for(f"innerWidth === {width} && {_FITTED}")
            seen = page.evaluate(_LOOK)
            inks[name] = seen["ink"], seen["paper"]
            page.screenshot(tmp_path / f"{name}.png")
            assert seen["width"] <= width, f"{name} scrolls sideways"
            for fault in ("broken", "empty", "wide", "uncaptioned", "unnamed"):
                assert not seen[fault], f"{name}, {fault}: {seen[fault]}"
            assert seen["headings"][1:] == [
                "Data", "Tuning", "Training", "Quality", "Worst errors", "Compression", "Run", "Provenance"
            ]  # fmt: skip
            assert seen["hostile"] is None, "a text of the data was run as a script"
        foreign = [address for address in page.requests if not address.startswith(("data:", report.as_uri()))]
    assert foreign == []
    assert page.problems == []
    assert inks["dark"] != inks["desktop"], "plots must follow the colours that the reader prefers"
    assert inks["phone"] == inks["desktop"]
