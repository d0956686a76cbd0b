"""The page at /docs/, as a person in a browser finds it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, sync_playwright

from harness.requirements import require
from harness.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def page() -> Iterator[Page]:
    """Open a headless Chromium that talks to nobody of its own accord."""
    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require("chromium"), args=quiet)
        yield browser.new_page()
        browser.close()


def test_try_it_out(stack: Stack, page: Page) -> None:
    """Every operation is shown, one is tried, nothing is blocked and nothing leaves the host."""
    requests: list[Request] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(f"{stack.url}/docs/")
    document = stack.get("/docs/openapi.json").json()
    expected = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if method != "parameters"
    }
    blocks = page.locator(".opblock")
    blocks.first.wait_for()
    shown = {
        (
            block.locator(".opblock-summary-method").inner_text(),
            block.locator(".opblock-summary-path").get_attribute("data-path"),
        )
        for block in blocks.all()
    }
    assert shown == expected
    assert page.title() == document["info"]["title"]

    hello = page.locator(".opblock", has=page.locator('[data-path="/v1/hello"]'))
    hello.locator(".opblock-summary").click()
    hello.get_by_role("button", name="Try it out").click()
    hello.get_by_placeholder("name").fill("Zoë")
    hello.get_by_role("button", name="Execute").click()
    answer = hello.locator(".live-responses-table .response-col_description pre").first
    answer.wait_for()
    assert "Hello, Zoë!" in answer.inner_text()

    assert complaints == []
    hosts = {urlsplit(request.url).netloc for request in requests if request.url[:5] != "data:"}
    assert hosts == {urlsplit(stack.url).netloc}
