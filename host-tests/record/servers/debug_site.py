"""A Django site with DEBUG left on: its technical 500 page shows every local variable of every frame.

Usage: debug_site.py PORT, with DATABASE_URL in the environment, as a deployment would have it.
"""

import os
import sys
import urllib.parse
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(
    DEBUG=True,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not-used-here",
    USE_TZ=True,
)


def open_ledger(dsn):
    """Stands for a driver that refuses the connection."""
    url = urllib.parse.urlsplit(dsn)
    raise ConnectionError(f"could not connect to {url.hostname}:{url.port}, database {url.path[1:]!r}")


def invoice(request, number):
    dsn = os.environ["DATABASE_URL"]
    ledger = open_ledger(dsn)
    return JsonResponse({"number": number, "total": ledger.total(number)})


urlpatterns = [path("invoices/<int:number>", invoice)]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), handler_class=Quiet).serve_forever()
