"""A Python HTTP server with OpenSSL's TLS that accepts every PATCH.

Usage: tls_server.py FOLDER:VERSION, the folder of root.pem and key.pem, and the only TLS version to accept, such as
TLSv1_2. Prints its port, and writes a line for each request to FOLDER/VERSION.log.
"""
import http.server
import ssl
import sys

folder, _, version = sys.argv[1].rpartition(":")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PATCH(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with open(f"{folder}/{version}.log", "a", encoding="utf-8") as log:
            log.write(f"{self.connection.version()} PATCH {self.path}\n")
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{folder}/root.pem", f"{folder}/key.pem")
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
