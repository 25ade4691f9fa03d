"""What a line of the table is, and how a browser gets there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

Things = dict[str, Any]
Steps = Callable[[Page, Things], None]
NOBODY = ""

SEND = """([to, data]) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = to;
  const token = document.querySelector("[name=csrfmiddlewaretoken]");
  const pairs = [...data, ["csrfmiddlewaretoken", token ? token.value : ""]];
  for (const [name, value] of pairs) {
    const input = document.createElement("input");
    [input.type, input.name, input.value] = ["hidden", name, value];
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}"""


@dataclass(frozen=True)
class Shown:
    """One page in one state: `path` is opened by `who` (`NOBODY`: signed out), then `post` is sent to `to` from
    there (empty: to the same address), then `steps` are done. `{names}` stand for what the stage has."""

    name: str
    path: str
    who: str = "manager"
    post: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    to: str = ""
    steps: Steps | None = None
    prints: bool = False  # somebody would print it
    is_wide: bool = False  # a wall's page, or a printed one: nobody holds it on a tablet
    says: int = 200
    then: tuple[int, ...] = ()  # what its steps are answered with, where that is a refusal

    def may_say(self, message: str) -> bool:
        """Whether a line on the console is the browser's own note of a refusal that this state is about."""
        return any(f"status of {code} " in message for code in (self.says, *self.then) if code >= 400)

    def __str__(self) -> str:
        return self.name


def go(page: Page, base: str, shown: Shown, things: Things) -> int:
    """Opens it, and gives the last answer's status."""
    answer = page.goto(base + shown.path.format(**things))
    page.wait_for_load_state("load")
    status = answer.status if answer is not None else 0
    if shown.post or shown.to:
        pairs = [
            [name, each.format(**things)]
            for name, value in shown.post.items()
            for each in ((value,) if isinstance(value, str) else value)
        ]
        to = base + (shown.to or shown.path).format(**things)
        with page.expect_navigation(wait_until="load") as sent:
            page.evaluate(SEND, [to, pairs])
        status = sent.value.status if sent.value is not None else 0
    if shown.steps is not None:
        shown.steps(page, things)
    return status


def sign_in(page: Page, base: str, who: str, password: str) -> None:
    page.goto(f"{base}/sign-in/")
    page.fill("#username", who)
    page.fill("#password", password)
    with page.expect_navigation(wait_until="load"):
        page.click("main button")
