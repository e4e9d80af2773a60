"""stays.py - the stays of the year: filed, judged, coded, reviewed, priced, listed, approved, sent to the bank, answered."""
import csv
import datetime
import gzip
import io
import os
import random
import time

from api import Unexpected, file_of, mint, wait_for
from people import PLACE, card_number, jpeg, png
from town import fen, of_fen

HOSPITALS = [('县人民医院', '2'), ('市第一人民医院', '3'), ('县中医院', '2'), ('镇中心卫生院', '1')]
LIMITS = {'yongtai_2020': {'RESIDENT': 4000, 'EMPLOYEE': 4000, 'NONE': 7000}}
LIMITS_OWN = {'RESIDENT': 4000, 'EMPLOYEE': 6000, 'NONE': 8000}
PUBLISHED = 30  # OpenDRG's own sample
CLAIMS_A_HEAD = 0.0165
CLAIMS_LEAST = 24  # of a town, however small: every month has some


class Case:
    """What a coder reads out of the papers of one stay; of the published cases, or of our own."""

    def __init__(self, row):
        self.sex = {'1': 'MALE', '2': 'FEMALE'}.get(row['gender'])
        self.age = int(row['age'] or 0)
        self.los = min(max(int(row.get('los_days') or row.get('inHospitalTime') or 7), 1), 45)
        self.department = row.get('dept', '')
        self.leaving = row.get('leaving_type') or row.get('leavingType') or '1'
        self.diagnoses = unique((row.get('dx') or row.get('ICD10_DRGS') or '').split('|'))
        self.procedures = unique((row.get('proc') or row.get('ICD9_DRGS') or '').split('|'))

    @property
    def injury(self):
        return any(d[:1] in 'ST' for d in self.diagnoses)

    def coded(self):
        body = dict(codeSet='INSURANCE', diagnoses=self.diagnoses, procedures=self.procedures, leaving=self.leaving,
                    department=self.department)
        if self.injury:
            body['cause'] = 'OWN_ACCIDENT'
        return body


def unique(codes):
    return list(dict.fromkeys(c for c in codes if c))


class Claim:
    """One stay of the play: whose, when, what it cost, and what became of it."""

    def __init__(self, town, case, person, month):
        self.town, self.case, self.person, self.month = town, case, person, month
        self.id = mint()
        self.state = 'NEW'
        self.papers = {}
        self.card = card_number(town.rng)
        self.card_again = ''
        self.uploads = []


# --- the cases ---

def read_cases(source, seed, count):
    """OpenDRG's 30 stays first, then as many of the published synthetic ones; our own examples without them."""
    folder = os.path.join(source, '..', 'shared', 'drg', 'cases')
    chosen = []
    if not os.path.isdir(folder):
        with open(os.path.join(source, 'services/coding/scheme/starter/examples/stays.csv'), encoding='utf-8') as file:
            own = [Case(r) for r in csv.DictReader(file) if not r.get('age_days')]
        return [own[i % len(own)] for i in range(count)]
    with open(os.path.join(folder, 'opendrg-input.csv'), encoding='utf-8-sig') as file:
        chosen += [Case(r) for r in csv.DictReader(file)]
    with gzip.open(os.path.join(folder, 'chs_drg_11.csv.gz'), 'rb') as file:
        rows = csv.DictReader(io.TextIOWrapper(file, encoding='utf-8'))
        some = [r for r, _ in zip((r for r in rows if r['status'] == 'ok' and not r['note'] and int(r['age'] or 0) >= 1),
                                  range(4000))]
    rng = random.Random(f'{seed}/cases')
    chosen += [Case(r) for r in rng.sample(some, min(len(some), max(count * 2 - len(chosen), 60)))]
    return chosen


def prepare(play, towns):
    """Gives every stay a member of its sex and nearly its age, and a month; what the scheme cannot group is left out."""
    total = sum(max(CLAIMS_LEAST, round(len(t.register.people) * CLAIMS_A_HEAD)) for t in towns)
    cases = read_cases(play.options.source, play.options.seed, total)
    play.cases_tried = play.cases_left = 0
    for town in towns:
        # The starter scheme's own cases serve as often as is needed; published ones once.
        town.cases = cases[towns.index(town)::len(towns)]
        town.quota = max(CLAIMS_LEAST, round(len(town.register.people) * CLAIMS_A_HEAD))
    play.each(assign, towns)


def assign(play, town):
    rng, used = town.rng, set()
    members = sorted(town.members, key=lambda p: p.number)
    officer = town.officer
    for coder in (town.bianma, town.bianma2):
        officer.post('/api/v1/coderCertificates', accountId=coder.account, number=f'BM-{coder.login[:7]}',
                     validFrom='2023-01-01', validUntil='2026-12-31')
    town.claims, town.ungrouped = [], 0
    for case in town.cases:
        if len(town.claims) == town.quota:
            break
        fitting = [p for p in members if p.sex == case.sex and p.id not in used]
        if not fitting:
            continue
        person = min(fitting, key=lambda p: (abs(p.age(datetime.date(2024, 12, 1)) - case.age), p.number))
        stay = dict(sex=case.sex, age=str(person.age(datetime.date(2024, 12, 1))), los=str(case.los),
                    diagnoses=case.diagnoses, procedures=case.procedures, leaving=case.leaving)
        grouping = town.bianma.post('/api/v1/stays:group', year=2024, stay=stay)['grouping']
        if grouping['status'] != 'ok':
            town.ungrouped += 1
            continue
        used.add(person.id)
        town.claims.append(Claim(town, case, person, len(town.claims) % 12))
    rng.shuffle(town.claims)
    for i, claim in enumerate(town.claims):
        claim.month = i % 12
    town.by_claim = {c.id: c for c in town.claims}
    # One of the members files for itself.
    adult = next(c.person for c in town.claims if c.month > 0 and c.person.age(datetime.date(2024, 8, 1)) >= 18)
    town.staff['cunmin'] = town.employ('cunmin', adult.name, 'MEMBER', '参加人', person=adult.id)
    town.cunmin_person = adult


# --- filing ---

def stay_of(town, claim, month_first):
    """Days within the year and over by the 20th, and costs above the person's threshold."""
    rng, person = town.rng, claim.person
    start = datetime.date(2024, 8, 1)
    discharged = month_first + datetime.timedelta(days=rng.randrange(5, 18))
    admitted = max(discharged - datetime.timedelta(days=claim.case.los), start)
    limit = LIMITS.get(town.spec['template'], LIMITS_OWN)[person.insurance]
    own = round(limit * rng.uniform(1.0, 3.5) * 100)
    if claim is town.claims[0]:
        own = limit * 100  # the boundary itself: at least means at least (003-9)
    total = own if person.insurance == 'NONE' else round(own * rng.uniform(2.1, 3.4))
    hospital, level = rng.choice(HOSPITALS)
    body = dict(admitted=admitted.isoformat(), discharged=discharged.isoformat(), hospital=hospital, hospitalLevel=level,
                insurance=person.insurance, totalCost={'fen': str(total)}, ownPayment={'fen': str(own)}, purpose='TREATMENT')
    if person.insurance != 'NONE':
        body['basicPaid'] = {'fen': str((total - own) * 9 // 10)}
    if claim.case.injury:
        body.update(injury=True, cause='OWN_ACCIDENT', causeText='在家中不慎跌倒')
    return body


def payee_of(claim):
    person, card = claim.person, claim.card
    body = dict(holder=person.name, card=card, bank='江南农村商业银行', relation='SELF')
    if person.age(datetime.date(2024, 8, 1)) < 16 and person.household.head is not person:
        body.update(holder=person.household.head.name, relation='GUARDIAN')
    return body


def kinds_of(claim, stay):
    kinds = ['DISCHARGE_RECORD', 'COST_LIST'] + ([] if stay['insurance'] == 'NONE' else ['SETTLEMENT'])
    return kinds + (['CAUSE_STATEMENT'] if stay.get('cause') else [])


def file_one(town, who, claim, stay, submit=True):
    """A draft, its papers, its sending: the claim as the platform now has it."""
    path = f'/api/v1/claims/{claim.id}'
    who.put(path, personId=claim.person.id, stay=stay, payee=payee_of(claim))
    claim.filer, claim.stay = who, stay
    for kind in kinds_of(claim, stay):
        data, form = (jpeg(town.rng), 'image/jpeg') if kind == 'DISCHARGE_RECORD' else (png(town.rng), 'image/png')
        upload = town.paper(who, data, form)
        claim.papers[kind] = upload
        who.post(path + '/papers', uploadId=upload, kind=kind)
    if not submit:
        return None
    said = who.post(path + ':submit')['claim']
    claim.state, claim.number = said['state'], said.get('number')
    return said


def clerk_of(person):
    return person.household.village.clerk


def file_claims(play, town, month):
    first = datetime.date(play.now.year, play.now.month, 1)
    for claim in [c for c in town.claims if c.month == month]:
        who = town.cunmin if claim.person is town.cunmin_person else clerk_of(claim.person)
        stay = stay_of(town, claim, first)
        if month == 0 and claim is town.claims[0]:
            # Papers missing: it stays a draft, and nothing is refused for it (7.2.2).
            path = f'/api/v1/claims/{claim.id}'
            who.put(path, personId=claim.person.id, stay=stay, payee=payee_of(claim))
            who.refused('claim.papers_missing', 'POST', path + ':submit', {})
        said = file_one(town, who, claim, stay)
        if said['state'] != 'ACCEPTED':
            raise Unexpected(f'{town.name}: a good claim was {said["state"]}: {said.get("words")} {said.get("reason")}')
    if month == 1:
        refuse_some(play, town, first)
    if month == 2:
        privacy(town)


def refuse_some(play, town, first):
    """What the rules refuse, each by its own reason and requirement."""
    rng = town.rng
    taken = {c.person.id for c in town.claims}
    free = iter([p for p in town.members if p.id not in taken and p.age(first) >= 18])
    base = next(c for c in town.claims if c.month == 0)

    def attempt(reason, requirement, person, **changes):
        claim = Claim(town, base.case, person, 1)
        stay = stay_of(town, claim, first)
        for name, value in changes.items():
            if value is None:
                stay.pop(name, None)
            else:
                stay[name] = value
        said = file_one(town, clerk_of(person), claim, stay)
        if (said['state'], said.get('reason'), said.get('requirement')) != ('REFUSED', reason, requirement):
            raise Unexpected(f'{town.name}: not refused for {reason}: {said}')
        claim.refusal = said['words']
        town.refusals.append(claim)

    residents = [p for p in free if p.insurance == 'RESIDENT']
    limit = LIMITS.get(town.spec['template'], LIMITS_OWN)['RESIDENT'] * 100
    attempt('claim.own_payment', '003-9', residents[0], ownPayment={'fen': str(limit - 1)})  # 3,999.99 of 4,000.00
    attempt('claim.outside_year', '003-8', residents[1], admitted='2024-07-30', discharged='2024-08-09')
    attempt('claim.outpatient', '0-3.1', residents[2], outpatient=True)
    outsider = next(p for p in town.register.people if not p.in_force and p.insurance == 'RESIDENT' and p.age(first) >= 18)
    attempt('claim.not_member', '7.2.1a', outsider)
    again = base.stay
    attempt('claim.duplicate', '003-9', base.person, **again)
    if town.spec['template'] == 'yongtai_2020':
        attempt('claim.excluded', '003-14', residents[3], purpose='COSMETIC')
        without = [p for p in town.members if p.insurance == 'NONE' and p.id not in taken and p.age(first) >= 18]
        if without:
            attempt('claim.total_cost', '003-10', without[0], totalCost=fen(6999.99), ownPayment=fen(6999.99))


def privacy(town):
    """A picture's place is gone, and another village's clerk sees neither the claim nor its papers (6.2.2 c)."""
    import base64
    claim = town.claims[0]
    picture = claim.filer.get(f'/api/v1/uploads/{claim.papers["DISCHARGE_RECORD"]}')
    data = base64.b64decode(picture['data'])
    if PLACE in data or b'Exif' in data or picture['upload'].get('orientation') != 6:
        raise Unexpected('EXIF is still in a stored picture')
    other = next((v.clerk for v in town.villages if v is not claim.person.household.village), None)
    if other:
        other.refused('claim.none', 'GET', f'/api/v1/claims/{claim.id}')


# --- coding ---

def code_claims(play, town, month):
    waiting = [c for c in town.claims if c.state == 'ACCEPTED']
    special = {}
    if month == 3 and len(waiting) > 1:
        special[waiting[0].id] = 'papers'
    returned = waiting[1] if month == 4 and len(waiting) > 1 else None
    coders = [town.bianma, town.bianma2]
    code_all(town, waiting, coders, special)
    for claim_id in special:
        answer_papers(town, town.by_claim[claim_id])
    if special:
        code_all(town, [town.by_claim[i] for i in special], coders, {})
    review_all(town, waiting, returned)
    for claim in waiting:
        wait_for(lambda: town.officer.get(f'/api/v1/claims/{claim.id}')['claim']['state'] == 'DECIDED',
                 f'claims knows the price of {claim.number}')
        claim.state = 'DECIDED'


def take(who, town, path, what):
    return wait_for(lambda: (lambda r: r if r.get('job') else None)(who.post(path, programmeId=town.programme)), what)


def code_all(town, claims, coders, special):
    """Whoever is free takes the job whose due day comes first; nobody picks."""
    for i in range(len(claims)):
        coder = coders[i % len(coders)]
        taken = take(coder, town, '/api/v1/codingJobs:take', 'a stay waits for its coder')
        claim = town.by_claim[taken['job']['claimId']]
        path = f'/api/v1/codingJobs/{claim.id}'
        if special.get(claim.id) == 'papers':
            coder.post(path + ':askPapers', kinds=['COST_LIST'], note='费用清单第二页看不清，请重新拍照')
            continue
        claim.coder = coder
        coder.post(path + ':submit', codingId=mint(), coded=claim.case.coded())


def answer_papers(town, claim):
    path = f'/api/v1/claims/{claim.id}'
    wait_for(lambda: claim.filer.get(path)['claim']['state'] == 'PAPERS_REQUESTED', 'claims knows that papers are asked for')
    claim.filer.post(path + ':addPapers', papers=[dict(uploadId=town.paper(claim.filer), kind='COST_LIST')])


def review_all(town, claims, returned):
    left = len(claims) + (1 if returned else 0)
    while left:
        work = take(town.fuhe, town, '/api/v1/codingJobs:takeReview', 'a coding waits for its review')
        claim = town.by_claim[work['job']['claimId']]
        path = f'/api/v1/codingJobs/{claim.id}'
        left -= 1
        if claim is returned:
            returned = None
            town.fuhe.post(path + ':return', codingId=work['codingId'], reason='次要诊断漏填，请核对病案')
            code_all(town, [claim], [town.bianma], {})
            continue
        said = town.fuhe.post(path + ':approve', codingId=work['codingId'])
        claim.payable, claim.due = of_fen(said['price']['payable']), of_fen(said['price']['due'])
        claim.drg = said['price']['drg']


# --- money out ---

def list_and_send(play, town, month, name):
    decided = [c for c in town.claims if c.state == 'DECIDED']
    town.batch = None
    if not decided:
        return
    officer, approver, payer = town.officer, town.shenpi, town.fafang
    listed = wait_for(lambda: officer.get(f'/api/v1/payoutLists?programmeId={town.programme}&month={name}').get('lists'),
                      f'{town.name}: the duty of the 1st made the list of {name}')[0]
    path = f'/api/v1/payoutLists/{listed["listId"]}'
    lines = list(officer.pages(path + '/lines', 'lines'))
    for line in lines:
        basis = officer.get(f'/api/v1/claims/{line["claimId"]}/basis')['basis']  # 7.2.4 b
        if basis['grouping']['drg'] != town.by_claim[line['claimId']].drg:
            raise Unexpected(f'{town.name}: the basis of {line["claimNumber"]} is another group')
    back = lines[0] if month == 5 and len(lines) > 1 else None
    passed = [line for line in lines if line is not back]
    if back:
        officer.post(f'/api/v1/payoutLines/{back["lineId"]}:return', reason='basis.code')
        code_again(town, town.by_claim[back['claimId']])
    for at in range(0, len(passed), 500):
        officer.post(path + ':approveLines', lineIds=[line['lineId'] for line in passed[at:at + 500]])
    officer.post(path + ':submit')
    if month == 0:
        officer.refused('call.role', 'POST', path + ':approve', {})
    approver.post(path + ':approve')
    wait_for(lambda: officer.get(path)['list']['state'] == 'RESERVED', f'{town.name}: the money of {name} is set aside')
    send(town, [line['lineId'] for line in passed])


def code_again(town, claim):
    """A returned line: coded anew by another coder, and in the next month's list."""
    other = town.bianma2 if claim.coder is town.bianma else town.bianma
    code_all(town, [claim], [other], {})
    review_all(town, [claim], None)
    claim.state = 'DECIDED'


def send(town, line_ids, kind='PAYOUTS'):
    payer = town.fafang
    body = dict(batchId=mint(), programmeId=town.programme, kind=kind, lineIds=line_ids, layout=town.spec['layout'])
    if len(line_ids) > 1 and not getattr(town, 'doubled', None):
        town.doubled = payer.refused('batch.duplicate', 'POST', '/api/v1/bankBatches',
                                     dict(body, batchId=mint(), lineIds=line_ids + line_ids[:1]))
    town.batch = payer.post('/api/v1/bankBatches', **body)['batch']
    path = f'/api/v1/bankBatches/{town.batch["batchId"]}'
    payer.post(path + ':send')
    town.bank_file = file_of(payer.get(path + '/file'))
    payer.get(path + '/signature')


def items_of(town):
    return list(town.fafang.pages(f'/api/v1/bankBatches/{town.batch["batchId"]}/items', 'items'))


def bank_file(town, rows, on):
    """The bank's answer in the batch's layout; rows: (item, status, reason)."""
    out, sums = [], 0
    for item, status, reason in rows:
        amount = of_fen(item['amount'])
        receipt = f'{town.code.upper()}{item["reference"]}' if status == 'S' else ''
        sums += amount
        if town.spec['layout'] == 'generic':
            words = {'S': '成功', 'F': '失败', 'U': '处理中'}[status]
            out.append(f'{item["reference"]},{amount / 100:.2f},{words},{receipt},{on},{reason}')
        else:
            out.append('|'.join([str(item['sequence']), '', '', '', str(amount), status, reason, receipt,
                                 on.replace('-', ''), item['reference']]))
    if town.spec['layout'] == 'generic':
        return ('\r\n'.join(['流水号,金额,状态,回单号,日期,原因'] + out) + '\r\n').encode()
    return ('\r\n'.join([f'{len(rows)}|{sums}'] + out) + '\r\n').encode('gb18030')


def import_result(town, data, verdict):
    import base64
    said = town.fafang.post(f'/api/v1/bankBatches/{town.batch["batchId"]}/results', data=base64.b64encode(data).decode())
    if said['verdict'] != verdict:
        raise Unexpected(f'{town.name}: the bank\'s answer is {said["verdict"]}, not {verdict}: {said}')
    return said


def bank_answers(play, town, month):
    """Most arrive; some months one fails and one is not known yet; the same file twice changes nothing (9.2.2 b)."""
    if not town.batch:
        return
    items = items_of(town)
    fails = {items[0]['lineId']} if month in (1, 6) else set()
    unknown = {items[-1]['lineId']} if month == 7 and len(items) > 1 else set()
    on = play.now.isoformat()
    rows = [(i, 'F', '账户已销户') if i['lineId'] in fails else (i, 'U', '') if i['lineId'] in unknown else (i, 'S', '')
            for i in items]
    data = bank_file(town, rows, on)
    import_result(town, data, 'APPLIED')
    import_result(town, data, 'SEEN_BEFORE')
    town.open_items = fails | unknown
    town.failed, town.unknown = fails, unknown
    settle(town, [i['lineId'] for i in items if i['lineId'] not in town.open_items])


def settle(town, line_ids):
    for line_id in line_ids:
        line = town.fafang.get(f'/api/v1/payoutLines/{line_id}')['line']
        if line['state'] != 'PAID':
            raise Unexpected(f'{town.name}: a paid line is {line["state"]}')
        claim = town.by_claim[line['claimId']]
        claim.paid, claim.line = of_fen(line['amount']), line_id
        claim.state = 'PAID'
        if claim.paid != claim.payable:
            raise Unexpected(f'{town.name}: {claim.number} was priced {claim.payable} and paid {claim.paid} fen')


def second_attempts(play, town, month):
    """A failed line goes to another card, once more; a line the bank did not know is answered by a later file."""
    if not town.batch:
        return
    if town.unknown:
        items = items_of(town)
        import_result(town, bank_file(town, [(i, 'S', '') for i in items], play.now.isoformat()), 'APPLIED')
        settle(town, town.unknown)
    if town.failed:
        line_id = next(iter(town.failed))
        line = town.fafang.get(f'/api/v1/payoutLines/{line_id}')['line']
        claim = town.by_claim[line['claimId']]
        wait_for(lambda: claim.filer.get(f'/api/v1/claims/{claim.id}')['claim']['state'] == 'PAYMENT_FAILED',
                 'claims knows that the payment failed')
        claim.card = card_number(town.rng)
        claim.filer.post(f'/api/v1/claims/{claim.id}:changePayee', payee=payee_of(claim))
        wait_for(lambda: town.fafang.get(f'/api/v1/payoutLines/{line_id}')['line'].get('payeeChanged'),
                 'disbursement knows the new card')
        town.fafang.post(f'/api/v1/payoutLines/{line_id}:reissue')
        send(town, [line_id])
        import_result(town, bank_file(town, [(i, 'S', '') for i in items_of(town)], play.now.isoformat()), 'APPLIED')
        settle(town, [line_id])
