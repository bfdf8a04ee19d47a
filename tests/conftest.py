"""What all tests share: the models lie where the checkout has them, whatever the tests' folder."""

import os
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("BRAMBLE_MODELS_DIR", str(ROOT / "models"))

# In CI a property is tried on the same examples each time, so that a build fails for its own change
# only; on a developer's computer the search goes on at random.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
