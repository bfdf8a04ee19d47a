"""What all tests share: the models lie where the checkout has them, whatever the tests' folder."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("BRAMBLE_MODELS_DIR", str(ROOT / "models"))
