"""figures.py - what the year came to: a table per township, the books, the invariants, the evidence, where to look."""
import datetime
import glob
import os
import subprocess
import sys
import time
import unicodedata

from api import Unexpected
from town import of_fen


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in text)


def table(rows):
    """Columns as wide as their widest cell; Chinese characters are two wide."""
    sizes = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ''.join('  ' + '  '.join(
        cell + ' ' * (size - width(cell)) if i == 0 else ' ' * (size - width(cell)) + cell
        for i, (cell, size) in enumerate(zip(row, sizes))).rstrip() + '\n' for row in rows)


def yuan(fen):
    return f'{fen / 100:,.2f}'


def share(figure):
    return f'{int(figure.get("share", 0)) / 100:.2f} %'


SOURCES = {'PERSONAL': '个人', 'VILLAGE': '村集体', 'TOWN_FINANCE': '镇财政', 'COUNTY_FINANCE': '县财政', 'CITY_FINANCE': '市财政',
           'DONATION': '捐赠', 'LOCAL_NOTABLE': '乡贤', 'ENTERPRISE': '企业', 'INTEREST': '孳息', 'CARRY_OVER': '结转'}


PAGES = {'SUBSIDY_TABLE': '补助标准', 'PAYOUTS': '补助发放', 'FUND_STATEMENT': '资金收支', 'ANNUAL_REPORT': '年度报告',
         'DISPOSAL': '退款与处置'}


def of_town(town):
    """Everything from the platform's own answers; the play's memory is only compared with them."""
    officer = town.officer
    fund, figures = town.fund, town.participation['figures']
    claims = list(officer.pages(f'/api/v1/claims?programmeId={town.programme}', 'claims', 200))
    states = {}
    for claim in claims:
        states[claim['state']] = states.get(claim['state'], 0) + 1
    paid = officer.get(f'/api/v1/payoutFigures?programmeId={town.programme}')
    balance = officer.get(town.path('/trialBalance'))['trialBalance']
    if len(town.claims) != sum(1 for c in town.claims if c.state == 'PAID'):
        raise Unexpected(f'{town.name}: not every good claim was paid: {sorted({c.state for c in town.claims})}')
    played = sum(c.paid for c in town.claims)
    if played != of_fen(fund.get('subsidies')):
        raise Unexpected(f'{town.name}: {played} fen were paid, the books say {fund.get("subsidies")}')
    refused = states.get('REFUSED', 0)
    return dict(
        code=town.code, name=town.name, programme=town.programme, next=town.next_programme,
        register=len(town.register.people), register_households=len(town.register.households),
        people=int(figures['people'].get('takingPart', 0)), people_share=int(figures['people'].get('share', 0)),
        households=int(figures['households'].get('takingPart', 0)),
        households_share=int(figures['households'].get('share', 0)),
        sources={s['source']: of_fen(s.get('received')) for s in fund.get('sources', [])},
        raised=of_fen(fund.get('raised')), interest=of_fen(fund.get('interest')), subsidies=of_fen(fund.get('subsidies')),
        service_fee=of_fen(fund.get('serviceFee')), other_costs=of_fen(fund.get('otherCosts')),
        claims=len(town.claims) + len(town.refusals), paid=states.get('PAID', 0), refused=refused,
        refused_all=len(town.refusals), on_time=int(paid.get('inTimeShare', 0)), carried_over=town.carried,
        balance=of_fen(balance.get('balance')), difference=of_fen(balance.get('difference')),
        debit=of_fen(balance.get('debit')), credit=of_fen(balance.get('credit')), ungrouped=town.ungrouped,
        design=dict(payout=town.plan.get('expected_payout_fen')), groups=len({c.drg for c in town.claims}))


def rows_of(figures):
    lines = [
        ('登记册人数 in the register', lambda f: f'{f["register"]:,}'),
        ('参加人数 people', lambda f: f'{f["people"]:,}'),
        ('  占登记人口 of the register', lambda f: f'{f["people_share"] / 100:.2f} %'),
        ('参加户数 households', lambda f: f'{f["households"]:,}'),
        ('  农户参与率 of households', lambda f: f'{f["households_share"] / 100:.2f} %'),
        ('筹集（元） raised, yuan', lambda f: yuan(f['raised']))]
    sources = sorted({s for f in figures for s in f['sources'] if s not in ('INTEREST', 'CARRY_OVER')},
                     key=list(SOURCES).index)
    for source in sources:
        lines.append((f'  {SOURCES[source]} {source.lower()}',
                      lambda f, s=source: yuan(f['sources'][s]) if f['sources'].get(s) else '-'))
    lines += [
        ('申请 claims', lambda f: f'{f["claims"]:,}'), ('  不予受理 refused', lambda f: f'{f["refused_all"]:,}'),
        ('  已发放 paid', lambda f: f'{f["paid"]:,}'), ('  病组 groups', lambda f: f'{f["groups"]:,}'),
        ('补助（元） subsidies, yuan', lambda f: yuan(f['subsidies'])),
        ('按时发放 paid in time', lambda f: f'{f["on_time"] / 100:.2f} %'),
        ('服务费 service fee', lambda f: yuan(f['service_fee'])), ('孳息 interest', lambda f: yuan(f['interest'])),
        ('结转下年 carried over', lambda f: yuan(f['carried_over'])),
        ('年末余额 balance of the closed year', lambda f: yuan(f['balance'])),
        ('试算差额 trial balance, difference', lambda f: yuan(f['difference']))]
    return [[''] + [f['name'] for f in figures]] + [[name] + [of(f) for f in figures] for name, of in lines]


def invariants(play):
    """Each query returns no row when all is well."""
    checked = 0
    for path in sorted(glob.glob(os.path.join(play.options.source, 'tests/invariants/*.sql'))):
        with open(path, encoding='utf-8') as file:
            said = play.run('psql', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', stdin=file.read())
        if said.strip():
            raise Unexpected(f'the invariant {os.path.basename(path)} does not hold:\n{said[:2000]}')
        checked += 1
    return checked


def sign_ins(play):
    """One row for each office, one column for each tenant: the name before the @, and its passwords."""
    towns = play.towns + [play.fund]
    rows = {}
    for town in towns:
        for words, login, password in town.sign_ins:
            name = login.split('@')[0]
            rows.setdefault(name, [words.split('（')[0], name + '@…'] + ['-'] * len(towns))[2 + towns.index(town)] = password
    return table([['', ''] + ['…@' + town.code for town in towns]] + list(rows.values()))


def close(play):
    figures = [of_town(town) for town in play.towns]
    for f in figures:
        if f['difference'] or f['balance']:
            raise Unexpected(f'{f["name"]}: the closed books hold {f["balance"]} fen, difference {f["difference"]}')
    checked = invariants(play)
    evidence = play.run('run', 'audit', 'verify').strip().splitlines()
    folders = sorted(glob.glob(os.path.join(play.options.data, 'demo/export/*')))
    again = subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), 'recompute.py')] + folders,
                           capture_output=True, text=True)
    if again.returncode != 0:
        raise Unexpected(f'recomputed from the exports alone, the figures differ:\n{again.stdout}{again.stderr}')
    play.figures = dict(people=play.options.people, seed=play.options.seed, towns=figures, fund=dict(
        code=play.fund.code, programme=play.fund.programme, returned=play.fund.returned, refunds=play.fund.refund_count))
    seconds = datetime.timedelta(seconds=round(time.monotonic() - play.progress.begun))
    address = f'https://localhost:{play.options.port}'
    fund = play.fund
    text = ['', f'三镇互助年度 2024-08-01 至 2025-07-31 / the year of three townships: seed {play.options.seed}, '
            f'{play.server.requests:,} requests over HTTPS, {seconds}', '', table(rows_of(figures)),
            f'  {fund.name}（村级基金）：参加率 {share(fund.participation["figures"]["people"])}，未达 20 %，'
            f'{fund.refund_count} 笔原路退还 {yuan(fund.returned)} 元，余额 0.00 / wound up to zero',
            '  复算 recomputed from exports alone: ' + '; '.join(again.stdout.strip().splitlines()),
            f'  不变式 invariants: {checked} hold; 存证 evidence: {evidence[-1] if evidence else "verified"}', '',
            f'查看 look:  {address}/',
            *[f'  {town.name} {PAGES.get(kind, kind)} {period}:  {address}{path}'
              for town in play.towns + [play.fund] for kind, period, path in town.pages if kind != 'CONTRIBUTIONS'],
            '登录 sign in (POST /api/v1/sessions, or the page above):']
    text.append(sign_ins(play))
    return '\n'.join(text)
