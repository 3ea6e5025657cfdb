"""An S3 store in memory, for gunicorn to serve with TLS; moto's own TLS server ends connections without notice.

BUCKET in the environment names a bucket that it has from the start.
"""

import os

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends

application = DomainDispatcherApplication(create_backend_app)
if bucket := os.environ.get("BUCKET"):
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(bucket, "ca-central-1")
