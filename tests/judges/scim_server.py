"""Serves users by RFC 7644: a list, a filter (section 3.4.2.2) and single users. Independent of any target file.

Usage: scim_server.py USERS. Prints its port. The users are numbered from 1; the first update of every
50th one fails. GET /_log returns the requests so far, and GET /_users the users.
"""
import http.server
import json
import re
import sys
import urllib.parse

COUNT = int(sys.argv[1])
users = {
    f"u-{number}": {
        "id": f"u-{number}",
        "userName": f"user{number}@example.se" if number != 7 else 'o"brien\\7',
        "displayName": "Åsa",
    }
    for number in range(1, COUNT + 1)
}
refused, log = set(), []
TERM = re.compile(r"(\w+) eq ")


def wanted(text):
    """Returns the values of `attribute eq "JSON string"` terms that are joined by `or`."""
    decoder, place, terms = json.JSONDecoder(), 0, []
    while True:
        found = TERM.match(text, place)
        if not found or text[found.end() : found.end() + 1] != '"':
            raise ValueError(text)
        value, place = decoder.raw_decode(text, found.end())
        terms.append((found[1], value.lower()))
        if place == len(text):
            return terms
        if not text.startswith(" or ", place):
            raise ValueError(text)
        place += len(" or ")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/scim+json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def error(self, status, detail):
        self.answer(status, {"status": str(status), "detail": detail})

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        if address.path in ("/_log", "/_users"):
            return self.answer(200, log if address.path == "/_log" else users)
        log.append(f"GET {self.path}")
        if self.headers["Authorization"] != "Bearer t":
            return self.error(401, "sign in")
        if address.path == "/scim/v2/Users":
            query = urllib.parse.parse_qs(address.query, strict_parsing=True)
            found = list(users.values())
            if "filter" in query:
                try:
                    terms = wanted(query["filter"][0])
                except ValueError:
                    return self.error(400, "invalidFilter")
                found = [
                    user
                    for user in found
                    if any(user[name].lower() == value for name, value in terms)
                ]
            start = max(int(query.get("startIndex", ["1"])[0]), 1) - 1
            size = min(int(query.get("count", ["100"])[0]), 100)
            page = found[start : start + size]
            return self.answer(200, {"totalResults": len(found), "Resources": page})
        user = users.get(urllib.parse.unquote(address.path.rpartition("/")[2]))
        if user is None or not address.path.startswith("/scim/v2/Users/"):
            return self.error(404, "no such resource")
        return self.answer(200, user)

    def do_PATCH(self):
        log.append(f"PATCH {self.path}")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = urllib.parse.unquote(self.path.rpartition("/")[2])
        if name not in users:
            return self.error(404, "no such resource")
        if int(name[2:]) % 50 == 0 and name not in refused:
            refused.add(name)
            return self.error(501, "not now")
        users[name].update(body)
        return self.answer(200, users[name])

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
