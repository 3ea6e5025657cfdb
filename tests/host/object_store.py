"""An S3 store in memory, for gunicorn to serve with TLS; moto's own TLS server ends connections without notice."""

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

application = DomainDispatcherApplication(create_backend_app)
