"""scan.py - searches what the instance answered and wrote, and holds it against policy.py and the audit's records."""
import glob
import gzip
import os
import re
import urllib.error
import urllib.request

import policy
from play import role_of, say
from sweep import town_of


class Finds:
    """What was found where: (surface, place, kind, reach) -> how often, and one example."""

    def __init__(self):
        self.rows = {}

    def add(self, surface, place, kind, reach, example):
        row = self.rows.setdefault((surface, place, kind, reach), [0, example])
        row[0] += 1


# --- answers ---

def reach_of(session, owner, played):
    """How near the secret is to who sees it."""
    town = town_of(session)
    if owner.town and owner.town != town:
        return 'FOREIGN'
    if role_of(session) == 'MEMBER' and owner.household is not None:
        mine = next(t for t in played.towns if t.code == town).cunmin_person
        return 'OWN' if owner.household is mine.household else 'TOWN'
    if role_of(session) == 'VILLAGE_CLERK' and owner.village:
        villages = {v.id for t in played.towns + [played.fund] for v in t.villages if v.clerk is session}
        return 'VILLAGE' if owner.village in villages else 'TOWN'
    return 'TOWN' if owner.town else 'NOBODY'


def search_answers(played, recorder, secrets, finds):
    """Also returns how many answers of each account and rpc showed labelled data of others."""
    looks, sent = {}, {(a.session.account, a.path) for a in recorder.answers if a.verb == 'PUT'}
    for answer in recorder.answers:
        template, _ = played.known.route_of(answer.path)
        rpc = played.rpc_of.get((answer.verb, template), 'none')
        role = role_of(answer.session)
        marks = False
        for text in secrets.find(answer.data) | secrets.find(str(answer.headers).encode()):
            kind, _, owner = secrets.known[text]
            reach = reach_of(answer.session, owner, played)
            finds.add(role, rpc, kind, reach, f'{answer.session.login}: {answer.verb} {answer.path} {answer.status}')
            marks = marks or (kind in policy.LABELLED and reach not in ('OWN', 'NOBODY')) or (
                kind == 'diagnosis' and rpc in policy.HEALTH)
        own = role == 'MEMBER' or (answer.session.account, answer.path) in sent and rpc == 'ReadUpload'
        if marks and not own and rpc not in policy.ACCOUNTS:
            key = (answer.session.account, rpc)
            looks[key] = looks.get(key, 0) + 1
    return looks


# --- what the instance wrote ---

def psql(instance, script):
    return instance.run('psql', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', stdin=script.encode())


def search_tables(instance, secrets, finds):
    """Every column of every table, uploads and events among them; bytes come in hex."""
    columns = psql(instance, """
        SELECT table_schema || ' ' || table_name || ' ' || column_name FROM information_schema.columns
        JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
        AND data_type NOT IN ('uuid', 'boolean', 'date', 'timestamp with time zone') ORDER BY 1;""").decode().split('\n')
    names = [line.split(' ') for line in columns if line]
    script = ''.join(f'\\echo @@@{s}.{t}.{c}\nCOPY (SELECT "{c}" FROM "{s}"."{t}" WHERE "{c}" IS NOT NULL) TO STDOUT;\n'
                     for s, t, c in names)
    said = psql(instance, script)
    sizes = {}
    for part in said.split(b'@@@')[1:]:
        name, _, data = part.partition(b'\n')
        name = name.decode()
        sizes[name] = len(data)
        surface = 'EVENT' if name.endswith('.event.body') else 'COLUMN'
        for text in secrets.find(data):
            finds.add(surface, name, secrets.known[text][0], 'ALL', secrets.known[text][1])
    return sizes


def search_logs(instance, secrets, finds):
    count = 0
    for path in glob.glob(instance.data + '/log/**', recursive=True):
        if not os.path.isfile(path):
            continue
        with (gzip.open if path.endswith('.gz') else open)(path, 'rb') as file:
            data = file.read()
        count += 1
        if not data and path.endswith('/gateway.log'):
            raise SystemExit('canary: the gateway logs nothing?')
        for text in secrets.find(data):
            kind, plain, _ = secrets.known[text]
            at = next((line for line in data.splitlines() if text in line), b'')[:300].decode(errors='replace')
            finds.add('LOG', os.path.basename(path), kind, 'ALL', at or plain)
    return count


def search_metrics(instance, secrets, finds):
    with open(instance.data + '/run/table', encoding='utf-8') as file:
        ports = sorted(set(re.findall(r'HUZHU_METRICS_PORT=(\d+)', file.read())))
    for port in ports:
        for path in ('metrics', 'readyz', 'healthz'):
            try:
                with urllib.request.urlopen(f'http://127.0.0.1:{port}/{path}', timeout=10) as answer:
                    data = answer.read()
            except urllib.error.HTTPError as error:
                data = error.read()
            for text in secrets.find(data):
                finds.add('METRIC', port, secrets.known[text][0], 'ALL', secrets.known[text][1])
    return len(ports)


# --- the audit's side ---

def fields_of(data):
    """The fields of a protobuf message: number -> the last value (an integer or bytes)."""
    out, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            out[tag >> 3] = varint()
        elif tag & 7 == 2:
            size = varint()
            out[tag >> 3] = data[at:at + size]
            at += size
        else:
            at += 8 if tag & 7 == 1 else 4
    return out


def recorded_looks(instance):
    """SensitiveRead events by account and rpc (bus.proto: 2 method, 3 account)."""
    counts = {}
    for schema in policy.SERVICES:
        said = psql(instance, f"SELECT encode(body, 'hex') FROM {schema}.event WHERE topic LIKE '%SensitiveRead';")
        for line in said.decode().split():
            fields = fields_of(bytes.fromhex(line))
            account = fields[3].hex()
            key = ('-'.join((account[:8], account[8:12], account[12:16], account[16:20], account[20:])),
                   fields[2].decode().rpartition('.')[2])
            counts[key] = counts.get(key, 0) + 1
    return counts


def audited(played, looks, recorded):
    """Each look at labelled data of others left its record; by role, and what is missing."""
    sessions = {s.account: s for s in everybody(played)}
    faults, by_role = [], {}
    for (account, rpc), count in sorted(looks.items(), key=str):
        role = role_of(sessions[account])
        left = recorded.get((account, rpc), 0)
        row = by_role.setdefault(role, [0, 0])
        row[0] += count
        row[1] += left
        if left < count:
            faults.append(f'{role} {sessions[account].login}: {rpc} showed labelled data {count} times, {left} records')
    for role, (count, left) in sorted(by_role.items()):
        say(f'canary: {role:18} {count:5} answers with labelled data of others, {left:5} SensitiveRead records')
    return faults


def everybody(played):
    for town in played.towns + [played.fund]:
        yield from town.staff.values()
        yield from town.admins.values()
        yield from (v.clerk for v in town.villages)
    yield from played.platform.values()


# --- the verdict ---

def search_all(instance, played, recorder, secrets):
    finds = Finds()
    looks = search_answers(played, recorder, secrets, finds)
    say(f'canary: {len(recorder.answers)} answers are searched')
    sizes = search_tables(instance, secrets, finds)
    logs = search_logs(instance, secrets, finds)
    metrics = search_metrics(instance, secrets, finds)
    say(f'canary: {len(sizes)} columns ({sum(sizes.values()) >> 20} MiB), {logs} logs, {metrics} processes\' metrics')
    return finds, looks, sizes


def judge(instance, played, recorder, secrets):
    """True when something is where it may not be, or a look left no record."""
    finds, looks, sizes = search_all(instance, played, recorder, secrets)
    faults, used = [], set()
    for (surface, place, kind, reach), (count, example) in sorted(finds.rows.items()):
        row = policy.row_for(surface, place, kind, reach)
        if row is None:
            faults.append(f'{kind} ({reach}) {count} times in {surface} {place}: {example}')
        else:
            used.add(row)
    faults += audited(played, looks, recorded_looks(instance))
    faults += [f'nothing was there to be searched: {name}' for name in policy.MUST_HOLD if not sizes.get(name)]
    faults += [f'no {kind} was ever shown to anybody: the scan is blind for it' for kind in policy.MUST_BE_SEEN
               if not any(k == kind for (_, _, k, _) in finds.rows)]
    for row in policy.ROWS:
        if row not in used:
            say(f'canary: unused: {row.say()}')
    for fault in faults:
        print('LEAK ' + fault)
    say(f'canary: {len(finds.rows)} kinds of finds, {len(used)} of {len(policy.ROWS)} rows used, {len(faults)} faults')
    return bool(faults)
