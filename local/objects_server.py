"""S3 as a WSGI application (moto), for gunicorn. It keeps objects in memory and forgets them when it ends."""

from moto.moto_server.werkzeug_app import create_backend_app

application = create_backend_app("s3")
