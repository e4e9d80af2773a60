#!/usr/bin/env python3
"""machine.py - on a booted machine whose platform `hz systemd install` put there: what the units promise.  Root's.

    machine.py first|again HUZHU

first: sign in through HTTPS, work while every process is restarted, killed and given new keys; sandboxes; the journal
has no secret.  again: after the next boot everything is there, nothing typed.  Prints a line a promise; exit status 1
when one is broken.
"""
import glob
import json
import os
import ssl
import subprocess
import sys
import threading
import time

PHASE, HUZHU = sys.argv[1:3]
sys.path.insert(0, os.path.join(HUZHU, 'deploy/demo'))
import api  # noqa: E402

SERVICES = ('identity', 'contributions', 'claims', 'coding', 'disbursement', 'disclosure', 'audit')
UNITS = ('huzhu-broker@1', 'huzhu-broker@2') + tuple(f'huzhu@{s}' for s in SERVICES) + ('huzhu-gateway',)
ETC = '/etc/huzhu'
STATE = '/root/machine.json'  # what the second boot must know of the first
PEOPLE = 4
CANARY = '金丝雀甲'
broken = []


def say(fine, text):
    print(('ok    ' if fine else 'FAULT ') + text, flush=True)
    if not fine:
        broken.append(text)


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, **more)


def hz(*words):
    done = run(os.path.join(HUZHU, 'deploy/hz'), 'systemd', *words)
    say(done.returncode == 0, f'hz systemd {" ".join(words)}' + (f': {done.stderr[-300:]}' if done.returncode else ''))


def shown(unit, name):
    return run('systemctl', 'show', '--value', '-p', name, unit).stdout.strip()


def pid_of(unit):
    return int(shown(unit, 'MainPID') or 0)


def user_of(unit):
    return 'huzhu-broker' if 'broker' in unit else unit.replace('@', '-')


# --- people at work ---

class Person(api.Session):
    """Counts every answer: a repeat that helps in the end is a failed request all the same."""
    counted = {}  # (what happens, status): how often
    happens = 'nothing'
    lock = threading.Lock()

    def _once(self, verb, path, body, headers):
        try:
            answer = super()._once(verb, path, body, headers)
        except Exception as failure:
            self.note(type(failure).__name__)
            raise
        self.note(answer[0])
        return answer

    @classmethod
    def note(cls, status):
        with cls.lock:
            key = cls.happens, status
            cls.counted[key] = cls.counted.get(key, 0) + 1


class Work:
    """PEOPLE write and read until it is over; what was acknowledged is remembered."""

    def __init__(self, people):
        self.over = threading.Event()
        self.acknowledged = []
        self.threads = [threading.Thread(target=self.works, args=(p, i)) for i, p in enumerate(people)]
        for thread in self.threads:
            thread.start()

    def works(self, person, number):
        done = 0
        while not self.over.is_set():
            account = api.mint()
            person.post('/api/v1/accounts', accountId=account, loginName=f'p-{number}-{done}', displayName=CANARY)
            self.acknowledged.append(account)
            person.get('/api/v1/accounts?pageSize=5')
            done += 1
            time.sleep(0.01)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def while_working(name, do, free_of_failure=True):
    """Runs it, goes on a little, and looks at every answer of that time."""
    Person.happens = name
    begun = time.monotonic()
    do()
    lasted = time.monotonic() - begun
    time.sleep(1)
    Person.happens = 'afterwards'
    answers = {status: n for (happens, status), n in Person.counted.items() if happens == name}
    failed = sum(n for status, n in answers.items() if not isinstance(status, int) or status >= 400)
    say(sum(answers.values()) > 0 and (failed == 0 or not free_of_failure),
        f'{name} ({lasted:.1f} s): {sum(answers.values())} answers, {failed} failed {answers if failed else ""}')


def wait_healthy(unit, before):
    """Another process than before, and the platform is ready."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        pid = pid_of(unit)
        if pid and pid != before and shown(unit, 'ActiveState') == 'active' and is_ready():
            return pid
        time.sleep(0.05)
    say(False, f'{unit} did not come back within 30 s: {shown(unit, "ActiveState")} {shown(unit, "Result")}')
    return 0


def is_ready():
    try:
        connection = server().connect()
        connection.request('GET', '/readyz')
        return connection.getresponse().status == 200
    except OSError:
        return False


def server():
    with open(f'{ETC}/hz.conf', encoding='ascii') as conf:
        port = next(int(line.split('=')[1]) for line in conf if line.startswith('port='))
    return api.Server(port, f'{ETC}/keys/tls/cert.pem')


def sign_in(login, one_time, password=''):
    person = Person(server(), login, password)
    person.sign_in(one_time)
    return person


# --- promises ---

def restarted_under_load():
    for unit in UNITS[:-1]:
        while_working(f'systemctl restart {unit}', lambda u=unit: run('systemctl', 'restart', u))
    # A connection that is kept alive ends with the process; the next one is answered by the new one.
    while_working('systemctl restart huzhu-gateway', lambda: run('systemctl', 'restart', 'huzhu-gateway'), False)


def kill(unit):
    before = pid_of(unit)
    os.kill(before, 9)
    return wait_healthy(unit, before)


def killed_under_load():
    for unit in UNITS:
        while_working(f'kill -9 {unit}', lambda u=unit: kill(u), False)
    # More often than systemd's own limit of starts.
    say(all(kill('huzhu@claims') for _ in range(8)), 'a service that is killed eight times is there again')


def renewed_under_load():
    while_working('new principal key', lambda: hz('keys', 'principal'))
    while_working('new bus key of claims', lambda: hz('keys', 'bus', 'claims'))
    while_working('new master key', lambda: hz('keys', 'master'))
    while_working('hz systemd install, again', lambda: hz('install', '--no-build'), False)


def certificate_renewed():
    serial = ssl.get_server_certificate(('localhost', server().port))
    hz('keys', 'tls')
    api.wait_for(lambda: ssl.get_server_certificate(('localhost', server().port)) != serial, 'the new certificate', 10)
    say(is_ready(), 'the gateway shows the new certificate after a reload')


def status_of(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


def sandboxes():
    for unit in UNITS:
        pid = pid_of(unit)
        status = status_of(pid)
        bounding = int(status['CapBnd'], 16)
        uid = run('id', '-u', user_of(unit)).stdout.strip()
        faults = [what for what, wrong in (
            ('user', status['Uid'].split()[0] != uid),
            ('NoNewPrivs', status['NoNewPrivs'] != '1'),
            ('seccomp', status['Seccomp'] != '2'),
            ('capabilities', bounding != (1 << 10 if unit == 'huzhu-gateway' else 0)),
            ('limits', shown(unit, 'MemoryMax') == 'infinity'),
            ('writes /usr', run('nsenter', '-t', str(pid), '-m', 'touch', '/usr/lib/huzhu/x').returncode == 0),
            ('writes /etc', run('nsenter', '-t', str(pid), '-m', 'touch', '/etc/huzhu/x').returncode == 0),
            ('sees /root', run('nsenter', '-t', str(pid), '-m', 'ls', '-A', '/root').stdout != ''),
        ) if wrong]
        say(not faults, f'{unit}: sandboxed {faults or ""}')


def as_user(user, *words):
    return run('setpriv', '--reuid', user, '--regid', 'huzhu', '--clear-groups', '--', *words)


def neighbours():
    """No process's user reads another's secrets or comes in as another's role."""
    read = []
    for path in sorted(glob.glob(f'{ETC}/own/*/**', recursive=True)):
        owner = path.split('/')[4] if os.path.isfile(path) else ''
        for name in SERVICES + ('gateway', 'broker') if owner else ():
            if (as_user(f'huzhu-{name}', 'cat', path).returncode == 0) != (name == owner):
                read.append((name, path))
    read += [(name, 'originals') for name in SERVICES if as_user(f'huzhu-{name}', 'ls', f'{ETC}/keys').returncode == 0]
    say(not read, f'each secret is one user\'s {read or ""}')
    with open(f'{ETC}/hz.conf', encoding='ascii') as conf:
        port = next(line.strip().split('=')[1] for line in conf if line.startswith('pg_port='))
    come_in = []
    for name in SERVICES:
        for role in SERVICES:
            done = as_user(f'huzhu-{name}', 'psql', '-XAtc', 'SELECT 1', f'host=/run/postgresql port={port} dbname=huzhu user=huzhu_{role}')
            if (done.returncode == 0) != (name == role):
                come_in.append((name, role))
    say(not come_in, f'each user has its own role in the database alone {come_in or ""}')


def secrets(people):
    found = {CANARY}
    for person in people:
        found |= {person.password, person.csrf, person.cookie.split('=', 1)[-1]}
    with open(f'{ETC}/keys/first-passwords', encoding='utf-8') as file:
        found |= {line.rstrip('\n').split('\t')[2] for line in file}
    for path in glob.glob(f'{ETC}/keys/**', recursive=True):
        if os.path.isfile(path) and not path.endswith(('.pub', '.trusted', '/permissions', 'cert.pem', '/current')):
            with open(path, encoding='utf-8') as file:
                found |= {word for line in file if not line.startswith('public') for word in line.split() if len(word) >= 24}
    return found


def journal(people):
    run('journalctl', '--sync')
    said = subprocess.run(['journalctl', '-o', 'export', '--no-pager'], capture_output=True, timeout=120, check=True).stdout
    wanted = secrets(people)
    told = [secret[:4] + '…' for secret in wanted if secret.encode() in said]
    say(b'huzhu-identity' in said and not told, f'{len(said) >> 10} KiB of journal, {len(wanted)} secrets looked for {told or ""}')
    denied = run('journalctl', '-o', 'cat', '--no-pager', '--grep', 'not permitted|SECCOMP').stdout
    say(denied == '', f'no call was refused by a sandbox {denied[:200]}')


def first():
    # All come from one address here, and nobody is to be told to come later.
    os.makedirs(f'{ETC}/settings', exist_ok=True)
    with open(f'{ETC}/settings/gateway', 'w', encoding='ascii') as file:
        for name in ('SIGN_IN', 'ACCOUNT', 'ADDRESS'):
            file.write(f'HUZHU_GATEWAY_{name}_RATE=100000\nHUZHU_GATEWAY_{name}_BURST=100000\n')
    hz('install', '--no-build')
    people = []
    with open(f'{ETC}/keys/first-passwords', encoding='utf-8') as file:
        for line in file:
            _, login, one_time = line.rstrip('\n').split('\t')
            people.append(sign_in(login, one_time))
    say(True, f'{len(people)} administrators signed in through HTTPS')
    system = people[0]
    workers = [sign_in(system.login, None, system.password) for _ in range(PEOPLE)]
    work = Work(workers)
    time.sleep(1)
    while_working('nothing', lambda: time.sleep(2))
    try:
        restarted_under_load()
        killed_under_load()
        renewed_under_load()
    finally:
        work.end()
    certificate_renewed()
    say(len(work.acknowledged) > 0, f'{len(work.acknowledged)} writes acknowledged')
    with open(STATE, 'w', encoding='utf-8') as file:
        json.dump({'login': system.login, 'password': system.password, 'acknowledged': work.acknowledged}, file)
    there(work.acknowledged)
    sandboxes()
    neighbours()
    hz('run', 'audit', 'verify')
    journal(people + workers)


def there(acknowledged):
    with open(f'{ETC}/hz.conf', encoding='ascii') as conf:
        port = next(line.strip().split('=')[1] for line in conf if line.startswith('pg_port='))
    said = as_user('postgres', 'psql', '-XAtc', "SELECT account_id FROM identity.account WHERE login_name LIKE 'p-%'",
                   f'host=/run/postgresql port={port} dbname=huzhu user=postgres').stdout.split()
    missing = set(acknowledged) - set(said)
    say(not missing and len(said) == len(set(said)), f'every acknowledged write is there once ({len(missing)} missing)')


def again():
    api.wait_for(is_ready, 'ready after the boot', 60)
    with open(STATE, encoding='utf-8') as file:
        state = json.load(file)
    sign_in(state['login'], None, state['password'])
    say(True, 'after a boot it is there, nothing typed')
    there(state['acknowledged'])


def main():
    {'first': first, 'again': again}[PHASE]()
    print(f'{len(broken)} promises broken', flush=True)
    return 1 if broken else 0


if __name__ == '__main__':
    sys.exit(main())
