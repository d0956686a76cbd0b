"""The button "Authorize" on the page at /docs/, in a real browser."""

from playwright.sync_api import Page

from harness.auth_service import AuthService
from harness.fakes.issuer import FakeIssuer


def execute_pages(page: Page) -> int:
    """Execute GET /v1/pages on the page; return the status of the response."""
    pages = page.locator(".opblock", has=page.locator('[data-path="/v1/pages"]'))
    if not pages.get_by_role("button", name="Execute").is_visible():
        pages.locator(".opblock-summary-control").click()
        pages.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/v1/pages") as response:
        pages.get_by_role("button", name="Execute").click()
    return response.value.status


def test_the_page_sends_the_token_that_was_entered(
    service: AuthService, issuer: FakeIssuer, page: Page
) -> None:
    """Without it, the operation refuses the request."""
    page.goto(f"{service.url}/docs/")
    page.locator(".opblock").first.wait_for()
    assert execute_pages(page) == 401
    page.locator(".auth-wrapper .authorize").click()
    dialog = page.locator(".dialog-ux")
    dialog.get_by_role("textbox").fill(issuer.token())
    dialog.locator(".auth-btn-wrapper .authorize").click()
    dialog.locator(".btn-done").click()
    assert execute_pages(page) == 200
