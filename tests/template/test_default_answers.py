"""The template bakes with pytest-cookies, as teams test templates of their own."""

from pytest_cookies.plugin import Cookies

from harness.project import contents


def test_the_default_answers_bake_a_service(cookies: Cookies) -> None:
    """`bake` never raises: the result holds the exception."""
    result = cookies.bake()
    assert result.exception is None
    assert result.exit_code == 0
    assert result.project_path.name == "my-service"
    assert {"README.md", "main/application.py", "deploy/nginx.conf"} <= set(
        contents(result.project_path)
    )


def test_refused_answers_leave_nothing_behind(cookies: Cookies) -> None:
    """The hook's refusal is the result's exception."""
    result = cookies.bake(extra_context={"service_slug": "no slug"})
    assert result.exit_code != 0
    assert result.exception is not None
    assert result.project_path is None
