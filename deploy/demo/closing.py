"""closing.py - the ends of a year: a fund wound up to zero, a complaint, settling, carry-over, publication, the report."""
import json
import os

import enrol
import stays
from api import Unexpected, file_of, mint, wait_for
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
    """A member complains about the time it took; the owner accepts and answers within its days (10.1)."""
    if not disclosure_is_there(play):
        return
    owner = town.officer
    filed = wait_for(lambda: town.cunmin.post('/api/v1/complaints', complaintId=mint(), category='DELAY',
                                              text='补助金到账比邻居晚了几天，请说明原因'), 'a complaint is taken')
    path = f'/api/v1/complaints/{filed["complaintId"]}'
    owner.post(path + ':accept')
    owner.post(path + ':answer', outcome='NOT_UPHELD', answer='两人的申请不在同一个月，均在承诺期限内发放')
    said = owner.get(path)['complaint']
    if said['state'] != 'ANSWERED' or not said.get('replyBy'):
        raise Unexpected(f'{town.name}: the complaint is not answered: {said}')
    town.complaint = filed['number']


def published(play, town, kind, period, village=None):
    """Prepared by one, approved by another; then anybody reads it without signing in."""
    page = mint()
    body = dict(publicationId=page, programmeId=town.programme, kind=kind, period=period)
    if village:
        body['villageId'] = village.id
    town.officer.post('/api/v1/publications', **body)
    town.shenpi.post(f'/api/v1/publications/{page}:approve')
    shown = play.nobody.get(f'/p/{town.code}/publications/{page}')
    text = file_of(shown).decode()
    for person in town.register.people:
        if person.number in text or (person.phone and person.phone in text):
            raise Unexpected(f'{town.name}: the public page {kind} shows a number of {person.relation}')
    for claim in town.claims:
        if claim.card in text:
            raise Unexpected(f'{town.name}: the public page {kind} shows a card')
    town.pages.append((kind, f'/p/{town.code}/publications/{page}'))
    return page


def publish(play, town):
    """7.2.1 e, 6.2.2 e, 7.2.5, 002-8: four kinds of page, a line proved to anybody, the annual report signed by another."""
    town.pages = []
    if not disclosure_is_there(play):
        return
    published(play, town, 'SUBSIDY_TABLE', '')
    for village in town.villages:
        published(play, town, 'CONTRIBUTIONS', '2024', village)
    page = published(play, town, 'PAYOUTS', '2024')
    published(play, town, 'FUND_STATEMENT', '2024')
    proof = play.nobody.get(f'/p/{town.code}/publications/{page}/lines/1/proof')
    if not proof.get('root'):
        raise Unexpected(f'{town.name}: a line of the published page has no proof')
    report = mint()
    town.officer.post('/api/v1/reports', reportId=report, programmeId=town.programme)
    town.shenpi.post(f'/api/v1/reports/{report}:sign')
    town.report = town.officer.get(f'/api/v1/reports/{report}')['report']
    town.report_files = {form: file_of(town.officer.get(f'/api/v1/reports/{report}/file?format={form}'))
                         for form in ('html', 'xlsx')}


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
