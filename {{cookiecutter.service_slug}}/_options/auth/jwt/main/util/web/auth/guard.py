"""Guard: the one place that lets a request pass or refuses it."""

from collections.abc import Collection

from flask import Flask, Response, g, request

from main.util.auth_settings import AuthSettings
from main.util.web.auth.access import required_scopes
from main.util.web.auth.bearer import Refusal, read_token
from main.util.web.auth.openapi import SecurityPlugin
from main.util.web.auth.verifier import InvalidToken, Verifier, create_verifier
from main.util.web.dependencies import Dependency
from main.util.web.problems import ProblemApi


class Guard:
    """Requires a token for each request to an application, except for public operations."""

    def __init__(self, app: Flask, verifier: Verifier, public: Collection[str]) -> None:
        self._app = app
        self._verifier = verifier
        self._public = public

    def scopes_of(self, endpoint: str, method: str) -> frozenset[str] | None:
        """Return the scopes that a request requires; None if it needs no token."""
        if endpoint.partition(".")[0] in self._public:
            return None
        return required_scopes(self._app.view_functions[endpoint], method)

    def authorize(self) -> None:
        """Find out who calls; abort if the caller may not."""
        if request.endpoint is None:  # Flask responds with 404 or 405
            return
        scopes = self.scopes_of(request.endpoint, request.method)
        if scopes is None:
            return
        try:
            caller = self._verifier.caller(read_token(request))
        except InvalidToken as error:
            raise Refusal(401, str(error), error="invalid_token") from None
        if not scopes <= caller.scopes:
            detail = "The token lacks a scope that this operation requires."
            raise Refusal(403, detail, error="insufficient_scope", scope=" ".join(sorted(scopes)))
        g.caller = caller


def keep_private(response: Response) -> Response:
    """Let only the caller's own cache keep the response to an authorized request."""
    if "caller" in g and "Cache-Control" in response.headers:
        response.cache_control.public = False
        response.cache_control.s_maxage = None
        response.cache_control.private = True
        response.vary.add("Authorization")
    return response


def protect(app: Flask, api: ProblemApi, *, public: Collection[str]) -> None:
    """Require tokens, document that, and add the issuer to the dependencies of /readyz.

    Everybody may call operations that are marked `@public`, and those whose blueprint, or else
    endpoint, is in `public`.
    """
    verifier = app.extensions["scope"].get(create_verifier, AuthSettings)
    guard = Guard(app, verifier, public)
    app.before_request(guard.authorize)
    app.after_request(keep_private)
    plugin = SecurityPlugin(guard.scopes_of)
    plugin.init_spec(api.spec)
    api.spec.plugins.append(plugin)
    app.extensions["dependencies"]["issuer"] = Dependency(verifier.keys.check, required=False)
