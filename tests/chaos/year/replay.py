"""replay.py - the year replayed with processes killed between approval and confirmation (issue: exactly once).

    replay.py --bin BUILD/bin --source DIR [--short] [--seed S]

Two townships of the same people, claims and decisions live through the same year on one platform, over HTTPS.  The quiet
one is never disturbed.  The other one's way from the approval of a list to its confirmations is walked with one fault
point armed in each list: at every step of that way each service which crosses the point dies there of SIGKILL by itself,
the supervisor brings it back, and the client repeats its request under the same idempotency key.  Which points lie on the
way is not listed here: the first list, without deaths, is recorded.  After each list everything must be there once, and
the two towns' figures must be the same; so they must when the year is closed.
"""
import argparse
import datetime
import http.client
import json
import os
import sys
import threading
import time
import types

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))
sys.path.insert(0, os.path.join(SOURCE, 'deploy/demo'))

# pylint: disable=wrong-import-position
import api  # noqa: E402
import closing  # noqa: E402
import design  # noqa: E402
import enrol  # noqa: E402
import stays  # noqa: E402
import town as towns  # noqa: E402
import year  # noqa: E402
from api import Session, Unexpected, file_of, mint, wait_for  # noqa: E402
from town import Town, fen, of_fen  # noqa: E402

import books  # noqa: E402
from house import SERVICES, Fault, House  # noqa: E402

PEOPLE = 160     # of both towns
CLAIMS = 3       # a month: one is paid at once, one by a second attempt, one is given up
MONTHS = 12
UNFIT = 77       # ctest: skipped
GENERAL = ['db.begin', 'db.run', 'event.append', 'replay.store', 'feed.move', 'db.commit', 'db.committed']
# A service that only keeps evidence reads every topic, so its deaths wait for no particular one.
AUDIT = ['db.begin', 'db.run', 'feed.move', 'db.commit', 'db.committed']

def twin(code, name, region, division):
    """The same dice, so the same people, stays and decisions; another place, for the tree holds each once."""
    return dict(towns.TOWNS[0], code=code, name=name, region=region, share=0.5, joins=0.97, twin='twin',
                gifts=[('LOCAL_NOTABLE', '乡贤', 500)], divisions=towns.TOWNS[0]['divisions'][:3] + [(division, name)])


TWINS = [twin('quiet', '安宁镇', '320799', '320723101'), twin('killed', '多难镇', '320798', '320723102')]


# --- a client as it should be ---

class Client(Session):
    """Counts what it repeats.  An impatient one hangs up after a moment and asks again, under the same key."""
    impatient = False
    repeats = 0
    counting = threading.Lock()

    def _once(self, verb, path, body, headers):
        if self.connection is None or self.connection.sock is None:
            fresh = self.server.connect()
            fresh.connect()  # where nobody listens nothing was asked
            self.connection = fresh
        key = headers.get('Idempotency-Key', path)
        tries = self.tries + 1 if key == getattr(self, 'last', None) else 0
        self.last, self.tries = key, tries
        if tries and verb != 'GET':
            with Client.counting:
                Client.repeats += 1
        self.connection.sock.settimeout(min(0.1 * 1.5 ** min(tries, 20), 70) if Client.impatient else 70)
        return super()._once(verb, path, body, headers)


towns.Session = year.Session = Client


# --- the way from approval to confirmation, and its deaths ---

class Way:
    """One list's walk.  `deaths` gives the files to arm for a step; the quiet walk arms none."""

    def __init__(self, house, deaths=None, record=None, outside=None):
        self.house, self.deaths, self.record, self.outside = house, deaths, record, outside
        self.told = []  # (step, deaths, repeats)
        self.missed = []

    def step(self, name, do, done):
        house, before = self.house, Client.repeats
        armed = self.deaths(name) if self.deaths else []
        for service, death in armed:
            house.arm(service, death)
        if self.record is not None:
            house.record()
        if self.outside:
            self.outside(name)
        said = do()
        wait_for(done, f'{name}: what follows from it', 90)
        if armed:
            left = house.await_deaths(armed)
            self.missed += [(name, *a) for a in left]
            armed = [a for a in armed if a not in left]
        if self.record is not None:
            time.sleep(1.2)  # until the last consumer has heard of it
            self.record[name] = house.recorded()
        self.told.append((name, armed, Client.repeats - before))
        return said


def line_of(town, line_id):
    return town.officer.get(f'/api/v1/payoutLines/{line_id}')['line']


def claim_state(town, claim):
    return town.officer.get(f'/api/v1/claims/{claim.id}')['claim']['state']


def balance(town):
    said = town.officer.get(town.path('/trialBalance'))['trialBalance']
    if of_fen(said.get('difference')) or of_fen(said.get('debit')) != of_fen(said.get('credit')):
        raise Fault(f'{town.name}: the books do not balance: {said}')
    return said


def is_free(town, held):
    """What is set aside (balance less available) is `held` fen."""
    said = balance(town)
    return of_fen(said.get('balance')) - of_fen(said.get('available')) == held


def batch_of(town, way, lines, which):
    """A batch made and sent: its lines are with the bank."""
    payer, batch = town.fafang, mint()
    body = dict(batchId=batch, programmeId=town.programme, kind='PAYOUTS', lineIds=lines, layout=town.spec['layout'])
    path = f'/api/v1/bankBatches/{batch}'
    said = way.step('CreateBatch' + which, lambda: payer.post('/api/v1/bankBatches', **body),
                    lambda: payer.get(path)['batch']['state'] == 'MADE')
    town.batch = said['batch']
    way.step('SendBatch' + which, lambda: payer.post(path + ':send'),
             lambda: payer.get(path)['batch']['state'] == 'SENT')
    if not file_of(payer.get(path + '/file')):
        raise Fault('the bank file is empty')


def bank_says(town, way, which, fails, done):
    """The bank's answer; the same file once more changes nothing."""
    items = stays.items_of(town)
    rows = [(i, 'F', '账户已销户') if i['lineId'] in fails else (i, 'S', '') for i in items]
    data = stays.bank_file(town, rows, town.today)
    way.step('ImportBankResult' + which, lambda: stays.import_result(town, data, 'APPLIED'), done)
    stays.import_result(town, data, 'SEEN_BEFORE')


class List:
    """The month's list of a town, ready to be approved."""

    def __init__(self, town, name):
        officer = town.officer
        found = wait_for(lambda: officer.get(f'/api/v1/payoutLists?programmeId={town.programme}&month={name}').get('lists'),
                         f'{town.name}: the list of {name}')[0]
        self.id, self.path = found['listId'], f'/api/v1/payoutLists/{found["listId"]}'
        lines = list(officer.pages(self.path + '/lines', 'lines'))
        # In the order of the play's claims, which is the same in both towns; the service's is by id.
        order = {claim.id: i for i, claim in enumerate(town.claims)}
        lines.sort(key=lambda line: order[line['claimId']])
        if len(lines) != CLAIMS:
            raise Unexpected(f'{town.name}: the list of {name} has {len(lines)} lines')
        self.lines = [line['lineId'] for line in lines]
        self.claims = [town.by_claim[line['claimId']] for line in lines]
        self.fen = [of_fen(line['amount']) for line in lines]
        officer.post(self.path + ':approveLines', lineIds=self.lines)
        officer.post(self.path + ':submit')

    def approve(self, town, way):
        way.step('ApproveList', lambda: town.shenpi.post(self.path + ':approve'),
                 lambda: town.officer.get(self.path)['list']['state'] == 'RESERVED' and is_free(town, sum(self.fen)) and
                 all(claim_state(town, c) == 'LISTED' for c in self.claims))
        batch_of(town, way, self.lines, '')

    def answer(self, town, way):
        """The first and the second fail, the third is paid."""
        bank_says(town, way, '', set(self.lines[:2]), lambda: is_free(town, sum(self.fen[:2])) and [
            claim_state(town, c) for c in self.claims] == ['PAYMENT_FAILED', 'PAYMENT_FAILED', 'PAID'])

    def again(self, town, way):
        """The first goes to another card and is paid; the second is given up."""
        claim, line = self.claims[0], self.lines[0]
        claim.card = stays.card_number(town.rng)
        path = f'/api/v1/claims/{claim.id}:changePayee'
        way.step('ChangePayee', lambda: claim.filer.post(path, payee=stays.payee_of(claim)),
                 lambda: line_of(town, line).get('payeeChanged'))
        way.step('ReissueLine', lambda: town.fafang.post(f'/api/v1/payoutLines/{line}:reissue'),
                 lambda: line_of(town, line)['state'] == 'RESERVED')
        batch_of(town, way, [line], ' 2')
        bank_says(town, way, ' 2', set(), lambda: is_free(town, self.fen[1]) and claim_state(town, claim) == 'PAID')
        path = f'/api/v1/payoutLines/{self.lines[1]}:void'
        way.step('VoidLine', lambda: town.shenpi.post(path, reason='本人放弃，书面确认'),
                 lambda: is_free(town, 0) and claim_state(town, self.claims[1]) == 'UNPAID' and
                 town.officer.get(self.path)['list']['state'] == 'SETTLED')
        for claim, line, state in zip(self.claims, self.lines, ['PAID', 'UNPAID', 'PAID']):
            claim.state = state
            if state == 'PAID':
                claim.paid, claim.line = claim.payable, line


def points_of(recorded, known):
    """{point: {step: [(service, death), ...]}}: what the quiet walk crossed, without what happened beside it."""
    points = {}
    for step, crossings in recorded.items():
        for service, point, within in crossings:
            # What the bus does belongs to no rpc: its point has a list of its own.
            if service == 'audit' or within not in known | {step.split()[0]} or point.split('.')[0] == 'bus':
                continue
            points.setdefault(point, {}).setdefault(step, []).append((service, f'{point}@{within}'))
    return points


def topics_consumed(source):
    """The events that services learn of each other by."""
    topics = set()
    for service in SERVICES:
        if service == 'audit':
            continue
        with open(os.path.join(source, 'services', service, 'events.def'), encoding='utf-8') as file:
            topics |= {line.split(',')[1].split('__')[1].strip() for line in file if line.startswith('EVENT(')}
    return topics


def plans_of(points, short):
    """What each list's deaths are: [(name, deaths of a step)]."""
    def one(point):
        return lambda step: points.get(point, {}).get(step, [])

    own = sorted(set(points) - set(GENERAL))
    plans = [(point, one(point)) for point in GENERAL if point in points]
    if own:
        plans.append(('own points', lambda step: [d for point in own for d in points[point].get(step, [])]))
    served = {'ChangePayee': 'claims'}
    plans.append(('bus.memory', lambda step: [(served.get(step, 'disbursement'), 'bus.memory')]))
    steps = iter(range(1000))
    plans.append(('in audit', lambda step: [('audit', AUDIT[next(steps) % len(AUDIT)])]))
    if short:
        plans = [p for p in plans if p[0] in ('own points', 'db.commit', 'db.committed', 'feed.move')]
    return plans, own


# --- the year around it ---

def prepare(play, town, cases):
    town.cases, town.quota = cases, CLAIMS * MONTHS
    stays.assign(play, town)


def file_claims(play, town, month):
    first = datetime.date(play.now.year, play.now.month, 1)
    for claim in [c for c in town.claims if c.month == month]:
        said = stays.file_one(town, stays.clerk_of(claim.person), claim, stays.stay_of(town, claim, first))
        if said['state'] != 'ACCEPTED':
            raise Unexpected(f'{town.name}: a good claim was {said["state"]}: {said.get("words")} {said.get("reason")}')


def gift(play, town):
    """So much more than the plan was made for that no list is refused for want of money."""
    town.officer.post(town.path('/funds'), funds=dict(
        fundsId=mint(), kind='ENTERPRISE', giver='大善企业', amount=fen(900000), on=play.now.isoformat(),
        uploadId=town.paper(town.officer)))


def open_year(play, twins):
    """From the resolutions to the frozen table, as the demonstration has it."""
    play.clock('2024-05-20 09:00', '--back')
    play.platform = year.found_platform(play)
    play.tree, play.tree_lock, play.nobody = {}, threading.Lock(), Client(play.server)
    for scene, when in [(year.found_town, None), (enrol.import_register, None), (design.name_scheme, '2024-06-03 09:00'),
                        (enrol.make_programme, None), (enrol.resolve, '2024-06-12 15:00'), (enrol.enrol, '2024-07-02 08:30'),
                        (enrol.pay, None), (enrol.hand_in, '2024-07-20 10:00'), (enrol.last_second, '2024-07-31 23:59:30'),
                        (enrol.close_window, '2024-08-01 08:00'), (enrol.raise_funds, None), (design.design_plan, None),
                        (gift, None)]:
        if when:
            play.clock(when)
        play.each(scene, twins)
    cases = stays.read_cases(play.options.source, play.options.seed, CLAIMS * MONTHS * 2)
    play.each(prepare, twins, cases)


def close_year(play, twins):
    play.clock('2025-08-20 09:00')
    play.each(closing.next_programme, twins)
    play.each(closing.close_year, twins)
    play.each(closing.publish, twins)


# --- the test ---

class Test:
    def __init__(self, options):
        self.options = options
        self.house = House(options.source, options.bin)
        self.play = None
        self.rows = []  # (list, point, steps, deaths, repeats, stored replies, result, walk)
        self.path = {}  # of the quiet walk: step -> crossings
        self.checked = 0
        self.missed = []

    def say(self, text):
        print(f'{time.monotonic() - self.begun:6.1f} s  {text}', file=sys.stderr, flush=True)

    def run(self):
        self.begun = time.monotonic()
        self.house.up()
        options = types.SimpleNamespace(port=self.house.port, data=self.house.data, bin=self.options.bin, people=PEOPLE,
                                        hz=os.path.join(self.options.source, 'deploy/hz'), seed=self.options.seed,
                                        source=self.house.seen_source)
        self.play = play = year.Play(options)
        quiet, killed = [Town(spec, play.server, options.seed, PEOPLE) for spec in TWINS]
        play.towns = [quiet, killed]
        open_year(play, play.towns)
        self.say(f'{len(quiet.members)} and {len(killed.members)} people take part; {len(quiet.claims)} claims each')
        plans, months = [('none: recorded', None)], year.months()
        while plans:
            name, deaths = plans.pop(0)
            self.month(next(months), quiet, killed, name, deaths)
            if not self.rows[1:]:
                points = points_of(self.path, topics_consumed(self.options.source))
                plans, own = plans_of(points, self.options.short)
                if not self.options.short:
                    plans.append(('kill -9 from outside', None))
                self.say('on the way: ' + ', '.join(GENERAL + own))
        close_year(play, play.towns)
        self.compare(quiet, killed, 'the closed year')
        pages = [books.published(play, town) for town in play.towns]
        if pages[0] != pages[1]:
            raise Fault(f'the towns publish different figures: {pages}')
        books.the_checks_can_fail(self.house, killed)
        self.checked = self.house.invariants()
        evidence = self.house.hz('run', 'audit', 'verify').strip().splitlines()
        self.house.down()
        self.table(quiet, evidence)

    def month(self, days, quiet, killed, name, deaths):
        play, (first, after), number = self.play, days, len(self.rows)
        play.clock(f'{first:%Y-%m}-20 09:00')
        play.each(file_claims, play.towns, number)
        play.clock(f'{first:%Y-%m}-22 09:00')
        play.each(stays.code_claims, play.towns, 0)
        outside = self.from_outside() if name.startswith('kill -9') else None
        ways = [Way(self.house, record=self.path if number == 0 else None), Way(self.house, deaths, outside=outside)]
        stored, died = self.house.replays() if number else 0, self.house.deaths
        lists = [None, None]
        for part, day in [('approve', f'{after:%Y-%m}-01 08:30'), ('answer', f'{after:%Y-%m}-03 16:00'),
                          ('again', f'{after:%Y-%m}-05 16:00')]:
            play.clock(day)
            for i, town in enumerate([quiet, killed]):
                # An even list's client waits while the house repeats; an odd one's hangs up and repeats itself.
                Client.impatient = i == 1 and number % 2 == 1
                town.today = play.now.isoformat()
                if not lists[i]:
                    lists[i] = List(town, f'{first:%Y-%m}')
                getattr(lists[i], part)(town, ways[i])
                Client.impatient = False
        for town, one in zip([quiet, killed], lists):
            lines = books.each_line_once(self.house, one.id)
            books.vouchers(town, [line_of(town, line) for line in one.lines])
        self.house.invariants()
        self.compare(quiet, killed, name)
        walked = ways[1].told
        self.missed += ways[1].missed
        self.rows.append((f'{first:%Y-%m}', name, len(walked), self.house.deaths - died, sum(r for _, _, r in walked),
                          self.house.replays() - stored, f'{lines} lines once each, twins alike', walked))
        self.say('{} {}: {} steps, {} deaths, {} repeats, {} stored replies'.format(*self.rows[-1]))
        for step, service, death in ways[1].missed:
            self.say(f'  {step}: {service} did not cross {death}')

    def from_outside(self):
        """Another process at each step, killed by the operator while the request is on its way."""
        victims = ['disbursement', 'contributions', 'claims', 'gateway', 'broker-1', 'broker-2', 'audit', 'coding']

        def kills(_):
            victim = victims[0]
            victims.append(victims.pop(0))
            threading.Timer(0.01, self.house.kill, [victim]).start()
        return kills

    def compare(self, quiet, killed, name):
        """Some consumers are nobody's to wait for, so the twins have ten seconds to become alike."""
        until = time.monotonic() + 10
        while True:
            differ = books.alike(books.figures(self.house, quiet), books.figures(self.house, killed))
            if not differ or time.monotonic() > until:
                break
            time.sleep(0.3)
        if differ:
            raise Fault(f'after "{name}" the towns differ:\n  ' + '\n  '.join(differ))

    def table(self, quiet, evidence):
        out = [f'{"list":8} {"fault point":20} {"steps":>5} {"deaths":>6} {"asked again":>11} {"stored reply":>12}  result']
        out += [f'{month:8} {name:20} {steps:5} {deaths:6} {repeats:11} {stored:12}  {result}'
                for month, name, steps, deaths, repeats, stored, result, _ in self.rows]
        died = {}
        for *_, walked in self.rows:
            for _, armed, _ in walked:
                for service, death in armed:
                    point, _, within = death.partition('@')
                    where = died.setdefault(point, {}).setdefault(service, {})
                    where[within] = where.get(within, 0) + 1
        out += ['', 'who died where, within what, how often:']
        for point, services in sorted(died.items()):
            for service, where in sorted(services.items()):
                out.append(f'  {point:15} {service:14} ' + ', '.join(f'{w or "any"} {n}' for w, n in sorted(where.items())))
        paid = [c for c in quiet.claims if c.state == 'PAID']
        repeats = sum(row[4] for row in self.rows)
        out += ['', f'{len(self.rows)} lists, {self.house.deaths} deaths, {repeats} requests asked again; in each town '
                f'{len(paid)} claims paid {sum(c.paid for c in paid) / 100:,.2f} yuan in '
                f'{len({c.paid for c in paid})} different amounts, {quiet.carried / 100:,.2f} carried over; '
                f'{len(quiet.pages)} pages published alike; {self.checked} invariants hold, nothing is parked; '
                f'evidence {evidence[-1] if evidence else "verified"}; {time.monotonic() - self.begun:.0f} s']
        print('\n'.join(out), flush=True)
        if self.missed:
            raise Fault(f'{len(self.missed)} points were armed and not crossed: {self.missed}')


def has_faults(binaries):
    """Whether the build has fault points at all."""
    with open(os.path.join(binaries, 'huzhu-disbursement'), 'rb') as file:
        return b'HUZHU_CRASH_FOLDER' in file.read()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--bin', required=True)
    parser.add_argument('--source', default=SOURCE)
    parser.add_argument('--short', action='store_true')
    parser.add_argument('--seed', default='7')
    options = parser.parse_args()
    if not has_faults(options.bin):
        print('skipped: this build has no fault points (preset dev has)')
        return UNFIT
    test = Test(options)
    done = False
    try:
        test.run()
        done = True
    except (Fault, Unexpected, api.Refusal, OSError, http.client.HTTPException, json.JSONDecodeError) as error:
        print(f'FAILED: {error}', file=sys.stderr)
    finally:
        test.house.stop(keep=bool(os.environ.get('HUZHU_TEST_KEEP')) or not done and sys.stderr.isatty())
    return 0 if done else 1


if __name__ == '__main__':
    sys.exit(main())
