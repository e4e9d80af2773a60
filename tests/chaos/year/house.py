"""house.py - an instance for the replayed year: made by `hz up`, armed with deaths, asked for its books, taken down.

The dev build's processes look into a folder of their own (HUZHU_CRASH_FOLDER, common/fault): a file POINT@WITHIN there is
one death, at the next crossing of that point within that rpc or event; what they write into `crossed` says which points
lie on a path.
"""
import glob
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SERVICES = ['identity', 'contributions', 'claims', 'coding', 'disbursement', 'disclosure', 'audit']
# All requests come from one address here.
GATEWAY = [f'HUZHU_GATEWAY_{name}={value}' for name, value in [
    ('ADDRESS_RATE', 5000), ('ADDRESS_BURST', 20000), ('ACCOUNT_RATE', 1000), ('ACCOUNT_BURST', 5000),
    ('SIGN_IN_RATE', 6000), ('SIGN_IN_BURST', 1000)]]


class Fault(Exception):
    """The platform lost, doubled or misplaced something."""


def free_ports():
    """The first of twelve ports that nobody listens on, as tests/harness/platform.c looks for them."""
    for _ in range(200):
        first = random.randrange(10000, 30000, 50)
        try:
            for port in range(first, first + 12):
                with socket.socket() as s:
                    s.bind(('127.0.0.1', port))
            return first
        except OSError:
            continue
    raise Fault('no free ports')


class House:
    def __init__(self, source, binaries):
        self.root = tempfile.mkdtemp(prefix='hzt-', dir='/tmp')
        os.chmod(self.root, 0o755)
        self.source, self.binaries = source, binaries
        self.data = os.path.join(self.root, 'i')
        self.port = free_ports()
        self.deaths = 0  # that were arranged
        os.makedirs(os.path.join(self.data, 'settings'))
        self.set('gateway', GATEWAY)
        for service in SERVICES:
            os.makedirs(self.folder(service))
            os.chmod(self.folder(service), 0o777)  # the platform's user takes its deaths away
            self.set(service, [f'HUZHU_CRASH_FOLDER={self.folder(service)}'])
        # What the demonstration reads of the source, without what may lie beside it: the starter scheme and its cases.
        self.seen_source = os.path.join(self.root, 'source')
        os.makedirs(self.seen_source)
        os.symlink(os.path.join(source, 'services'), os.path.join(self.seen_source, 'services'))

    def set(self, kind, lines):
        with open(os.path.join(self.data, 'settings', kind), 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines) + '\n')

    def folder(self, service):
        return os.path.join(self.root, 'deaths', service)

    def hz(self, *words, stdin=None):
        done = subprocess.run([os.path.join(self.source, 'deploy/hz'), '--data', self.data, '--bin', self.binaries, *words],
                              input=stdin, capture_output=True, text=True)
        if done.returncode != 0:
            raise Fault(f'hz {" ".join(words)}: {done.stderr.strip()[-1500:] or done.stdout.strip()[-1500:]}')
        return done.stdout

    def up(self):
        self.hz('up', '--rehearsal', '--no-build', '--port', str(self.port))

    def down(self):
        """Stopped; whoever died unasked, or spoke as a sanitizer does, fails the test."""
        self.hz('down')
        with open(os.path.join(self.data, 'log/supervise.log'), encoding='utf-8') as file:
            died = [line for line in file if 'process.ended' in line and '"asked":"no"' in line]
        if len(died) != self.deaths:
            raise Fault(f'{len(died)} processes died, {self.deaths} were to die:\n' + ''.join(died[-5:]))
        for path in glob.glob(os.path.join(self.data, 'log/*')):
            with open(path, encoding='utf-8', errors='replace') as file:
                spoke = re.search(r'ERROR: \w*Sanitizer|runtime error:', file.read())
            if spoke:
                raise Fault(f'{path}: {spoke.group()}')

    def stop(self, keep):
        """Whatever happened: nothing stays behind."""
        subprocess.run([os.path.join(self.source, 'deploy/hz'), '--data', self.data, '--bin', self.binaries, 'down'],
                       capture_output=True)
        if keep:
            print(f'kept: {self.data}', file=sys.stderr)
        else:
            shutil.rmtree(self.root, ignore_errors=True)

    def ask(self, *words):
        done = subprocess.run([os.path.join(self.data, 'bin/huzhu-supervise'), '--ask',
                               os.path.join(self.data, 'run/supervise'), *words], capture_output=True, text=True)
        if done.returncode != 0:
            raise Fault(f'supervisor: {" ".join(words)}: {done.stderr or done.stdout}')

    # --- deaths ---

    def arm(self, service, death):
        with open(os.path.join(self.folder(service), death), 'w', encoding='utf-8'):
            pass

    def await_deaths(self, armed, seconds=30):
        """Each has happened once; those that died are up again, and their back-off is forgotten."""
        until = time.monotonic() + seconds
        left = list(armed)
        while left and time.monotonic() < until:
            left = [a for a in left if os.path.exists(os.path.join(self.folder(a[0]), a[1]))]
            time.sleep(0.01 if left else 0)
        self.deaths += len(armed) - len(left)
        for service in sorted({service for service, _ in armed}):
            self.ask('start', service)
        for service, death in left:
            os.unlink(os.path.join(self.folder(service), death))
        return left

    def kill(self, process):
        self.deaths += 1
        self.ask('signal', process, 'KILL')

    def record(self):
        for service in SERVICES:
            path = os.path.join(self.folder(service), 'crossed')
            with open(path, 'w', encoding='utf-8'):
                os.chmod(path, 0o666)

    def recorded(self):
        """(service, point, within) in the order in which they were crossed."""
        found = []
        for service in SERVICES:
            path = os.path.join(self.folder(service), 'crossed')
            with open(path, encoding='utf-8') as file:
                found += [(service, *line.rstrip('\n').split('@', 1)) for line in file]
            os.unlink(path)
        return list(dict.fromkeys(found))

    # --- questions to the database, as its superuser, who sees all tenants ---

    def rows(self, sql):
        said = self.hz('psql', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', stdin=sql)
        return [line.split('|') for line in said.splitlines() if line]

    def invariants(self):
        """Every query of tests/invariants, in one session; and nothing is parked anywhere."""
        script, names = '', sorted(glob.glob(os.path.join(self.source, 'tests/invariants/*.sql')))
        for name in names:
            with open(name, encoding='utf-8') as file:
                script += f'\\echo == {os.path.basename(name)}\n' + file.read() + '\n'
        script += '\\echo == parked\n' + ' UNION ALL '.join(
            f"SELECT '{s}' AS service, producer, topic, reason, says FROM {s}.parked" for s in SERVICES) + ';\n'
        said = self.hz('psql', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', stdin=script)
        broken = [line for line in said.splitlines() if line and not line.startswith('== ')]
        if broken:
            raise Fault('broken:\n' + said[:3000])
        return len(names)

    def replays(self):
        """How often a service gave a stored reply instead of doing a command again."""
        count = 0
        for path in glob.glob(os.path.join(self.data, 'log/*.log*')):
            with open(path, encoding='utf-8', errors='replace') as file:
                count += sum(1 for line in file if '"replayed":"yes"' in line)
        return count
