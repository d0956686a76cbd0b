"""Web: parse requests, shape responses, report errors and readiness."""

from main.util.web.application import Application
from main.util.web.blueprint import Blueprint
from main.util.web.dependencies import Dependency
from main.util.web.problems import abort, problem
from main.util.web.schema import BaseSchema, StrictInteger
