"""The local S3 for gunicorn: serves what the folder in HYBRID_OBJECTS holds, and keeps it there."""

import os
from pathlib import Path

from local.object_store.application import Application

application = Application(Path(os.environ["HYBRID_OBJECTS"]))
