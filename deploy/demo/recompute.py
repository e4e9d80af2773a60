"""recompute.py - the annual figures once more, from exported files alone: no platform, no database, no code shared with them.

    recompute.py DIR...          DIR: DATA/demo/export/CODE, as `hz demo` leaves it

DIR holds ledger.csv (contributions' export), payments.csv, statement.json (the fund statement as the platform states it),
claims.csv, and where the report is there reportData/*.csv and report.json.  Every number of statement.json and report.json that can be
made from rows is made again and compared; exit 1 names those that differ.
"""
import collections
import csv
import json
import os
import sys


class Differs(Exception):
    pass


def fen_of(yuan):
    """Text to fen without a float: "1,234.5" is not one of ours, so it is an error."""
    sign = -1 if yuan.startswith('-') else 1
    whole, _, part = yuan.lstrip('-').partition('.')
    if not whole.isdigit() or not (part == '' or part.isdigit()) or len(part) > 2:
        raise Differs(f'an amount cannot be read: {yuan!r}')
    return sign * (int(whole) * 100 + int((part + '00')[:2]))


def rows(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return None
    with open(path, encoding='utf-8-sig', newline='') as file:
        return list(csv.DictReader(file))


def ledger_figures(folder):
    """Accounts and causes, summed from posted transfers: what a double-entry ledger is."""
    accounts = collections.Counter()
    causes = collections.Counter()
    income = collections.Counter()
    for row in rows(folder, 'ledger.csv'):
        if row['状态'] != 'POSTED':
            continue
        amount = fen_of(row['金额'])
        accounts[row['借方']] += amount
        accounts[row['贷方']] -= amount
        causes[row['事由']] += amount
        for side, sign in (('贷方', 1), ('借方', -1)):
            if row[side].startswith('income.'):
                income[row[side][len('income.'):]] += sign * amount
    raised = sum(v for k, v in income.items() if k not in ('interest', 'carry_over'))
    return accounts, dict(
        raised=raised, carriedIn=income['carry_over'], interest=income['interest'], subsidies=accounts['expense.subsidy'],
        serviceFee=accounts['expense.service_fee'], otherCosts=accounts['expense.bank_fee'] + accounts['expense.audit_cost'],
        carriedOut=accounts['fund.carried_over'], balance=accounts['bank'] + accounts['cash']), income


def compare(said, made, where):
    """Appends what differs; returns how many were compared."""
    return [f'{where}.{name}: the platform says {said.get(name)}, the rows make {value}'
            for name, value in made.items() if said.get(name) != value]


def check(folder):
    faults, compared = [], 0
    with open(os.path.join(folder, 'statement.json'), encoding='utf-8') as file:
        statement = json.load(file)
    accounts, made, income = ledger_figures(folder)
    if sum(accounts.values()) != 0:
        faults.append(f'the books do not balance: {sum(accounts.values())} fen')
    faults += compare(statement, made, 'statement')
    faults += compare(statement['sources'], {k.upper(): v for k, v in income.items() if v}, 'sources')
    compared += len(made) + len(income)

    payments = rows(folder, 'payments.csv')
    paid = sum(int(p['fen']) for p in payments if p['state'] == 'TAKEN')
    faults += compare({'personal': income['personal']}, {'personal': paid}, 'payments')
    claims = rows(folder, 'claims.csv')
    payouts = sum(int(c['payable'] or 0) for c in claims if c['state'] == 'PAID')
    counts = collections.Counter(c['state'] for c in claims)
    faults += compare(statement, {'subsidies': payouts, 'claimsPaid': counts['PAID'], 'claimsRefused': counts['REFUSED']},
                      'claims')
    compared += 4
    more, count = check_report(folder)
    return faults + more, compared + count


def check_report(folder):
    """The blanks of appendix A that rows can fill, made from reportData/*.csv and ledger.csv."""
    path = os.path.join(folder, 'report.json')
    if not os.path.exists(path):
        return [], 0
    with open(path, encoding='utf-8') as file:
        blanks = {f['blank']: f.get('value', '') for f in json.load(file).get('figures', [])}
    made = report_values(folder)
    said = {blank: plain(blanks.get(blank, 'nothing')) for blank in made}
    return compare(said, made, 'report'), len(made)


def plain(text):
    """A number as the rows make it: without thousands separators and the sign of per cent."""
    return text.replace(',', '').rstrip('%').strip()


def yuan(fen):
    return f'{fen // 100}.{fen % 100:02d}'


def rate(part, whole):
    """In per cent with two decimals, rounded down: a gate is reached, not approached."""
    return yuan(part * 10000 // whole) if whole > 0 else '—'


def own_above(claims, thresholds):
    """What the paid patients bore above the threshold of their insurance; of a threshold on the total cost, that part by
    which the total exceeds it, if they bore so much."""
    total = 0
    for claim in claims:
        limit = thresholds.get(claim['insurance'], {'on_total_cost': 'false', 'at_least_fen': '0'})
        own, least = int(claim['own_payment_fen']), int(limit['at_least_fen'])
        above = min(own, int(claim['total_cost_fen']) - least) if limit['on_total_cost'] == 'true' else own - least
        total += max(0, above)
    return total


def report_values(folder):
    data = {name: rows(folder, f'reportData/{name}.csv') for name in ('claims', 'members', 'thresholds', 'tables')}
    _, ledger, income = ledger_figures(folder)
    people = sum(1 for m in data['members'] if m['in_force'] == 'true')
    paid = [c for c in data['claims'] if c['paid_on']]
    persons = collections.Counter()
    for claim in paid:
        persons[claim['person_id']] += int(claim['paid_fen'])
    total = sum(persons.values())
    # The report counts the year's interest among what the year raised; the fund statement names it apart.
    raised = ledger['raised'] + ledger['interest']
    above = own_above(paid, {t['insurance']: t for t in data['thresholds']})
    return {
        'A.1.people': str(people), 'A.2a.raised': yuan(raised), 'A.2b.claims_paid': str(len(paid)),
        'A.2b.people_paid': str(len(persons)), 'A.2b.paid_total': yuan(total), 'A.2b.own_above': yuan(above),
        'A.2b.most_single': yuan(max(int(c['paid_fen']) for c in paid)), 'A.2b.most_person': yuan(max(persons.values())),
        'A.2b.reach_people': rate(len(persons), people), 'A.2b.reach_claims': rate(len(paid), people),
        'A.2b.relief': rate(total, above), 'A.2c.use_rate': rate(total, raised),
        'A.3.table_rows': str(len(data['tables'])),
    }


def main():
    status = 0
    for folder in sys.argv[1:]:
        faults, compared = check(folder)
        print(f'{os.path.basename(folder.rstrip("/"))}: {compared} figures recomputed, {len(faults)} differ')
        for fault in faults:
            print('  ' + fault)
        status |= bool(faults)
    return status if len(sys.argv) > 1 else 64


if __name__ == '__main__':
    sys.exit(main())
