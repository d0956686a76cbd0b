"""Config: declare settings once, read them from the environment, and keep them in a scope.

A scope has the settings of an application, and the objects that are built from them.
"""

from main.util.config.declare import SettingError, load, setting, variables, warn_about_unknown
from main.util.config.flask_config import FLASK_CONFIG, NAME
from main.util.config.parsers import (
    boolean,
    choice,
    integer,
    is_url,
    positive_seconds,
    ratio,
    url_list,
)
from main.util.config.scope import Scope, current_scope
