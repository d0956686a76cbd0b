"""Tests of the settings of access tokens."""

import subprocess
import sys
import unittest

from main.util.auth_settings import AuthSettings
from main.util.config import SettingError, load


class TestAuthSettings(unittest.TestCase):
    """Wrong settings end the start, each with one sentence."""

    def test_the_issuer_and_the_audience_are_required(self) -> None:
        with self.assertRaises(SettingError) as raised:
            load(AuthSettings, {"APP_AUTH_ISSUER": "", "APP_AUTH_AUDIENCE": ""})
        for name, error in zip(("ISSUER", "AUDIENCE"), raised.exception.errors, strict=True):
            self.assertTrue(error.startswith(f"APP_AUTH_{name} must be set"), error)

    def test_invalid_settings_are_rejected(self) -> None:
        for name, value, requirement in (
            ("ISSUER", "issuer.example", "an http:// or https:// URL"),
            ("ISSUER", "https://issuer.example?tenant=1", "an http:// or https:// URL"),
            ("ISSUER", "https://issuer.example#x", "an http:// or https:// URL"),
            ("JWKS_URL", "keys.json", "an http:// or https:// URL"),
            ("ALGORITHMS", "RS256,HS256", "algorithms of ES256"),
            ("ALGORITHMS", "none", "algorithms of ES256"),
            ("ALGORITHMS", "", "algorithms of ES256"),
            ("LEEWAY", "301", "an integer from 0 to 300"),
        ):
            with (
                self.subTest(name, value=value),
                self.assertRaisesRegex(SettingError, f"APP_AUTH_{name} must be {requirement}"),
            ):
                load(AuthSettings, {f"APP_AUTH_{name}": value})

    def test_algorithms_are_separated_by_commas(self) -> None:
        settings = load(AuthSettings, {"APP_AUTH_ALGORITHMS": "EdDSA, PS512"})
        self.assertEqual(settings.algorithms, ("EdDSA", "PS512"))
        self.assertEqual(load(AuthSettings).algorithms, ("RS256", "ES256"))

    def test_settings_do_not_load_flask(self) -> None:
        check = "import sys, main.settings; sys.exit('flask' in sys.modules)"
        subprocess.run([sys.executable, "-c", check], check=True)
