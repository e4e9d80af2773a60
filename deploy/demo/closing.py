"""closing.py - the ends of a year: a fund wound up to zero, a complaint, settling, carry-over, publication, the report."""
import base64

import enrol
import stays
from api import Unexpected, mint, wait_for
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


# --- a complaint (10.1) ---

def complain(play, town):
    return


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


def publish(play, town):
    return
