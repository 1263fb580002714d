"""Where things are on the platform."""

from __future__ import annotations

import os

from repertory_classic.app import paths

PHANTOM_HOME = paths.home()
PHANTOM_VAULT = paths.vault_folder()
CA_CERTS_PEM = paths.ca_file()
PHANTOM_LOG_DIR = os.path.join(PHANTOM_HOME, "var", "log", "phantom")
APPS_DIR = os.path.join(PHANTOM_HOME, "apps")
APP_STATES = paths.states_folder()
