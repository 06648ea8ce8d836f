"""A Django application that serves people over SCIM 2.0 with django-scim2.

Reads people from standard input, one JSON object per line. Prints its port. GET /_store returns the people and
the requests.
"""

import json
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="judge",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_scim", "people"],
    AUTH_USER_MODEL="people.Person",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MIDDLEWARE=[f"{__name__}.sign_in"],
    LOGGING_CONFIG=None,
    SCIM_SERVICE_PROVIDER={
        "NETLOC": "127.0.0.1",
        "SCHEME": "http",
        "AUTHENTICATION_SCHEMES": [{"type": "oauthbearertoken", "name": "Bearer"}],
        "USER_FILTER_PARSER": "people.filters.PersonFilter",
    },
)
django.setup()

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import include, path
from people.models import Person

call_command("migrate", run_syncdb=True, verbosity=0)
requests = []
# The database has one connection, so requests are handled one at a time.
lock = threading.Lock()


def sign_in(get_response):
    def answer(request):
        if request.headers.get("Authorization") == "Bearer sandbox":
            request.user = Person(username="client")
        return get_response(request)

    return answer


for line in sys.stdin.read().splitlines():
    Person.objects.create(**json.loads(line))


def dump(request):
    people = {
        one.username: {
            "first_name": one.first_name,
            "last_name": one.last_name,
            "email": one.email,
            "external_id": one.scim_external_id,
            "is_active": one.is_active,
            "shoe_size": one.shoe_size,
        }
        for one in Person.objects.all()
    }
    return JsonResponse({"people": people, "requests": requests})


urlpatterns = [path("scim/v2/", include("django_scim.urls")), path("_store", dump)]
served = get_wsgi_application()


def application(environ, start_response):
    with lock:
        if environ["PATH_INFO"] != "/_store":
            requests.append(
                {
                    "method": environ["REQUEST_METHOD"],
                    "path": environ["PATH_INFO"],
                    "if_match": environ.get("HTTP_IF_MATCH"),
                }
            )
        return served(environ, start_response)


class Server(WSGIServer):
    request_queue_size = 64


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, application, Server, Quiet)
print(server.server_port, flush=True)
server.serve_forever()
