"""What must hold on every page, whatever it shows."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast"]
LEAST = 24  # CSS pixels of a target (WCAG 2.2, 2.5.8); links inside a sentence are as high as their line

SMALL = """least => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((each) => {
    const box = (each.closest(".find") ?? each).getBoundingClientRect();
    if (!box.width || !box.height || box.width < 2 || each.closest("[inert], [tabindex='-1'], .vh")) return false;
    if (getComputedStyle(each).visibility === "hidden" || getComputedStyle(each).opacity === "0") return false;
    if (each.matches("a") && getComputedStyle(each).display === "inline") return false;
    const label = each.labels && each.labels[0] ? each.labels[0].getBoundingClientRect() : box;
    const height = Math.max(box.height, label.height), width = Math.max(box.width, label.width);
    return Math.round(height) < least || Math.round(width) < least;
  })
  .map((each) => each.outerHTML.slice(0, 120))"""


def accessible(page: Page, rules: list[str] = RULES) -> list[str]:
    """What axe objects to. In other colours the page is the same: there `COLOURS` is enough."""
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    return [f"axe {each['id']}: {each['nodes'][0]['html'][:160]}" for each in found.response["violations"]]


def fits(page: Page) -> list[str]:
    """What lies beyond the page's edge, or is too small to hit."""
    beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    said = [f"{beyond} px to scroll sideways"] if beyond > 0 else []
    return said + [f"too small to hit: {each}" for each in page.evaluate(SMALL, LEAST)[:3]]
