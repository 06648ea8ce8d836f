"""A proxy in front of the sandbox that validates every request with the vendor's SDK.

Usage: meitner_proxy.py ORIGIN, the origin of the sandbox. Prints its port. Requests that the SDK's types reject
get a 422; GET /_verdicts returns all requests with their verdicts.
"""

import http.client
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from meitner_types import complaints

BASE = "/directory/v1"
upstream = urlsplit(sys.argv[1]).netloc
seen, lock = [], threading.Lock()


class Judge(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_verdicts":
            with lock:
                return self.answer(200, [], json.dumps(seen).encode())
        if self.path != "/oauth/token":
            if not self.path.startswith(BASE):
                wrong = [f"{self.path} is outside of {BASE}"]
            else:
                wrong = complaints(self.command, self.path[len(BASE) :], body)
            with lock:
                seen.append(
                    {
                        "method": self.command,
                        "path": self.path,
                        "body": body.decode(),
                        "complaints": wrong,
                    }
                )
            if wrong:
                error = {"code": "UnprocessableEntity", "message": str(wrong), "requestID": "judge"}
                return self.answer(
                    422,
                    [("Content-Type", "application/json")],
                    json.dumps({"error": error}).encode(),
                )
        connection = http.client.HTTPConnection(upstream)
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in ("host", "connection", "accept-encoding")
        }
        connection.request(self.command, self.path, body or None, headers)
        response = connection.getresponse()
        return self.answer(response.status, response.getheaders(), response.read())

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_request

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
print(server.server_port, flush=True)
server.serve_forever()
