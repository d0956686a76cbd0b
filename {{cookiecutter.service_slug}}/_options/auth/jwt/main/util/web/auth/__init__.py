"""Auth: only callers with a valid access token may call an operation that is not public.

The service is a resource server of OAuth 2.0 (RFC 6750). A request passes these modules:

guard.py → bearer.py → verifier.py → keys.py → issuer.py, which asks the issuer for its keys.
"""

from main.util.auth_settings import AuthSettings
from main.util.web.auth.access import public, requires
from main.util.web.auth.caller import Caller, current_caller
from main.util.web.auth.guard import protect
