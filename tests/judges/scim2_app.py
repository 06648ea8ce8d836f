"""scim2-server, a SCIM 2.0 service, seeded with people.

Usage: scim2_app.py OPTIONS, separated by commas: `etag` if the service has versions, and the maximum number of
records per page, such as `50`. Reads people from standard input, one JSON object per line. Prints its port.
GET /_store returns the people and the requests; POST /_store merges an object into the person with its `userName`,
as another client would.
"""

import json
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from scim2_models import ScimProvider, ServiceProviderConfig
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME, BearerTokenApplication
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_json_resource,
)

options = sys.argv[1].split(",")
config = load_json_resource("default-service-provider-config.json")
config["etag"]["supported"] = "etag" in options
config["filter"]["maxResults"] = int(options[-1])
config = ServiceProviderConfig.model_validate(config)
config.authentication_schemes = [BEARER_TOKEN_SCHEME]
provider = ScimProvider.from_discovery(
    load_default_schemas().values(), load_default_resource_types().values(), config=config
)
storage = InMemoryStorage()
scim = BearerTokenApplication(
    storage, provider, service=ScimService(provider), bearer_tokens=["sandbox"]
)
user_type = next(one for one in provider.resource_types if one.id == "User")
user_model = provider.model_for(user_type)
for line in sys.stdin.read().splitlines():
    storage.create(user_type, user_model.model_validate(json.loads(line)))
requests, lock = [], threading.Lock()


def dump():
    people = {one.user_name: one.model_dump() for one in storage.resources}
    return {"people": people, "requests": requests}


def application(environ, start_response):
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if path != "/_store":
        request = {
            "method": method,
            "path": path,
            "query": environ["QUERY_STRING"],
            "if_match": environ.get("HTTP_IF_MATCH"),
        }
        with lock:
            requests.append(request)
        return scim(environ, start_response)
    with lock:
        if method == "POST":
            change = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            held = next(one for one in storage.resources if one.user_name == change["userName"])
            merged = {**held.model_dump(), **change}
            storage.update(user_type, user_model.model_validate(merged))
        body = json.dumps(dump()).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, application, Server, Quiet)
print(server.server_port, flush=True)
server.serve_forever()
