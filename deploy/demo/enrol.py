"""enrol.py - who joins and who pays: registers, programmes, resolutions, enrolment, payments, the fund's sources."""
import base64
import datetime

from api import Unexpected, file_of, mint, wait_for
from people import BANDS
from town import (CATEGORY_CODES, NEXT_PROTECTION, PROTECTION, SUBSIDISED, VILLAGE_FUND, fen, of_fen,
                  resolve_once_known)

ROWS = 200  # of one request


def parts(rows, size=ROWS):
    for at in range(0, len(rows), size):
        yield rows[at:at + size]


# --- the register ---

def import_register(play, town):
    officer, approver = town.officer, town.shenpi
    at, path = mint(), '/api/v1/registerImports/'
    officer.upload(path + at, town.register.csv(), 'text/csv')
    officer.post(f'{path}{at}:check')
    checked = wait_for(lambda: (lambda r: r if r['state'] == 'CHECKED' else None)(
        officer.get(path + at)['registerImport']), 'the register list is checked', 120)
    if checked.get('faults', 0):
        raise Unexpected(f'{town.name}: {officer.get(path + at + "/faults")}')
    officer.refused('register_import.self', 'POST', f'{path}{at}:approve', {})  # who sends a list does not decide on it
    approver.post(f'{path}{at}:approve')
    wait_for(lambda: officer.get(path + at)['registerImport']['state'] == 'APPLIED', 'the register holds the list', 120)
    learn_ids(town)


def learn_ids(town):
    """What the register calls households and persons; the officer sees names in clear, and the log keeps that."""
    homes = {(h.village.id, h.number): h for h in town.register.households}
    for view in town.officer.pages('/api/v1/households', 'households', 500):
        home = homes[(view['household']['villageId'], view['number'])]
        home.id = view['household']['householdId']
        for seen in view['people']:
            next(p for p in home.people if p.id is None and (p.name, p.birth.isoformat()) == (seen['name'], seen['birth'])
                 ).id = seen['personId']
    lost = sum(1 for p in town.register.people if p.id is None)
    if lost:
        raise Unexpected(f'{town.name}: the register does not show {lost} of its people')


# --- programmes ---

def programme_body(town, protection, year):
    body = dict(town.spec['programme'], name=town.spec['title'], responsibleAccountId=town.officer.account,
                custodianAccount=f'{town.name}医疗互助资金专户', year=year, startsOn=protection[0], endsOn=protection[1])
    if town.spec['template'] == 'yishan_2024':
        body.update(windowReason='实施方案：7月交费，8月1日启动补助',
                    windowFrom=f'{year}-06-30T16:00:00Z', windowUntil=f'{year}-07-31T15:59:59Z')
    if town.spec['template'] == 'yongtai_2020':
        body['subsidised'] = [dict(category=c, source='COUNTY_FINANCE', perHead=fen(40), asOf=f'{year}-06-30')
                              for c in SUBSIDISED]
    if body.get('feeMost'):
        body['feeAgreed'] = fen(people_expected(town) * standard(town) * body['feeMost'] / 10000)
    if town.spec is VILLAGE_FUND:
        body['villageId'] = town.villages[0].id
    if getattr(town, 'scheme', None):
        body['schemeChecksum'] = town.scheme['checksum']
    return body


def standard(town):
    return {'yishan_2024': 50, 'yongtai_2020': 45, 'nantong_2023': 80}.get(town.spec['template'], 60)


def people_expected(town):
    return round(len(town.register.people) * town.spec['joins'])


def make_programme(play, town, protection=PROTECTION, year=2024, prior=None):
    officer, approver = town.officer, town.shenpi
    programme = mint()
    body = programme_body(town, protection, year)
    if prior:
        body['priorProgrammeId'] = prior
    else:
        town.programme = programme
    path = f'/api/v1/programmes/{programme}'
    resolve_once_known(lambda: officer.post('/api/v1/programmes', programmeId=programme, template=town.spec['template'],
                                            programme=body), {'village.none'}, 'contributions knows the village')
    if town.code == 'nantong' and not prior:
        eight_two_b(officer, path)
    check = officer.get(path + '/findings')
    errors = [f for f in check.get('findings', []) if f['severity'] == 'ERROR']
    if errors:
        raise Unexpected(f'{town.name}: the programme is not sound: {errors}')
    officer.post(path + ':submit')
    if town.spec is VILLAGE_FUND:
        return programme  # its village decides before it is approved
    approver.post(path + ':approve')
    return programme


def eight_two_b(officer, path):
    """8.2 b, both sides of the boundary: 39 of 80 yuan is refused and lacks 1 yuan, 40 of 80 passes."""
    programme = officer.get(path)['programme']
    kept = programme['shares']
    programme['shares'] = [dict(source='PERSONAL', perHead=fen(39)), dict(source='VILLAGE', perHead=fen(41))]
    found = officer.put(path, programme=programme)['findings']
    short = [f for f in found if f['reason'] == 'programme.personal_share']
    if not short or short[0]['severity'] != 'ERROR' or of_fen(short[0]['shortfall']) != 100:
        raise Unexpected(f'8.2b: 39 of 80 yuan is not refused by one yuan: {found}')
    officer.refused('programme.personal_share', 'POST', path + ':submit', {})
    programme['shares'] = kept
    officer.put(path, programme=programme)


def resolve(play, town):
    """Representatives met: two thirds present, more than half of them for it."""
    for village in town.villages:
        clerk = village.clerk
        entitled = town.rng.randrange(31, 60)
        attended = entitled - town.rng.randrange(0, entitled // 4)
        against, abstained = town.rng.randrange(0, 3), town.rng.randrange(0, 3)
        said = clerk.post(town.path('/resolutions'), resolution=dict(
            resolutionId=mint(), villageId=village.id, meeting='REPRESENTATIVES', metOn='2024-06-12', entitled=entitled,
            attended=attended, votesFor=attended - against - abstained, against=against, abstained=abstained,
            uploadIds=[town.paper(clerk), town.paper(clerk)]))
        if not said['resolution'].get('passed'):
            raise Unexpected(f'{town.name} {village.name}: the resolution did not pass: {said}')
    if town.spec is VILLAGE_FUND:
        town.shenpi.post(town.path(':approve'))


def subsidised_lists(play, town):
    """003-6 and decisions.md: what a source prints is shown as printed, and flagged when it does not multiply."""
    if not town.spec.get('subsidised_list'):
        return
    category, place, people, per_head, printed = town.spec['subsidised_list']
    said = town.officer.post(town.path('/subsidisedLists'), list=dict(
        subsidisedListId=mint(), category=category, place=place, source='COUNTY_FINANCE', people=people,
        perHead=fen(per_head), printed=fen(printed), asOf='2024-06-30', uploadId=town.paper(town.officer)))['list']
    if not said.get('flagged') or of_fen(said['difference']) != 108000:
        raise Unexpected(f'974 x 40 is not flagged by 1,080 yuan: {said}')


# --- enrolment ---

def joins(town, home):
    """The persons of a household who take part, or nobody."""
    kept_out = town.spec.get('kept_out', set())
    return [p for p in home.people if CATEGORY_CODES.get(p.category) not in kept_out]


def some_of(town, homes):
    """As many homes as the town's share of people fills: a small village must not miss or pass a gate by chance."""
    seats = int(sum(len(joins(town, h)) for h in homes) * town.spec['joins'])
    chosen = []
    for home in town.rng.sample(homes, len(homes)):
        if len(joins(town, home)) <= seats:
            chosen.append(home)
            seats -= len(joins(town, home))
    return chosen


def enrol(play, town):
    clerks = {v.id: v.clerk for v in town.villages}
    for village in town.villages:
        clerk = village.clerk
        consent = town.paper(clerk)
        homes = [h for h in town.register.households if h.village is village and joins(town, h)]
        homes = some_of(town, homes)
        for some in parts(homes):
            said = clerk.post(town.path('/enrolments:bulk'), enrolments=[dict(
                householdId=h.id, contentRead=True, familyConfirmed=True, confirmation='SIGNATURE',
                confirmationUploadId=consent,
                persons=[dict(personId=p.id, publicityConsent=town.rng.random() < 0.9) for p in joins(town, h)],
            ) for h in some])
            for home, row in zip(some, said['rows']):
                if not row.get('done'):
                    raise Unexpected(f'{town.name}: household {home.number} could not join: {row}')
                home.reference, home.due = row['reference'], of_fen(row.get('due'))
                for p in joins(town, home):
                    p.in_force = True  # once paid, which pay() sees to
    homes = [h for h in town.register.households if h.reference]
    # One household of each town keeps its money for the last second (7.2.1 c).
    town.late = next((h for h in homes if h.due and not h.pays_by_bank), None)
    # A household must have read and confirmed before it pays (7.2.1 a).
    clerk = clerks[homes[0].village.id]
    other = next((h for h in town.register.households if not h.reference and joins(town, h)), None)
    if other:
        clerks[other.village.id].refused('enrol.not_read', 'POST', town.path('/enrolments'), dict(enrolment=dict(
            householdId=other.id, persons=[dict(personId=joins(town, other)[0].id)], familyConfirmed=True,
            confirmation='SIGNATURE', confirmationUploadId=town.paper(clerks[other.village.id]))))
    return clerk


# --- payments ---

def statement(town, homes):
    rows = ['流水号,交易时间,金额,附言,付款账号,付款户名,开户行']
    for i, home in enumerate(homes):
        rows.append(f'{town.code.upper()}{i + 1:07d},2024-07-02 08:{i % 25:02d}:{i % 60:02d},{home.due / 100:.2f},'
                    f'医疗互助 {home.reference},{629999000000 + i},{home.head.name},农村商业银行')
    return '\r\n'.join(rows) + '\r\n'


def pay(play, town):
    homes = [h for h in town.register.households if h.reference and h.due]
    by_bank = [h for h in homes if h.pays_by_bank]
    for some in parts(by_bank, 3000):
        body = base64.b64encode(statement(town, some).encode()).decode()
        said = town.officer.post(town.path('/statements'), statementId=mint(), body=body)
        if said.get('taken', 0) != len(some):
            raise Unexpected(f'{town.name}: the bank statement was not taken whole: {said}')
    for village in town.villages:
        village.book = mint()
        village.clerk.post(town.path('/cashBooks'), cashBookId=village.book, villageId=village.id)
        village.cash = 0
        cash = [h for h in homes if h.village is village and not h.pays_by_bank and h is not town.late]
        for some in parts(cash):
            said = village.clerk.post(f'/api/v1/cashBooks/{village.book}/payments', payments=[dict(
                paymentId=mint(), householdId=h.id, amount=fen(h.due / 100)) for h in some])
            village.cash += of_fen(said['total'])
            town.a_payment = said['payments'][0]['paymentId']
    receipt = file_of(town.officer.get(f'/api/v1/payments/{town.a_payment}/receipt'))
    if '互助费收据' not in receipt.decode():
        raise Unexpected('the receipt is none')


def hand_in(play, town):
    """The first clerk counts ten yuan too few; another person explains it, and the rest follows."""
    for i, village in enumerate(town.villages):
        if not village.cash:
            continue
        path = f'/api/v1/cashBooks/{village.book}/handIns'
        short = 1000 if i == 0 and village.cash > 1000 else 0
        first = mint()
        village.clerk.post(path, handInId=first, counted={'fen': str(village.cash - short)},
                           uploadId=town.paper(village.clerk))
        if short:
            town.officer.post(f'/api/v1/handIns/{first}:explain', explanation='零钱次日补缴，已核对收据')
            village.clerk.post(path, handInId=mint(), counted={'fen': str(short)}, uploadId=town.paper(village.clerk))


def last_second(play, town):
    home = town.late
    if not home:
        return
    village = home.village
    village.clerk.post(f'/api/v1/cashBooks/{village.book}/payments', payments=[dict(
        paymentId=mint(), householdId=home.id, amount=fen(home.due / 100))])
    village.clerk.post(f'/api/v1/cashBooks/{village.book}/handIns', handInId=mint(), counted={'fen': str(home.due)},
                       uploadId=town.paper(village.clerk))


def too_late(play, town):
    late = next((h for h in town.register.households if not h.reference and joins(town, h)), None)
    if late:
        # Yongtai lets new members of households in force come later (003-2), but not a new household.
        reason = 'late.household' if town.spec['template'] == 'yongtai_2020' else 'window.closed'
        late.village.clerk.refused(reason, 'POST', town.path('/enrolments'), dict(enrolment=dict(
            householdId=late.id, contentRead=True, familyConfirmed=True, confirmation='SIGNATURE',
            confirmationUploadId=town.paper(late.village.clerk),
            persons=[dict(personId=p.id) for p in joins(town, late)])))


def close_window(play, town):
    """The platform closes a settled window by itself; by hand it is the same."""
    if town.state() == 'OPEN':
        resolve_once_known(lambda: town.state() == 'IN_FORCE' or town.officer.post(town.path(':closeWindow')),
                           {'programme.moved_on', 'programme.state'}, 'the window is closed')
    town.participation = town.officer.get(town.path('/participation'))
    counted = int(town.participation['figures']['people'].get('takingPart', 0))
    played = len(town.members)
    if counted != played:
        raise Unexpected(f'{town.name}: {counted} people are counted, {played} joined and paid')


def raise_funds(play, town):
    officer, today = town.officer, play.now.isoformat()
    for kind, giver, yuan in town.spec['grants']:
        said = officer.post(town.path('/grants'), fundsId=mint(), kind=kind, giver=giver, perHead=fen(yuan), on=today,
                            uploadId=town.paper(officer))['funds']
        if of_fen(said['amount']) != len(town.members) * yuan * 100:
            raise Unexpected(f'{town.name}: the grant is not {len(town.members)} x {yuan}: {said}')
    subsidised = sum(1 for p in town.members if CATEGORY_CODES.get(p.category) in SUBSIDISED)
    gifts = [(kind, giver, yuan * len(town.members) // 100 * 100 + 500) for kind, giver, yuan in town.spec['gifts']]
    if town.spec['template'] == 'yongtai_2020' and subsidised:
        gifts.append(('COUNTY_FINANCE', '永泰县民政局', subsidised * 40))
    for kind, giver, yuan in gifts:
        said = officer.post(town.path('/funds'), funds=dict(
            fundsId=mint(), kind=kind, giver=giver, amount=fen(yuan), on=today, uploadId=town.paper(officer)))['funds']
        if kind == 'DONATION' and not said.get('invoice'):
            raise Unexpected(f'{town.name}: a donation has no invoice: {said}')
    balance = officer.get(town.path('/trialBalance'))['trialBalance']
    if of_fen(balance.get('difference')) != 0:
        raise Unexpected(f'{town.name}: the books do not balance: {balance}')


def by_band(town, on):
    """Participants by age band and insurance: the people table of plan design."""
    counts = {}
    for p in town.members:
        key = (p.band(on), p.insurance)
        counts[key] = counts.get(key, 0) + 1
    order = [name for name, _, _ in BANDS]
    return sorted(counts.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))


def next_year(play, town):
    """The next year's programme, whose opening the surplus will be: the town's rules go on."""
    return make_programme(play, town, NEXT_PROTECTION, 2025, town.programme)


FIRST_DAY = datetime.date(2024, 8, 1)
