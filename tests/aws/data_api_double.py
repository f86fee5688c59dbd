# SPDX-License-Identifier: Apache-2.0
"""A double of the RDS Data API that executes on a real PostgreSQL or MySQL/MariaDB server, with the limits of the real
one: one statement a call, 45 s a call, 3 minutes idle, a cluster that resumes, transactions that are lost, sessions that do
not survive a call, and a reader of placeholders that knows no more of SQL than plain quotes.

    data_api_double.py --engine postgres|mysql --server HOST:PORT --user USER --port PORT [limits…]

Faults can be set while it runs: POST /_control {"resuming": 3}. It prints "ready PORT".
"""
import argparse
import base64
import datetime
import decimal
import http.server
import json
import re
import socketserver
import sys
import threading
import time
import uuid

SQL_MAX, REQUEST_MAX, RESULT_MAX = 65536, 4 * 1024 * 1024, 1024 * 1024
PATHS = {'/Execute': ('resourceArn', 'secretArn', 'sql'), '/BatchExecute': ('resourceArn', 'secretArn', 'sql'),
         '/BeginTransaction': ('resourceArn', 'secretArn'),
         '/CommitTransaction': ('resourceArn', 'secretArn', 'transactionId'),
         '/RollbackTransaction': ('resourceArn', 'secretArn', 'transactionId')}


class Fault(Exception):
    def __init__(self, status, name, message):
        super().__init__(message)
        self.status, self.name, self.message = status, name, message


def bad(message):
    return Fault(400, 'BadRequestException', message)


def database_error(message):
    return Fault(400, 'DatabaseErrorException', message)


# ---- placeholders ------------------------------------------------------------------------

def find_placeholders(sql):
    """[(begin, end, name)]: a colon before a word, outside of '…', "…" and `…`. It knows neither comments, backslashes
    nor dollar quotes, so that a driver that relies on them is found out."""
    found, at = [], 0
    while at < len(sql):
        c = sql[at]
        if c in '\'"`':
            close = sql.find(c, at + 1)
            at = len(sql) if close < 0 else close + 1
        elif c == ':' and at + 1 < len(sql) and (sql[at + 1].isalnum() or sql[at + 1] == '_'):
            if at and sql[at - 1] == ':':
                at += 1
                continue
            end = at + 1
            while end < len(sql) and (sql[end].isalnum() or sql[end] == '_'):
                end += 1
            found.append((at, end, sql[at + 1:end]))
            at = end
        else:
            at += 1
    return found


def value_of(field):
    if field.get('isNull'):
        return None
    if 'blobValue' in field:
        return base64.b64decode(field['blobValue'])
    for kind in ('stringValue', 'longValue', 'doubleValue', 'booleanValue'):
        if kind in field:
            return field[kind]
    raise bad('Array parameters are not supported.')


def bound(sql, parameters, postgres):
    """The text with the driver's marks, and its values. A text is a text to PostgreSQL, and fits no other column."""
    given = {p['name']: value_of(p['value']) for p in parameters}
    found = find_placeholders(sql)
    for _, _, name in found:
        if name not in given:
            raise bad('Cannot find parameter: %s' % name)
    if not found:
        return sql, None
    out, values, last = [], [], 0
    for begin, end, name in found:
        text = postgres and isinstance(given[name], str)
        out += [sql[last:begin].replace('%', '%%'), 'CAST(%s AS text)' if text else '%s']
        values.append(given[name])
        last = end
    return ''.join(out) + sql[last:].replace('%', '%%'), values


# ---- one statement only --------------------------------------------------------------------

def skip_quoted(sql, at, postgres):
    c = sql[at]
    escapes = (not postgres and c != '`') or (postgres and c == "'" and at and sql[at - 1] in 'eE' and
                                              (at < 2 or not (sql[at - 2].isalnum() or sql[at - 2] == '_')))
    at += 1
    while at < len(sql):
        if escapes and sql[at] == '\\':
            at += 2
        elif sql[at] == c:
            if sql[at + 1:at + 2] != c:
                return at + 1
            at += 2
        else:
            at += 1
    return at


def count_statements(sql, postgres):
    """Statements that a server would see; a compound one counts as one as far as its server says so."""
    if not postgres and re.match(r'\s*(/\*.*?\*/\s*)*(create\b.*\b(procedure|function|trigger|event)\b|begin\s+not\b)', sql,
                                 re.I | re.S):
        return 1
    if postgres and re.search(r'\bbegin\s+atomic\b', sql, re.I):
        return 1
    n, some, at = 0, False, 0
    while at < len(sql):
        if sql[at] in '\'"' or (sql[at] == '`' and not postgres):
            at, some = skip_quoted(sql, at, postgres), True
        elif sql.startswith('--', at) or (sql[at] == '#' and not postgres):
            end = sql.find('\n', at)
            at = len(sql) if end < 0 else end
        elif sql.startswith('/*', at):
            end = sql.find('*/', at + 2)
            at = len(sql) if end < 0 else end + 2
        elif postgres and sql[at] == '$' and re.match(r'\$(\w*)\$', sql[at:at + 70]):
            tag = re.match(r'\$(\w*)\$', sql[at:at + 70]).group(0)
            end = sql.find(tag, at + len(tag))
            at, some = (len(sql) if end < 0 else end + len(tag)), True
        elif sql[at] == ';':
            n, some, at = n + some, False, at + 1
        else:
            some |= not sql[at].isspace()
            at += 1
    return n + some


# ---- servers ---------------------------------------------------------------------------------

class Postgres:
    postgres = True

    def __init__(self, options):
        import psycopg
        self.psycopg, self.options = psycopg, options

    def connect(self, database):
        host, port = self.options.server.split(':')
        return self.psycopg.connect(host=host, port=port, user=self.options.user, dbname=database or 'postgres',
                                    autocommit=True, cursor_factory=self.psycopg.ClientCursor)

    def begin(self, conn):
        conn.execute('BEGIN')

    def run(self, conn, sql, values):
        cursor = conn.execute(sql, values)
        rows = cursor.fetchall() if cursor.description else None
        kinds = [d.type_code for d in cursor.description] if cursor.description else []
        return rows, cursor.rowcount if rows is None else 0, kinds

    def kill(self, conn):
        """Ends a statement that runs on @conn, from another thread."""
        conn.cancel()

    def error(self, e, sql):
        d = getattr(e, 'diag', None)
        if not d or not d.sqlstate:
            return str(e) + '; SQLState: 08006'
        text = '%s: %s' % (d.severity or 'ERROR', d.message_primary)
        for label, value in (('Detail', d.message_detail), ('Hint', d.message_hint), ('Where', d.context)):
            if value:
                text += '; %s: %s' % (label, value)
        if d.statement_position:
            text += '; Position: %s' % d.statement_position
        return text + '; SQLState: ' + d.sqlstate

    def errors(self):
        return self.psycopg.Error

    def commit(self, conn):
        cursor = conn.execute('COMMIT')
        return 'Transaction Committed' if cursor.statusmessage == 'COMMIT' else 'Rollback Complete'

    def rollback(self, conn):
        conn.execute('ROLLBACK')

    def reset(self, conn):
        conn.execute('DISCARD ALL')


class Mysql:
    postgres = False

    def __init__(self, options):
        import pymysql
        self.pymysql, self.options = pymysql, options

    def connect(self, database):
        host, port = self.options.server.split(':')
        conn = self.pymysql.connect(host=host, port=int(port), user=self.options.user, database=database or None,
                                    charset='utf8mb4', autocommit=True)
        return conn

    def begin(self, conn):
        self.run(conn, 'START TRANSACTION', None)

    def run(self, conn, sql, values):
        with conn.cursor() as cursor:
            cursor.execute(sql, values)
            rows = cursor.fetchall() if cursor.description else None
            kinds = [d[1] for d in cursor.description] if cursor.description else []
            return rows, cursor.rowcount if rows is None else 0, kinds

    def kill(self, conn):
        other = self.connect(None)
        try:
            other.cursor().execute('KILL QUERY %d' % conn.thread_id())
        except self.pymysql.Error:
            pass
        other.close()

    def error(self, e, sql):
        if len(e.args) < 2:
            return str(e)
        if self.options.words == 'v1':
            return 'Database error code: %d. Message: %s' % e.args[:2]
        state = {1064: '42000', 1146: '42S02', 1050: '42S01', 1062: '23000'}.get(e.args[0], 'HY000')
        return '%s; Error code: %d; SQLState: %s' % (e.args[1], e.args[0], state)

    def errors(self):
        return self.pymysql.Error

    def commit(self, conn):
        self.run(conn, 'COMMIT', None)
        return 'Transaction Committed'

    def rollback(self, conn):
        self.run(conn, 'ROLLBACK', None)

    def reset(self, conn):
        pass


# ---- the service -------------------------------------------------------------------------------

class Tx:
    def __init__(self, conn):
        self.id = base64.b64encode(uuid.uuid4().bytes * 3).decode()
        self.conn, self.used, self.busy = conn, time.monotonic(), threading.Lock()


class Api:
    def __init__(self, options):
        self.options = options
        self.engine = (Postgres if options.engine == 'postgres' else Mysql)(options)
        self.lock = threading.Lock()
        self.txs = {}
        self.calls = []       # (path, sql)
        self.settings = {'resuming': options.resuming, 'lose': 0, 'drop': 0, 'limit': options.limit, 'idle': options.idle,
                         'throttle': 0, 'drop_after': 0, 'match': ''}
        threading.Thread(target=self.reap, daemon=True).start()

    # -- faults that are set from outside

    def take(self, name):
        with self.lock:
            if self.settings[name] > 0:
                self.settings[name] -= 1
                return True
        return False

    def reap(self):
        while True:
            time.sleep(0.05)
            self.end_idle(self.settings['idle'])

    def end_idle(self, seconds):
        with self.lock:
            old = [t for t in self.txs.values() if time.monotonic() - t.used > seconds and not t.busy.locked()]
            for t in old:
                del self.txs[t.id]
        for t in old:
            t.conn.close()

    def lose_all(self):
        with self.lock:
            gone, self.txs = list(self.txs.values()), {}
        for t in gone:
            t.conn.close()

    # -- requests

    def handle(self, path, body):
        for name in PATHS[path]:
            if not isinstance(body.get(name), str) or not body[name]:
                raise bad('%s is required' % name)
        if 'schema' in body:
            raise Fault(400, 'ValidationException', 'Schema is not supported.')
        if not re.match(r'arn:aws[\w-]*:rds:[a-z0-9-]+:\d{12}:cluster:[\w-]+$', body['resourceArn']):
            raise bad('Invalid resourceArn')
        if body['secretArn'].endswith('-refused'):
            raise database_error('FATAL: password authentication failed for user "app"; SQLState: 28P01')
        if self.take('resuming'):
            raise Fault(400, 'DatabaseResumingException', 'The Aurora DB instance %s is resuming after being auto-paused. '
                        'Please wait a few seconds and try again' % body['resourceArn'])
        if self.take('throttle'):
            raise Fault(400, 'ThrottlingException', 'Rate exceeded')
        return {'/Execute': self.execute, '/BeginTransaction': self.begin, '/CommitTransaction': self.commit,
                '/RollbackTransaction': self.rollback, '/BatchExecute': self.batch}[path](body)

    def batch(self, body):
        raise Fault(400, 'ValidationException', 'BatchExecuteStatement is not part of this double.')

    def connect(self, body):
        try:
            return self.engine.connect(body.get('database'))
        except self.engine.errors() as e:
            text = self.engine.error(e, '')
            m = re.search(r'FATAL:\s+(database "[^"]*" does not exist)', str(e))
            raise database_error('FATAL: %s; SQLState: 3D000' % m.group(1) if m else text)

    def begin(self, body):
        tx = Tx(self.connect(body))
        self.engine.begin(tx.conn)
        with self.lock:
            self.txs[tx.id] = tx
        return {'transactionId': tx.id}

    def find(self, body):
        with self.lock:
            tx = self.txs.get(body['transactionId'])
            if not tx:
                raise Fault(404, 'TransactionNotFoundException', 'Transaction %s is not found' % body['transactionId'])
            if not tx.busy.acquire(blocking=False):
                raise database_error('Transaction is still running a query.')
            return tx

    def end(self, body, how):
        tx = self.find(body)
        with self.lock:
            self.txs.pop(tx.id, None)
        try:
            return {'transactionStatus': how(tx.conn)}
        except self.engine.errors() as e:
            raise database_error(self.engine.error(e, ''))
        finally:
            tx.conn.close()

    def commit(self, body):
        return self.end(body, self.engine.commit)

    def rollback(self, body):
        return self.end(body, lambda conn: self.engine.rollback(conn) or 'Rollback Complete')

    def execute(self, body):
        sql = body['sql']
        if len(sql) > SQL_MAX:
            raise Fault(400, 'ValidationException', "Member must have length less than or equal to 65536 at 'sql'")
        if count_statements(sql, self.engine.postgres) > 1:
            raise Fault(400, 'ValidationException', "Multistatements aren't supported.")
        text, values = bound(sql, body.get('parameters') or [], self.engine.postgres)
        tx = self.find(body) if body.get('transactionId') else None
        conn = tx.conn if tx else self.connect(body)
        return self.within_limit(body, tx, conn, text, values)

    def within_limit(self, body, tx, conn, text, values):
        """Runs it in a thread of its own: it may outlive the call."""
        result, done = {}, threading.Event()

        def work():
            try:
                result['answer'] = self.engine.run(conn, text, values)
            except self.engine.errors() as e:
                result['error'] = self.engine.error(e, text)
            except Exception as e:   # the connection was closed under it
                result['error'] = 'FATAL: %s; SQLState: 08006' % e
            if tx:
                tx.used = time.monotonic()
                tx.busy.release()
            else:
                conn.close()
            done.set()

        threading.Thread(target=work, daemon=True).start()
        if not done.wait(self.settings['limit']):
            if not body.get('continueAfterTimeout'):
                self.engine.kill(conn)
                done.wait(5)
            raise Fault(400, 'StatementTimeoutException', 'Request timed out')
        if 'error' in result:
            raise database_error(result['error'])
        return self.answer(body, *result['answer'])

    # -- values

    def field(self, v, body, kind):
        if v is None:
            return {'isNull': True}
        if isinstance(v, bool):
            return {'booleanValue': v}
        if isinstance(v, int):
            return {'longValue': v} if -2**63 <= v < 2**63 else {'stringValue': str(v)}
        if isinstance(v, float):
            if v in (float('inf'), float('-inf')):
                raise Fault(500, 'InternalServerErrorException', 'infinity')
            return {'doubleValue': v}
        if isinstance(v, decimal.Decimal):
            wants_text = body.get('resultSetOptions', {}).get('decimalReturnType', 'STRING') == 'STRING'
            return {'stringValue': str(v)} if wants_text else {'doubleValue': float(v)}
        if isinstance(v, (bytes, memoryview)):
            return {'blobValue': base64.b64encode(bytes(v)).decode()}
        if isinstance(v, datetime.datetime):
            return {'stringValue': v.strftime('%Y-%m-%d %H:%M:%S') + (('.%06d' % v.microsecond).rstrip('0').rstrip('.'))}
        if isinstance(v, (datetime.date, datetime.time, datetime.timedelta, uuid.UUID)):
            return {'stringValue': str(v)}
        if isinstance(v, list):
            return {'arrayValue': {'stringValues': [str(x) for x in v]}}
        if isinstance(v, (dict, tuple)):
            return {'stringValue': json.dumps(v)}
        return {'stringValue': str(v)}

    def answer(self, body, rows, count, kinds):
        out = {'numberOfRecordsUpdated': max(count, 0)}
        if not self.engine.postgres:
            out['generatedFields'] = []
        if rows is not None:
            out['records'] = [[self.field(v, body, k) for v, k in zip(row, kinds)] for row in rows]
            if len(json.dumps(out['records'])) > RESULT_MAX:
                raise bad('Database returned more than the allowed response size limit')
        return out


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    wbufsize = -1   # an answer is one packet: in two, the second waits for the client's delayed acknowledgement
    api = None

    def log_message(self, *_):
        pass

    def reply(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('x-amzn-RequestId', str(uuid.uuid4()))
        for name, value in headers:
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def control(self, body):
        api = self.api
        if 'lose' in body:
            api.lose_all()
        api.settings.update({k: v for k, v in body.items() if k != 'lose'})
        self.reply(200, {'calls': api.calls[-5000:], 'transactions': len(api.txs)})
        if body.get('forget'):
            api.calls.clear()

    def signed(self):
        auth = self.headers.get('Authorization', '')
        m = re.match(r'AWS4-HMAC-SHA256 Credential=\w+/\d{8}/[a-z0-9-]+/rds-data/aws4_request, SignedHeaders=([a-z0-9;-]+), '
                     r'Signature=[0-9a-f]{64}$', auth)
        return m and 'host' in m.group(1).split(';') and self.headers.get('X-Amz-Date')

    def fail(self, f):
        self.reply(f.status, {'message': f.message}, [('x-amzn-ErrorType', f.name + ':http://internal.amazon.com/coral/')])

    def do_POST(self):
        length = int(self.headers.get('Content-Length') or 0)
        raw = self.rfile.read(length)
        if self.path == '/_control':
            return self.control(json.loads(raw or b'{}'))
        api = self.api
        if self.path not in PATHS:
            return self.fail(Fault(404, 'UnknownOperationException', self.path))
        if not self.signed():
            return self.fail(Fault(403, 'AccessDeniedException', 'Missing or malformed signature'))
        if length > REQUEST_MAX:
            return self.fail(Fault(413, 'RequestEntityTooLargeException', 'Request too large'))
        body = json.loads(raw)
        api.calls.append((self.path, body.get('sql')))
        matches = api.settings['match'] in (body.get('sql') or self.path)
        if matches and api.take('drop'):
            self.close_connection = True
            return None
        try:
            answer = api.handle(self.path, body)
        except Fault as f:
            return self.fail(f)
        if matches and api.take('drop_after'):
            self.close_connection = True
            return None
        return self.reply(200, answer)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass


def parse(argv):
    p = argparse.ArgumentParser()
    p.add_argument('--engine', choices=['postgres', 'mysql'], required=True)
    p.add_argument('--server', required=True)
    p.add_argument('--user', required=True)
    p.add_argument('--port', type=int, default=0)
    p.add_argument('--limit', type=float, default=45)
    p.add_argument('--idle', type=float, default=180)
    p.add_argument('--resuming', type=int, default=0)
    p.add_argument('--words', choices=['v1', 'v2'], default='v1')
    return p.parse_args(argv)


def start(argv):
    """A double in this process: (server, api)."""
    options = parse(argv)
    api = Api(options)
    handler = type('BoundHandler', (Handler,), {'api': api})
    server = Server(('127.0.0.1', options.port), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server, api


if __name__ == '__main__':
    running, _ = start(sys.argv[1:])
    print('ready %d' % running.server_address[1], flush=True)
    threading.Event().wait()
