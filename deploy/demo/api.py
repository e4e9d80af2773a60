"""api.py - the public API as a browser has it: HTTPS, cookies, CSRF tokens, idempotency keys, repeats.

Nothing of the demonstration reaches the platform in any other way.  A refusal that was not expected is an error with the
problem's own text.
"""
import base64
import http.client
import json
import os
import ssl
import threading
import time

# What may be sent again under the same key (README, "Errors"), and for how long it is tried.
AGAIN = {429, 503, 504}
PATIENCE_S = 60


def mint():
    """A UUIDv7: milliseconds, then randomness."""
    bits = int(time.time() * 1000).to_bytes(6, 'big') + os.urandom(10)
    text = bytearray(bits)
    text[6] = 0x70 | text[6] & 0x0f
    text[8] = 0x80 | text[8] & 0x3f
    h = bytes(text).hex()
    return f'{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}'


class Refusal(Exception):
    """An answer that is no success: RFC 9457's problem, and what was asked."""

    def __init__(self, status, problem, asked):
        self.status = status
        self.problem = problem if isinstance(problem, dict) else {}
        self.reason = self.problem.get('reason', '')
        self.asked = asked
        super().__init__(f'{asked}: {status} {json.dumps(problem, ensure_ascii=False)}')


class Unexpected(Exception):
    """The platform did what it should not have done."""


class Server:
    """Where the platform is, and whom it is believed to be."""

    def __init__(self, port, certificate):
        self.port = port
        self.context = ssl.create_default_context(cafile=certificate)
        self.requests = 0
        self.lock = threading.Lock()

    def connect(self):
        return http.client.HTTPSConnection('localhost', self.port, timeout=70, context=self.context)

    def count(self):
        with self.lock:
            self.requests += 1


class Session:
    """One person at one browser.  For one thread at a time: each holds a connection of its own."""

    def __init__(self, server, login='', password=''):
        self.server = server
        self.login = login
        self.password = password
        self.account = None
        self.cookie = ''
        self.csrf = ''
        self.connection = None
        self.lock = threading.RLock()

    # --- requests ---

    def _once(self, verb, path, body, headers):
        if self.connection is None:
            self.connection = self.server.connect()
        try:
            self.connection.request(verb, path, body=body, headers=headers)
            answer = self.connection.getresponse()
            data = answer.read()
        except (http.client.HTTPException, OSError):
            self.connection.close()
            self.connection = None
            raise
        for value in answer.headers.get_all('Set-Cookie') or []:
            if value.startswith('__Host-huzhu='):
                self.cookie = value.split(';')[0]
        return answer.status, answer.headers, data

    def _send(self, verb, path, body, content_type):
        headers = {'Accept-Language': 'zh-CN', 'Prefer': 'wait=60'}
        if body is not None:
            headers['Content-Type'] = content_type
        if verb != 'GET':
            headers['Idempotency-Key'] = mint()
            headers['X-CSRF-Token'] = self.csrf
        if self.cookie:
            headers['Cookie'] = self.cookie
        until = time.monotonic() + PATIENCE_S
        while True:
            self.server.count()
            try:
                status, answered, data = self._once(verb, path, body, headers)
            except (http.client.HTTPException, OSError):
                # A connection that idled out, or one that was cut: the key makes the repeat harmless.
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
                continue
            if status not in AGAIN or time.monotonic() > until:
                return status, answered, data
            time.sleep(0.2)

    def ask(self, verb, path, body=None, content_type='application/json'):
        """The answer's JSON (or its bytes, of a file); raises Refusal."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body, ensure_ascii=False).encode()
        with self.lock:
            status, headers, data = self._send(verb, path, body, content_type)
        said = data
        if 'json' in (headers.get('Content-Type') or ''):
            said = json.loads(data) if data else {}
        if status >= 400:
            raise Refusal(status, said if isinstance(said, dict) else data.decode(errors='replace')[:500],
                          f'{self.login or "nobody"}: {verb} {path}')
        return said

    def get(self, path):
        return self.ask('GET', path)

    def post(self, path, **body):
        return self.ask('POST', path, body)

    def put(self, path, **body):
        return self.ask('PUT', path, body)

    def upload(self, path, data, content_type):
        return self.ask('PUT', path, data, content_type)

    def refused(self, reason, verb, path, body=None):
        """The request must be refused with this reason."""
        try:
            self.ask(verb, path, body)
        except Refusal as refusal:
            if refusal.reason == reason:
                return refusal
            raise
        raise Unexpected(f'{self.login}: {verb} {path} was taken; it should have been refused with {reason}')

    def pages(self, path, name, size=200):
        """All rows of a list, page by page."""
        token, joint = '', '&' if '?' in path else '?'
        while True:
            page = self.get(f'{path}{joint}pageSize={size}' + (f'&pageToken={token}' if token else ''))
            yield from page.get(name, [])
            token = page.get('nextPageToken', '')
            if not token:
                return

    # --- signing in ---

    def sign_in(self, password=None):
        """With the person's password, or with a one-time password that becomes the person's own."""
        one_time = password
        said = self.post('/api/v1/sessions', loginName=self.login, password=one_time or self.password)
        self.csrf = said['csrfToken']
        if said.get('mustChangePassword'):
            if not self.password:
                self.password = new_password()
            self._take_password(one_time)
        self.account = self.get('/api/v1/me')['account']['accountId']
        return self

    def _take_password(self, one_time):
        """As a person would: whose change was not answered tries whether the new password is the right one already."""
        try:
            self.post('/api/v1/me:changePassword', oldPassword=one_time, newPassword=self.password)
        except Refusal as refusal:
            if refusal.reason != 'password.wrong':
                raise
            self.csrf = self.post('/api/v1/sessions', loginName=self.login, password=self.password)['csrfToken']


def file_of(said):
    """The bytes of a file, whether the gateway sends them as they are or inside the reply's JSON."""
    return said if isinstance(said, bytes) else base64.b64decode(said['body'])


def new_password():
    return 'Hz-' + os.urandom(8).hex() + '-7Q'


def wait_for(look, what, seconds=60):
    """What `look` finds as soon as it finds something: events need a moment from service to service."""
    until = time.monotonic() + seconds
    pause = 0.01
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise Unexpected(f'after {seconds} s still not: {what}')
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
