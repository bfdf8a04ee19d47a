"""Tests in a real browser; `make test` says so where there is none (tools/left_out.py)."""

import os

from tests.browser.chromium import find_chromium

# .ci/run installs Chromium and sets this, so that nothing is left out there.
REQUIRED = os.environ.get("TEST_BROWSER") == "required"

if find_chromium() is None:
    if REQUIRED:
        raise RuntimeError("There is no Chromium, and TEST_BROWSER=required.")
    collect_ignore_glob = ["test_*.py"]
