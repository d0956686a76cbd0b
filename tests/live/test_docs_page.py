"""The page at /docs/ in a real browser."""

from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, ViewportSize

from harness.stack import Stack


def log_errors(page: Page) -> list[str]:
    """Return a list that gets what the page writes to the console, and its errors."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def documented_operations(stack: Stack) -> set[tuple[str, str]]:
    """Return method and path of every operation in the OpenAPI document."""
    paths = stack.get("/docs/openapi.json").json()["paths"]
    return {
        (method.upper(), path)
        for path, operations in paths.items()
        for method in operations
        if method != "parameters"
    }


def displayed_operations(page: Page) -> set[tuple[str, str | None]]:
    """Return method and path of every operation on the page."""
    blocks = page.locator(".opblock")
    blocks.first.wait_for()
    return {
        (
            block.locator(".opblock-summary-method").inner_text(),
            block.locator(".opblock-summary-path").get_attribute("data-path"),
        )
        for block in blocks.all()
    }


def try_hello(page: Page, name: str) -> str:
    """Execute GET /v1/hello on the page; return the response that it shows."""
    hello = page.locator(".opblock", has=page.locator('[data-path="/v1/hello"]'))
    hello.locator(".opblock-summary").click()
    hello.get_by_role("button", name="Try it out").click()
    hello.get_by_placeholder("name").fill(name)
    hello.get_by_role("button", name="Execute").click()
    response = hello.locator(".live-responses-table .response-col_description pre").first
    response.wait_for()
    return response.inner_text()


def test_operations_can_be_tried_on_the_docs_page(stack: Stack, page: Page) -> None:
    """The content security policy blocks nothing, and no request goes to another host."""
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    errors = log_errors(page)

    page.goto(f"{stack.url}/docs/")
    assert displayed_operations(page) == documented_operations(stack)
    assert page.title() == stack.get("/docs/openapi.json").json()["info"]["title"]
    assert "Hello, Zoë!" in try_hello(page, "Zoë")

    assert errors == []
    hosts = {urlsplit(request.url).netloc for request in requests if request.url[:5] != "data:"}
    assert hosts == {urlsplit(stack.url).netloc}


@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
@pytest.mark.parametrize(("colours", "is_dark"), [("light", False), ("dark", True)])
def test_the_root_leads_to_a_page_that_names_the_service_and_its_owner(
    stack: Stack, browser: Browser, width: int, colours: Literal["light", "dark"], is_dark: bool
) -> None:
    """It follows the browser's colours, and fits the width of a phone."""
    viewport = ViewportSize(width=width, height=800)
    page = browser.new_page(color_scheme=colours, viewport=viewport)
    errors = log_errors(page)
    page.goto(f"{stack.url}/")
    assert displayed_operations(page)
    text = page.locator(".info").inner_text()
    for expected in ("My Service", "A small service that answers over HTTP.", "Platform Team"):
        assert expected in text
    title = page.locator(".info .title")
    red, *_ = title.evaluate("title => getComputedStyle(title).color.match(/\\d+/g).map(Number)")
    assert (red > 128) == is_dark  # light text on a dark page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert errors == []
    page.close()
