"""What Django asks for when an app uses it: no translations, no database, nobody's secret."""

from __future__ import annotations

import secrets

ALLOWED_HOSTS = ["*"]
SECRET_KEY = secrets.token_hex(16)
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
