"""A Django REST framework application in the shape of Pathwright's documentation.

Usage: pathwright_app.py RATE [VERSION]. RATE is a rate limit such as 20/s. VERSION is "ignores-membership" (200,
and the membership stays unchanged), "no-sso" (400 for each email) or "old-member" (200 with the unchanged member).
Reads the ids of members from standard input, one `integration id` per line. Prints its port. GET /_store returns
the members and the number of requests.
"""

import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="judge",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["rest_framework"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    REST_FRAMEWORK={
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_THROTTLE_RATES": {"members": sys.argv[1]},
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
)
django.setup()

import base64
import threading

from django.http import JsonResponse
from django.urls import path
from rest_framework import exceptions, serializers
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.generics import ListAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView
from django.core.wsgi import get_wsgi_application

version = sys.argv[2] if len(sys.argv) > 2 else ""
store = {tuple(line.split(maxsplit=1)): {} for line in sys.stdin.read().splitlines()}
counts = {"patched": 0, "throttled": 0, "listed": 0, "refused": 0}
lock = threading.Lock()


class Administrator:
    is_authenticated = True


class SchoolToken(BaseAuthentication):
    def authenticate(self, request):
        words = get_authorization_header(request).decode().split()
        if words[:1] == ["Token"] and words[1:] == ["sandbox"]:
            return Administrator(), None
        if words[:1] == ["Basic"] and base64.b64decode(words[1]).startswith(b"sandbox:"):
            return Administrator(), None
        raise exceptions.AuthenticationFailed("Invalid token.")

    def authenticate_header(self, request):
        return "Token"


class Throttle(SimpleRateThrottle):
    scope = "members"

    def get_cache_key(self, request, view):
        return "school"

    def throttle_failure(self):
        with lock:
            counts["throttled"] += 1
        return False


class Profile(serializers.Serializer):
    salutation = serializers.ChoiceField(
        ["Mr.", "Mrs.", "Ms.", "Dr.", "Fr.", "Professor", "Rev.", "Rabbi"]
    )
    bio = serializers.CharField()
    location = serializers.CharField()
    phone_number = serializers.CharField(max_length=40)


class Membership(serializers.Serializer):
    membership_type = serializers.ChoiceField(["admin", "pathwright", "student"])


class Member(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    first_name = serializers.CharField(max_length=30)
    last_name = serializers.CharField(max_length=30)
    email = serializers.EmailField()
    profile = Profile()
    membership = Membership()

    def validate_email(self, value):
        is_integrated = version != "no-sso" and self.context["integration"] != "external"
        if not is_integrated and self.instance.get("email") != value:
            raise serializers.ValidationError("Not integrated with single sign-on.")
        return value

    def to_internal_value(self, data):
        unknown = set(data) - set(self.fields)
        if unknown:
            raise serializers.ValidationError({name: ["Unknown field."] for name in unknown})
        return super().to_internal_value(data)

    def update(self, instance, validated):
        if version == "old-member":
            return instance
        if version == "ignores-membership":
            validated.pop("membership", None)
        for name, value in validated.items():
            if isinstance(value, dict):
                instance.setdefault(name, {}).update(value)
            else:
                instance[name] = value
        return instance

    def to_representation(self, instance):
        return {"id": 1, **instance}


class LinkPages(PageNumberPagination):
    page_size = 100


class LinkView(ListAPIView):
    authentication_classes = [SchoolToken]
    permission_classes = [IsAuthenticated]
    throttle_classes = [Throttle]
    pagination_class = LinkPages

    def list(self, request):
        links = [
            {
                "id": number,
                "user": number,
                "link_type": integration,
                "external_id": external_id,
                "last_external_update": "2026-01-15T08:00:00Z",
            }
            for number, (integration, external_id) in enumerate(store, 1)
        ]
        with lock:
            counts["listed"] += 1
        return self.get_paginated_response(self.paginate_queryset(links))


class MemberView(APIView):
    authentication_classes = [SchoolToken]
    permission_classes = [IsAuthenticated]
    throttle_classes = [Throttle]

    def patch(self, request, integration, external_id):
        with lock:
            member = store.get((integration, external_id))
            if member is None:
                raise exceptions.NotFound()
            serializer = Member(
                member, data=request.data, partial=True, context={"integration": integration}
            )
            counts["refused"] += 1
            serializer.is_valid(raise_exception=True)
            counts["refused"] -= 1
            counts["patched"] += 1
            return Response(serializer.to_representation(serializer.save()))

    put = post = patch


def dump(request):
    members = {"/".join(key): member for key, member in store.items()}
    return JsonResponse({"members": members, "counts": counts})


urlpatterns = [
    path("api/public/member/<str:integration>/<str:external_id>/", MemberView.as_view()),
    path("api/public/link/", LinkView.as_view()),
    path("_store", dump),
]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, get_wsgi_application(), Server, Quiet)
print(server.server_port, flush=True)
server.serve_forever()
