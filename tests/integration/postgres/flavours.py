# SPDX-License-Identifier: Apache-2.0
"""Servers that speak PostgreSQL's protocol and are not PostgreSQL: what they cannot do is done otherwise. Played by a
PostgreSQL server whose greeting is added to on the way."""
import contextlib
import os
import select
import socket
import struct
import threading

import pgtest
from pgtest import PgTest, sql


def parameter(name, value):
    body = name.encode() + b'\0' + value.encode() + b'\0'
    return b'S' + struct.pack('!I', 4 + len(body)) + body


class Greeter:
    """Passes on, and announces one parameter more before the server is ready for the first time."""

    def __init__(self, name, value):
        self.more = parameter(name, value)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        server = socket.create_connection(('127.0.0.1', int(os.environ['PG_PORT'])))
        greeting = b''
        with contextlib.suppress(OSError), client, server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for side in ready:
                    data = side.recv(65536)
                    if not data:
                        return
                    if side is client:
                        server.sendall(data)
                    elif greeting is None:
                        client.sendall(data)
                    else:
                        greeting += data
                        if greeting[-6:-1] == b'Z\0\0\0\5':
                            client.sendall(greeting[:-6] + self.more + greeting[-6:])
                            greeting = None

    def stop(self):
        self.listener.close()


class Flavours(PgTest):
    """A migration that changes the session is followed by a new session where none can be put back."""

    def up(self, greeting, *options):
        self.files({'1.sql': "CREATE TABLE t (a text);\nSET application_name = 'changed';",
                    '2.sql': "INSERT INTO t VALUES (current_setting('application_name'));",
                    '3.sql': 'CREATE TABLE u (a int);'})
        db = self.new_db()
        greeter = Greeter(*greeting)
        self.addCleanup(greeter.stop)
        self.migrate(*options, 'up', db=db, port=greeter.port, query='sslmode=disable', code=0)
        self.assertEqual(self.applied(db), '1,2,3')
        return greeter, sql('SELECT a FROM t', db)

    def test_cockroach(self):
        for options in ((), ('-o', 'batch=off')):
            greeter, seen = self.up(('crdb_version', 'CockroachDB CCL v24.1.0'), *options)
            self.assertNotEqual(seen, 'changed')
            self.assertEqual(greeter.connections, 2)

    def test_redshift(self):
        greeter, seen = self.up(('server_version', '8.0.2'))
        self.assertNotEqual(seen, 'changed')
        self.assertEqual(greeter.connections, 2)

    def test_redshift_all_in_one(self):
        """There is no new session inside a transaction."""
        greeter, seen = self.up(('server_version', '8.0.2'), '-o', 'transaction=all')
        self.assertEqual(seen, 'changed')
        self.assertEqual(greeter.connections, 1)


if __name__ == '__main__':
    pgtest.main()
