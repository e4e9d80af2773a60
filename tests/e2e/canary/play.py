"""play.py - a year of four months and a few hundred people on an instance of its own, with every answer kept.

The scenes are deploy/demo's, unchanged; here are the instance, the canaries in the people's data, and the recorder.
"""
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import types

import api
import closing
import enrol
import stays
import town as towns
import year
from needles import Owner, Secrets, given_name

PEOPLE = 480
FUND = dict(share=0.25, joins=0.1)  # a village fund of some households, and below its gate
MONTHS = 4
CLAIMS = 12  # of a township
PORTS = 50

ROLES = {login: role for login, _, role, _ in towns.STAFF}
ROLES.update(xitong='SYSTEM_ADMIN', anquan='SECURITY_ADMIN', sanyuan='AUDIT_ADMIN', cunmin='MEMBER', sysadmin='PLATFORM_SYSTEM',
             secadmin='PLATFORM_SECURITY', auditadmin='PLATFORM_AUDIT')


def role_of(session):
    login = session.login.split('@')[0]
    if not login:
        return 'NOBODY'
    return ROLES.get(login) or 'VILLAGE_CLERK'


class Answer:
    __slots__ = ('session', 'verb', 'path', 'status', 'headers', 'data')

    def __init__(self, session, verb, path, status, headers, data):
        self.session, self.verb, self.path, self.status, self.headers, self.data = session, verb, path, status, headers, data

    def json(self):
        is_json = 'json' in (self.headers.get('Content-Type') or '')
        return json.loads(self.data) if is_json and self.data else {}


class Recorder:
    """Every answer of every session, as it came."""

    def __init__(self):
        self.answers = []
        self.lock = threading.Lock()

    def install(self):
        recorder, send = self, api.Session._send

        def kept(session, verb, path, body, content_type):
            status, headers, data = send(session, verb, path, body, content_type)
            with recorder.lock:
                recorder.answers.append(Answer(session, verb, path, status, headers, data))
            return status, headers, data
        api.Session._send = kept


# --- canaries ---

def pdf(word):
    return (f'%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n% {word}\n'
            'trailer<</Root 1 0 R>>\n%%EOF\n').encode()


class Canaries:
    """Puts them into what the scenes send; remembers whose they are."""

    def __init__(self):
        self.secrets = Secrets()
        self.numbers = itertools.count()
        self.claims = {}  # claim id -> Owner
        self.filing = {}  # town's code -> Owner of the claim whose papers are being uploaded
        self.lock = threading.Lock()

    def of_person(self, town, person):
        home = person.household
        return Owner(town.code, home.village.id, home, person)

    def name_people(self, town):
        for person in town.register.people:
            with self.lock:
                number = next(self.numbers)
            person.name = person.name[0] + given_name(number)
            if person.phone:
                person.phone = f'1990{1000000 + number}'  # the register's own run begins anew in every town
            owner = self.of_person(town, person)
            self.secrets.add('name', person.name[1:], owner)
            self.secrets.add('id', person.number, owner)
            if person.phone:
                self.secrets.add('phone', person.phone, owner)

    def accounts_in(self, town, text, homes):
        """The payers' accounts of a bank statement, which would be the same run in every town."""
        first = 629999000000 + int(town.spec['region'][2:4]) * 10000
        for i, home in enumerate(homes):
            text = text.replace(f',{629999000000 + i},', f',{first + i},')
            self.secrets.add('account', str(first + i), Owner(town.code, home.village.id, home))
        return text

    def word(self, kind, owner):
        with self.lock:
            return self.secrets.word(kind, owner)

    def install(self):
        canaries = self
        made, statement, payee, stay, paper, ask, take = (
            towns.Town.__init__, enrol.statement, stays.payee_of, stays.stay_of, towns.Town.paper, api.Session.ask, stays.take)

        def town_made(town, spec, server, seed, people):
            made(town, spec, server, seed, people)
            canaries.name_people(town)

        def statement_made(town, homes):
            return canaries.accounts_in(town, statement(town, homes), homes)

        def payee_made(claim):
            canaries.secrets.add('card', claim.card, canaries.of_person(claim.town, claim.person))
            return payee(claim)

        def stay_made(town, claim, month_first):
            owner = canaries.of_person(town, claim.person)
            canaries.claims[claim.id] = canaries.filing[town.code] = owner
            body = stay(town, claim, month_first)
            body.update(injury=True, cause='OWN_ACCIDENT', causeText='在家中跌倒 ' + canaries.word('cause', owner))
            return body

        def paper_made(town, who, data=None, content_type='image/png'):
            if data is not None and content_type == 'image/png':  # a patient's paper: readable text inside
                data, content_type = pdf(canaries.word('paper', canaries.filing[town.code])), 'application/pdf'
            return paper(town, who, data, content_type)

        def asked(session, verb, path, body=None, content_type='application/json'):
            if isinstance(body, dict) and verb == 'POST':
                body = canaries.told(session, path, body)
            return ask(session, verb, path, body, content_type)

        def taken(who, town, path, what):
            said = take(who, town, path, what)
            claim = town.by_claim[said['job']['claimId']]
            who.get(f'/api/v1/codingJobs/{claim.id}')
            paper = f'/api/v1/uploads/{claim.papers["COST_LIST"]}'  # which the play's own coders do not read
            towns.resolve_once_known(lambda: who.get(paper), {'upload.none', 'call.clearance'}, 'claims knows who has the job')
            return said

        stays.take = taken
        towns.Town.__init__, enrol.statement, stays.payee_of = town_made, statement_made, payee_made
        stays.stay_of, towns.Town.paper, api.Session.ask = stay_made, paper_made, asked

    def told(self, session, path, body):
        """What people write to each other gets a word of its own: notes, reasons, complaints."""
        town = session.login.rpartition('@')[2] or None
        if 'omplaint' in path:
            return {k: v + ' ' + self.word('complaint', Owner(town)) if k in ('text', 'contact') else v
                    for k, v in body.items()}
        if 'codingJobs' in path and isinstance(body.get('note') or body.get('reason'), str):
            key = 'note' if 'note' in body else 'reason'
            owner = self.claims.get(path.split('/')[4].partition(':')[0], Owner(town))
            return {**body, key: body[key] + ' ' + self.word('note', owner)}
        return body


# --- the instance ---

def free_port():
    for first in range(12000 + os.getpid() % 200 * PORTS, 30000, PORTS):
        try:
            for port in range(first, first + 12):
                with socket.socket() as s:
                    s.bind(('127.0.0.1', port))
            return first
        except OSError:
            continue
    raise SystemExit('canary: no free ports')


class Instance:
    def __init__(self, source, programs):
        self.root = tempfile.mkdtemp(prefix='hzc-', dir='/tmp')
        os.chmod(self.root, 0o755)
        self.data, self.port = self.root + '/i', free_port()
        # Without ../shared beside it: the starter scheme and its cases, the same wherever the test runs.
        self.source = self.root + '/source'
        os.mkdir(self.source)
        for name in ('services', 'tests'):
            os.symlink(os.path.join(source, name), os.path.join(self.source, name))
        self.hz = [os.path.join(source, 'deploy/hz'), '--data', self.data, '--bin', programs]
        self.programs = programs
        os.makedirs(self.data + '/settings')
        with open(self.data + '/settings/gateway', 'w', encoding='utf-8') as file:
            file.write('HUZHU_GATEWAY_ADDRESS_RATE=5000\nHUZHU_GATEWAY_ADDRESS_BURST=20000\nHUZHU_GATEWAY_ACCOUNT_RATE=1000\n'
                       'HUZHU_GATEWAY_ACCOUNT_BURST=5000\nHUZHU_GATEWAY_SIGN_IN_RATE=6000\nHUZHU_GATEWAY_SIGN_IN_BURST=1000\n')

    def run(self, *words, stdin=None):
        done = subprocess.run(self.hz + list(words), input=stdin, capture_output=True)
        if done.returncode != 0:
            raise api.Unexpected(f'hz {" ".join(words)}: {done.stderr.decode(errors="replace").strip()}')
        return done.stdout

    def up(self):
        self.run('up', '--no-build', '--rehearsal', '--port', str(self.port))

    def down(self):
        subprocess.run(self.hz + ['wipe', '--yes'], capture_output=True)
        shutil.rmtree(self.root, ignore_errors=True)


def months(play):
    """The first months alone, and then what the play does in the eleventh: next year's programmes."""
    yield from itertools.islice(year_months(), MONTHS)
    play.clock('2025-07-01 09:00')
    play.each(closing.next_programme, play.towns)


year_months = year.months
assign = stays.assign


def assigned(play, town):
    assign(play, town)
    for claim in town.claims:
        claim.month %= MONTHS


def play_year(instance, canaries):
    """The year of deploy/demo, shortened; returns the play with its towns and sessions."""
    options = types.SimpleNamespace(people=PEOPLE, seed='6212', port=instance.port, data=instance.data,
                                    hz=instance.hz[0], bin=instance.programs, source=instance.source)
    play = year.Play(options)
    year.months = lambda: months(play)
    stays.assign, stays.CLAIMS_LEAST = assigned, CLAIMS
    towns.VILLAGE_FUND.update(FUND)
    canaries.install()
    play.text = year.play_year(play)
    codes = {code for town in play.towns for claim in town.claims for code in claim.case.diagnoses}
    canaries.secrets.add_codes(codes)
    return play


def say(text):
    print(text, file=sys.stderr, flush=True)
