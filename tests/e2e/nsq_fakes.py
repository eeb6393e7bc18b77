"""Stand-ins for what the NSQ edge talks to: an nsqlookupd (TCP and HTTP) and an auth server, as threads of the test."""
import http.server
import json
import socket
import struct
import threading
import urllib.parse


class FakeLookupd:
    """Answers nsqd's side of the protocol. `commands` has all that came, `names` what is registered now, `peers` the
    bodies of IDENTIFY, `channels` (topic: list) what its HTTP side knows, `asked` the topics that it was asked for."""

    def __init__(self):
        self.commands, self.peers, self.names = [], [], set()
        self.channels, self.asked = {}, []
        self.refuse = None  # the answer to the next REGISTER
        self.connections = []
        self.web = Web(self.answer)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        mine = set()
        try:
            with connection, connection.makefile("rb") as f:
                assert f.read(4) == b"  V1"
                for line in f:
                    words = line.decode().split()
                    self.commands.append(line.decode().rstrip("\n"))
                    connection.sendall(self.reply(words, f, mine))
        except OSError:
            pass
        finally:
            self.names -= mine

    def reply(self, words, f, mine):
        text = b"OK"
        if words[0] == "IDENTIFY":
            self.peers.append(json.loads(f.read(struct.unpack(">i", f.read(4))[0])))
            text = json.dumps({"broadcast_address": "127.0.0.1", "hostname": "fake", "http_port": self.web.port,
                               "tcp_port": self.port, "version": "1.3.0"}).encode()
        elif words[0] == "REGISTER" and self.refuse:
            text, self.refuse = self.refuse, None
        elif words[0] == "REGISTER":
            self.names |= {(words[1],), tuple(words[1:])}
            mine |= {(words[1],), tuple(words[1:])}
        elif words[0] == "UNREGISTER":
            self.names.discard(tuple(words[1:]))
            mine.discard(tuple(words[1:]))
        return struct.pack(">i", len(text)) + text

    def answer(self, method, path, query, body, headers):
        if path != "/channels":
            return 404, b'{"message":"NOT_FOUND"}'
        self.asked.append(query["topic"][0])
        return 200, json.dumps({"channels": self.channels.get(query["topic"][0], [])}).encode()

    def hang_up(self):
        """Ends all connections; new ones are welcome."""
        for c in self.connections:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.connections = []

    def close(self):
        self.listener.close()
        self.hang_up()
        self.web.close()


class FakeAuth:
    """An auth server. `grants` maps a secret to the answer (a dict), or to a status; `asked` has each question."""

    def __init__(self):
        self.grants, self.asked = {}, []
        self.web = Web(self.answer)
        self.address = f"127.0.0.1:{self.web.port}"

    def answer(self, method, path, query, body, headers):
        if method == "POST":
            query = json.loads(body)
        self.asked.append((method, path, query, headers.get("Accept")))
        grant = self.grants.get(query["secret"][0], 403)
        if isinstance(grant, int):
            return grant, b"{}"
        return 200, grant if isinstance(grant, bytes) else json.dumps(grant).encode()

    def close(self):
        self.web.close()


class Web:
    """answer(method, path, query, body, headers) -> status, bytes"""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                url = urllib.parse.urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
                status, text = answer(self.command, url.path, query, body, self.headers)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
