"""sweep.py - every GET route of openapi.json and every page, as every role and as nobody, with ids that exist.

What a role may not open is asked for all the same: a refusal must not tell either.
"""
import concurrent.futures
import itertools
import json
import re
import urllib.parse

from api import Refusal, Session

VALUES = {'year': ['2024'], 'seq': ['1', '7'], 'olderSize': ['1'], 'query': ['K80'], 'month': ['2024-08'],
          'pageSize': ['200'], 'on': ['2024-12-01']}
NEEDED = {'/api/v1/codes': {'kind': 'DIAGNOSIS', 'codeSet': 'INSURANCE'}}  # without them only a refusal is heard
OWN_TOWN, FOREIGN = 2, 1  # ids of a kind
THREADS = 6


class Known:
    """Ids by the name of the parameter and by town, out of the answers and paths of the play."""

    def __init__(self, paths):
        self.ids = {}
        self.templates = [(re.compile('^' + re.sub(r'\\\{(\w+)\\\}', r'(?P<\1>[^/:?]+)', re.escape(p)) + r'(?:\?|$)'), p)
                          for p in paths]

    def note(self, town, name, value):
        values = self.ids.setdefault(name, {}).setdefault(town, {})
        values[value] = None

    def read(self, town, said):
        if isinstance(said, dict):
            for name, value in said.items():
                if isinstance(value, str) and name.endswith('Id') and len(value) == 36:
                    self.note(town, name, value)
                self.read(town, value)
        elif isinstance(said, list):
            for value in said:
                self.read(town, value)

    def route_of(self, path):
        for pattern, template in self.templates:
            match = pattern.match(path)
            if match:
                return template, match
        return None, None

    def of(self, name, town):
        """A few of the caller's own town - the first and the last seen, so of two villages - and one of another."""
        if name in VALUES:
            return VALUES[name]
        by_town = self.ids.get(name, {})
        own = list(by_town.get(town, ()))
        chosen = own[:1] + own[-1:] if len(own) > OWN_TOWN else own
        for other, values in by_town.items():
            if other != town:
                chosen = chosen + list(values)[:FOREIGN]
                break
        return list(dict.fromkeys(chosen))


def town_of(session):
    return session.login.rpartition('@')[2] if session.login else ''


def learn(paths, answers):
    known = Known(paths)
    for answer in answers:
        town = town_of(answer.session)
        template, match = known.route_of(answer.path)
        if match and answer.status < 400:
            for name, value in match.groupdict().items():
                known.note(town, name, value)
        known.read(town, answer.json())
    return known


def of_member(known, town):
    """The member's own things come first; then another village's."""
    mine = town.cunmin_person
    claim = next(c for c in town.claims if c.person is mine)
    other = next((c for c in town.claims if c.person.household.village is not mine.household.village), claim)
    for name, pick in (('personId', lambda c: c.person.id), ('householdId', lambda c: c.person.household.id),
                       ('claimId', lambda c: c.id), ('uploadId', lambda c: c.papers['COST_LIST']),
                       ('lineId', lambda c: c.line)):
        values = known.ids.setdefault(name, {}).get(town.code, {})
        first, last = pick(claim), pick(other)
        rest = [v for v in values if v not in (first, last)]
        known.ids[name][town.code] = dict.fromkeys([first] + rest + [last])


def addresses(path, operation, known, town):
    """The route with all its ids, bare and with the filters that it knows."""
    names = re.findall(r'\{(\w+)\}', path)
    query = [p['name'] for p in operation.get('parameters', []) if p.get('in') == 'query' and p['name'] != 'pageToken']
    rows = [{}]
    for name in names:
        rows = [dict(row, **{name: value}) for row in rows for value in known.of(name, town)]
    filters = {n: known.of(n, town)[0] for n in query if n in ('pageSize', 'year', 'query', 'on') and known.of(n, town)}
    filters.update(NEEDED.get(path, {}))
    programmes = known.of('programmeId', town) if 'programmeId' in query else ['']
    forms = [{'format': form} for form in ('html', 'xlsx', 'csv')] if 'format' in query else [{}]
    for row in rows:
        plain = re.sub(r'\{(\w+)\}', lambda m: urllib.parse.quote(row[m[1]]), path)
        yield plain
        for programme, form in itertools.product(programmes, forms):
            wanted = dict(filters, **form, **({'programmeId': programme} if programme else {}))
            if wanted:
                yield plain + '?' + urllib.parse.urlencode(wanted)


def ask_all(session, gets, known, town):
    for path, operation in gets:
        for address in addresses(path, operation, known, town):
            quietly(session, 'GET', address)


def find_people(session, town):
    """The one look-up that is a POST: a number of every village, asked for by every role."""
    for village in town.villages:
        person = next(p for p in town.register.people if p.household.village is village)
        quietly(session, 'POST', '/api/v1/persons:find', {'idNumber': person.number})


def blunder(session, town):
    """What people type into the wrong place: numbers where ids belong, in queries, in bodies, as a name to sign in with.
    The answer goes to who typed it; no log, event or record may keep it."""
    person = next(p for p in reversed(town.register.people) if p.phone)
    card = town.claims[0].card
    for secret in (person.number, person.phone, card, person.name):
        quoted = urllib.parse.quote(secret)
        for path in (f'persons/{quoted}', f'households?villageId={quoted}', f'claims?pageToken={quoted}', quoted):
            quietly(session, 'GET', f'/api/v1/{path}')
        quietly(session, 'GET', f'/p/{quoted}')
        quietly(session, 'GET', f'/{quoted}?{quoted}={quoted}')
        for path in ('persons:find', 'codingJobs:take', 'complaints', f'claims/{quoted}:submit'):
            quietly(session, 'POST', f'/api/v1/{path}', {'idNumber': secret, 'programmeId': secret, secret: secret})
        quietly(session, 'PUT', '/api/v1/claims/' + town.claims[0].id, {'personId': secret, 'payee': {'card': [secret]}})
        for login in (secret, f'{secret}@{town.code}'):
            quietly(Session(session.server), 'POST', '/api/v1/sessions', {'loginName': login, 'password': secret})


def quietly(session, verb, path, body=None):
    try:
        session.ask(verb, path, body)
    except Refusal:
        pass


PAGES = ['/', '/index.html', '/readyz', '/healthz', '/metrics', '/api/v1/openapi.json', '/nothing-is-here']


def ask_everything(played, recorder):
    nobody = Session(played.server)
    document = nobody.get('/api/v1/openapi.json')
    gets = [(path, verbs['get']) for path, verbs in document['paths'].items() if 'get' in verbs]
    known = learn(document['paths'], recorder.answers)
    known.ids.setdefault('tenantCode', {})[''] = dict.fromkeys(t.code for t in played.towns)
    known.ids['name'] = {t.code: {t.spec['layout']: None} for t in played.towns}
    for town in played.towns:
        of_member(known, town)
    town = played.towns[0]
    sessions = ([(s, '') for s in played.platform.values()] + [(s, town.code) for s in town.admins.values()] +
                [(s, town.code) for s in town.staff.values()] + [(v.clerk, town.code) for v in town.villages] +
                [(nobody, town.code), (played.towns[1].officer, town.code), (played.towns[1].cunmin, town.code)])
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(ask_all, s, gets, known, code) for s, code in sessions]:
            done.result()
    for session, _ in sessions:
        find_people(session, town)
    before = len(recorder.answers)
    for session in (nobody, town.officer, town.villages[0].clerk, town.cunmin):
        blunder(session, town)
    del recorder.answers[before:]  # echoes to who typed it
    for page in PAGES:
        try:
            nobody.get(page)
        except (Refusal, json.JSONDecodeError):
            pass
    played.rpc_of = {(verb.upper(), path): operation.get('operationId', '').partition('.')[2]
                     for path, verbs in document['paths'].items() for verb, operation in verbs.items()}
    played.known = known
