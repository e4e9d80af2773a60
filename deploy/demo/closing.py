"""closing.py - the ends of a year: a fund wound up to zero, a complaint, settling, carry-over, publication, the report."""
import base64
import hashlib
import json
import os

import enrol
import stays
from api import Refusal, Unexpected, file_of, mint, wait_for
from town import fen, of_fen

# --- a fund that too few join (7.3.1) ---

def wind_up(play, town):
    """The people were warned of, the gate is shut; another person than the preparer stops it, and every yuan goes back."""
    figures = town.participation['figures']
    if not figures.get('peopleWarned'):
        raise Unexpected(f'{town.name}: {figures["people"]} is not warned of')
    before = of_fen(town.officer.get(town.path('/trialBalance'))['trialBalance']['balance'])
    reason = dict(why='参加率低于20%，经村民代表会议同意终止', uploadId=town.paper(town.officer))
    town.officer.refused('call.role', 'POST', town.path(':stop'), reason)
    said = town.shenpi.post(town.path(':stop'), **reason)
    if of_fen(said['total']) != before:
        raise Unexpected(f'{town.name}: {said["total"]} goes back of {before} fen')
    count = said['refunds']
    listed = wait_for(lambda: (lambda r: r if len(r) == count else None)(list(
        town.officer.pages(f'/api/v1/refunds?programmeId={town.programme}', 'refunds'))), 'disbursement knows the refunds')
    cash = [r for r in listed if r.get('route') == 'CASH']
    bank = [r for r in listed if r.get('route') == 'BANK']
    clerk = town.villages[0].clerk
    for some in enrol.parts(cash):
        sheet = town.paper(clerk)
        clerk.post('/api/v1/refunds:confirmCash', receipts=[dict(refundId=r['lineId'], uploadId=sheet) for r in some])
    for i, refund in enumerate(r for r in listed if r.get('route') == 'SOURCE'):
        town.officer.post(f'/api/v1/refunds/{refund["lineId"]}:confirm', bankReceipt=f'TK{i + 1:06d}',
                          paidOn=play.now.isoformat())
    if bank:
        stays.send(town, [r['lineId'] for r in bank], kind='REFUNDS')
        items = stays.items_of(town)
        stays.import_result(town, stays.bank_file(town, [(i, 'S', '') for i in items], play.now.isoformat()), 'APPLIED')
    wait_for(lambda: town.state() == 'WOUND_UP', f'{town.name} is wound up')
    balance = town.officer.get(town.path('/trialBalance'))['trialBalance']
    if of_fen(balance.get('balance')) or of_fen(balance.get('difference')):
        raise Unexpected(f'{town.name}: not every yuan went back: {balance}')
    town.returned, town.refund_count = before, count


# --- what is shown to the village, and what the village says ---

def disclosure_is_there(play):
    """Whether this build publishes already: asked of the platform's own description of its surface."""
    if not hasattr(play, 'surface'):
        play.surface = play.platform['SYSTEM_ADMIN'].get('/api/v1/openapi.json').get('paths', {})
    return '/api/v1/publications' in play.surface


def complain(play, town):
    """A member complains about the time it took, somebody without a name about a rule; the owners answer in their days."""
    if not disclosure_is_there(play):
        return
    filed = town.cunmin.post('/api/v1/complaints', complaintId=mint(), category='DELAY',
                             text='补助金到账比邻居晚了几天，请说明原因')
    nameless = play.nobody.post(f'/p/{town.code}/complaints', complaintId=mint(), category='OTHER',
                                text='希望在村务栏同时张贴公示')
    for one, outcome, answer in ((filed, 'NOT_UPHELD', '两人的申请不在同一个月，均在承诺期限内发放'),
                                 (nameless, 'UPHELD', '自下月起在村务栏同时张贴')):
        owner = next(s for s in town.staff.values() if s.account == one['ownerId'])
        path = f'/api/v1/complaints/{one["complaintId"]}'
        owner.post(path + ':accept')
        owner.post(path + ':answer', outcome=outcome, answer=answer)
        said = owner.get(path)['complaint']
        if said['state'] != 'ANSWERED' or not said.get('replyBy') or said.get('overdue'):
            raise Unexpected(f'{town.name}: the complaint is not answered in time: {said}')
    state = file_of(play.nobody.get(f'/p/{town.code}/complaints/state?number={nameless["number"]}&code={nameless["code"]}'))
    if '自下月起' not in state.decode():
        raise Unexpected(f'{town.name}: who complained without a name cannot read the answer')


def published(play, town, kind, period='', village=None):
    """Prepared by one, approved by another; then anybody reads it without signing in, and finds nobody's numbers."""
    page = mint()
    body = dict(publicationId=page, programmeId=town.programme, kind=kind, period=period)
    if village:
        body['villageId'] = village.id
    made = town.officer.post('/api/v1/publications', **body)['publication']
    town.officer.refused('publication.own', 'POST', f'/api/v1/publications/{page}:approve', {})  # 6.2.2 a
    town.shenpi.post(f'/api/v1/publications/{page}:approve')
    text = file_of(play.nobody.get(f'/p/{town.code}/publications/{page}')).decode()
    secrets = [p.number for p in town.register.people] + [p.phone for p in town.register.people if p.phone] + \
        [c.card for c in town.claims]
    shown = [s for s in secrets if s in text]
    if shown:
        raise Unexpected(f'{town.name}: the public page {kind} {period} shows {len(shown)} numbers of people')
    town.pages.append((kind, period, f'/p/{town.code}/publications/{page}'))
    if made.get('lines'):
        prove(play, town, page)
    return page


def prove(play, town, page):
    """RFC 9162, 2.1.3.2: the line's hash and its path lead to the root that the log holds."""
    said = play.nobody.get(f'/p/{town.code}/publications/{page}/lines/1/proof')
    node = hashlib.sha256(b'\0' + said['line']['text'].encode()).digest()
    index, last = int(said.get('leafIndex', 0)), int(said['treeSize']) - 1
    for side in (base64.b64decode(p) for p in said.get('path', [])):
        if index % 2 or index == last:
            node = hashlib.sha256(b'\1' + side + node).digest()
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            node = hashlib.sha256(b'\1' + node + side).digest()
        index, last = index // 2, last // 2
    if last or base64.b64encode(node).decode() != said['root']:
        raise Unexpected(f'{town.name}: the proof of a published line does not lead to its root')


def payouts(play, town):
    """The finest period that gives nobody away: quarters, else the calendar year (7.2.5)."""
    for periods in (('2024-Q4', '2025-Q1', '2025-Q2'), ('2024',)):
        try:
            for period in periods:
                published(play, town, 'PAYOUTS', period)
            return
        except Refusal as refusal:
            if refusal.reason not in ('publication.small', 'publication.empty', 'publication.difference'):
                raise


def publish(play, town):
    """7.2.1 e, 6.2.2 e, 7.2.5, 002-8: the kinds of pages, a line of each proved; the annual report signed by another."""
    town.pages = []
    if not disclosure_is_there(play):
        return
    published(play, town, 'SUBSIDY_TABLE')
    for village in town.villages:
        published(play, town, 'CONTRIBUTIONS', '', village)
    payouts(play, town)
    published(play, town, 'FUND_STATEMENT', '2024')
    report = mint()
    town.officer.post('/api/v1/reports', reportId=report, programmeId=town.programme)
    town.officer.refused('report.own', 'POST', f'/api/v1/reports/{report}:sign', {})
    town.shenpi.post(f'/api/v1/reports/{report}:sign')
    town.report = town.officer.get(f'/api/v1/reports/{report}')['report']
    town.report_files = {form: file_of(town.officer.get(f'/api/v1/reports/{report}/file?format={form}'))
                         for form in ('html', 'xlsx')}
    published(play, town, 'ANNUAL_REPORT', '2024')
    told = list(town.cunmin.pages('/api/v1/notices', 'notices', 50))
    if not told:
        raise Unexpected(f'{town.name}: a member whose claim was paid has no notice')


def publish_disposal(play, town):
    """What became of a fund that was stopped (7.3.2)."""
    town.pages = []
    if disclosure_is_there(play):
        published(play, town, 'DISPOSAL')


# --- exported data: what recompute.py works from ---

EXPORTS = ('claims', 'ledger', 'members', 'thresholds', 'publications', 'tables')


def write(folder, name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def export(play, town):
    folder = os.path.join(play.options.data, 'demo/export', town.code)
    officer = town.officer
    write(folder, 'ledger.csv', file_of(officer.get(town.path('/ledger'))))
    payments = ['paymentId,state,route,people,fen'] + [
        f'{p["paymentId"]},{p["state"]},{p["route"]},{p.get("people", 0)},{of_fen(p["amount"])}'
        for p in officer.pages(town.path('/payments'), 'payments', 500)]
    write(folder, 'payments.csv', '\n'.join(payments) + '\n')
    # A refusal names no programme where no year takes the stay in, so that all of the township's claims are asked for.
    claims = list(officer.pages('/api/v1/claims', 'claims'))
    write(folder, 'claims.csv', '\n'.join(['number,state,payable'] + [
        f'{c.get("number", "")},{c["state"]},{of_fen(c["payable"]) if c.get("payable") else ""}' for c in claims]) + '\n')
    fund = officer.get(town.path('/fundStatement'))
    names = ('raised', 'carriedIn', 'interest', 'subsidies', 'serviceFee', 'otherCosts', 'carriedOut', 'balance')
    write(folder, 'statement.json', json.dumps(dict(
        {name: of_fen(fund.get(name)) for name in names}, people=fund.get('people', 0),
        sources={s['source']: of_fen(s.get('received')) for s in fund.get('sources', [])},
        claimsPaid=sum(1 for c in claims if c['state'] == 'PAID'),
        claimsRefused=sum(1 for c in claims if c['state'] == 'REFUSED')), indent=1))
    if getattr(town, 'report', None):
        write(folder, 'report.json', json.dumps(town.report, ensure_ascii=False, indent=1))
        for form, data in town.report_files.items():
            write(folder, f'report.{form}', data)
        for name in EXPORTS:
            write(folder, f'reportData/{name}.csv', file_of(officer.get(town.path(f'/reportData/{name}'))))


# --- the year's end (8.1) ---

def fees(play, town):
    """The service fee, by its agreement and below its ceiling (6.1.4); the bank's interest and its charge."""
    officer, on = town.officer, play.now.isoformat()
    if town.spec['programme'].get('feeMost'):
        agreement = mint()
        most = of_fen(officer.get(town.path())['programme']['feeAgreed'])
        officer.post(town.path('/agreements'), agreement=dict(
            agreementId=agreement, provider='江南健康管理服务公司', **{'from': '2024-08-01', 'until': '2025-12-31'},
            fee={'fen': str(most)}, uploadId=town.paper(officer)))
        town.fee = most * 9 // 10
        officer.post(town.path('/fees'), transferId=mint(), agreementId=agreement, amount={'fen': str(town.fee)}, on=on,
                     uploadId=town.paper(officer))
    officer.post(town.path('/interest'), transferId=mint(), amount=fen(round(town.raised * 0.002, 2)), on=on)
    officer.post(town.path('/bankFees'), transferId=mint(), amount=fen(35.5), on=on, use='BANK_FEE')


def close_year(play, town):
    officer, approver = town.officer, town.shenpi
    fees(play, town)
    officer.post(town.path(':settle'))
    wait_for(lambda: of_fen(officer.get(town.path('/trialBalance'))['trialBalance'].get('balance')) ==
             of_fen(officer.get(town.path('/trialBalance'))['trialBalance'].get('available')), 'nothing is set aside any more')
    town.fund = officer.get(town.path('/fundStatement'))
    said = approver.post(town.path(':closeYear'), nextProgrammeId=town.next_programme)
    town.carried = of_fen(said['carriedOver'])
    after = of_fen(officer.get(f'/api/v1/programmes/{town.next_programme}/trialBalance')['trialBalance'].get('balance'))
    if after != town.carried or of_fen(said['trialBalance'].get('balance')):
        raise Unexpected(f'{town.name}: {town.carried} fen were carried over, {after} arrived')


def next_programme(play, town):
    town.next_programme = enrol.next_year(play, town)
