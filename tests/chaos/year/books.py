"""books.py - what a list and a year come to in the database: each thing once, and the same for both twins."""
import json
import re

from api import file_of
from house import SERVICES, Fault

# Of each line that did not go back: its reservation, bank line, confirmation, and what claims and the books made of it.
ONCE = """
SELECT l.line_id, l.state,
       (SELECT count(*) FROM contributions.transfer t WHERE t.line_id = l.line_id AND t.why = 'payout'
                                                        AND t.amount_fen = l.amount_fen),
       (SELECT count(*) FROM contributions.transfer t WHERE t.line_id = l.line_id AND t.state = 'POSTED'),
       (SELECT count(*) FROM contributions.transfer t WHERE t.line_id = l.line_id AND t.state = 'VOIDED'),
       (SELECT count(*) FROM disbursement.batch_item i WHERE i.line_id = l.line_id AND i.live AND i.outcome = 'PAID'
                                                         AND i.amount_fen = l.amount_fen),
       (SELECT count(*) FROM disbursement.event e WHERE e.tenant_id = l.tenant_id
                         AND e.topic = 'huzhu.disbursement.v1.PayoutConfirmed'
                         AND position(uuid_send(l.line_id) IN e.body) > 0),
       (SELECT count(*) FROM claims.claim_step s WHERE s.claim_id = l.claim_id AND s.to_state = 'PAID'),
       (SELECT count(*) FROM disbursement.event e WHERE e.tenant_id = l.tenant_id
                         AND e.topic = 'huzhu.disbursement.v1.ListApproved'
                         AND position(uuid_send(l.list_id) IN e.body) > 0),
       (SELECT count(*) FROM contributions.event e WHERE e.tenant_id = l.tenant_id
                         AND e.topic = 'huzhu.contributions.v1.FundsReserved'
                         AND position(uuid_send(l.list_id) IN e.body) > 0)
  FROM disbursement.line l
 WHERE l.list_id = '{list}' AND l.state <> 'RETURNED';
"""
NAMES = ['reservations', 'posted', 'given back', 'bank lines', 'confirmations', 'steps to PAID', 'ListApproved',
         'FundsReserved']
RIGHT = {'PAID': [1, 1, 0, 1, 1, 1, 1, 1], 'VOIDED': [1, 0, 1, 0, 0, 0, 1, 1]}

# kind, key, value: what must be equal in both towns.  Who was asked how often is no figure, so looks are left out.
FIGURES = """
SELECT 'account', code, debit || '/' || credit || '/' || debit_pending || '/' || credit_pending
  FROM contributions.account WHERE tenant_id = '{tenant}' AND programme_id = '{programme}'
UNION ALL SELECT 'transfers', why || ' ' || state, count(*) || ' of ' || sum(amount_fen)
  FROM contributions.transfer WHERE tenant_id = '{tenant}' GROUP BY why, state
UNION ALL SELECT 'lists', state, count(*) || ' of ' || sum(total_fen) || ', versions ' || sum(version)
  FROM disbursement.payout_list WHERE tenant_id = '{tenant}' GROUP BY state
UNION ALL SELECT 'lines', state || ' attempt ' || attempt, count(*) || ' of ' || sum(amount_fen)
  FROM disbursement.line WHERE tenant_id = '{tenant}' GROUP BY state, attempt
UNION ALL SELECT 'batches', state, count(*) || ' of ' || sum(total_fen)
  FROM disbursement.bank_batch WHERE tenant_id = '{tenant}' GROUP BY state
UNION ALL SELECT 'bank lines', outcome || ' attempt ' || attempt, count(*) || ' of ' || sum(amount_fen)
  FROM disbursement.batch_item WHERE tenant_id = '{tenant}' GROUP BY outcome, attempt
UNION ALL SELECT 'results', verdict, count(*) || ' of ' || sum(paid_fen)
  FROM disbursement.bank_result WHERE tenant_id = '{tenant}' GROUP BY verdict
UNION ALL SELECT 'claims', state, count(*)::text FROM claims.claim WHERE tenant_id = '{tenant}' GROUP BY state
UNION ALL SELECT 'steps', from_state || ' ' || what || ' ' || to_state, count(*)::text
  FROM claims.claim_step WHERE tenant_id = '{tenant}' GROUP BY from_state, what, to_state
UNION ALL SELECT 'commands', method, count(*)::text
  FROM disbursement.reply WHERE tenant_id = '{tenant}' GROUP BY method
"""
EVENTS = """UNION ALL SELECT 'events', topic, count(*)::text
  FROM {service}.event WHERE tenant_id = '{{tenant}}' AND topic NOT LIKE 'huzhu.bus.%' GROUP BY topic
"""


def each_line_once(house, list_id, before=''):
    rows = house.rows(before + ONCE.format(list=list_id))  # what is begun and not committed dies with the session
    for line, state, *counts in rows:
        counts = [int(c) for c in counts]
        if counts != RIGHT.get(state):
            raise Fault(f'line {line} is {state}: ' + ', '.join(f'{n} {c}' for n, c in zip(NAMES, counts)))
    return len(rows)


# What each_line_once() must find, tried inside a transaction that is rolled back: {line} is a paid one.
WRONGS = {
    'a confirmation doubled': """INSERT INTO disbursement.event (event_id, tenant_id, topic, body, recorded_at, traceparent)
        SELECT gen_random_uuid(), tenant_id, topic, body, recorded_at, traceparent FROM disbursement.event
         WHERE topic = 'huzhu.disbursement.v1.PayoutConfirmed' AND position(uuid_send('{line}'::uuid) IN body) > 0""",
    'a confirmation lost': """DELETE FROM disbursement.event
         WHERE topic = 'huzhu.disbursement.v1.PayoutConfirmed' AND position(uuid_send('{line}'::uuid) IN body) > 0""",
    'a reservation lost': "DELETE FROM contributions.transfer WHERE line_id = '{line}'",
    'a bank line lost': "UPDATE disbursement.batch_item SET live = false WHERE line_id = '{line}' AND outcome = 'PAID'",
    'another amount paid': "UPDATE disbursement.batch_item SET amount_fen = amount_fen + 1 WHERE line_id = '{line}'",
}


def the_checks_can_fail(house, town):
    claim = next(c for c in town.claims if c.state == 'PAID')
    list_id = house.rows(f"SELECT list_id FROM disbursement.line WHERE line_id = '{claim.line}'")[0][0]
    each_line_once(house, list_id)
    for what, sql in WRONGS.items():
        try:
            each_line_once(house, list_id,
                           f'BEGIN; SET LOCAL session_replication_role = replica; {sql.format(line=claim.line)};')
        except Fault:
            continue
        raise Fault(f'{what}, and nobody noticed')


def vouchers(town, lines):
    """A paid line has its voucher, the same at each look; one that was given up has none."""
    for line in lines:
        path = f'/api/v1/payoutLines/{line["lineId"]}/voucher'
        if line['state'] == 'PAID':
            first, again = town.officer.get(path), town.officer.get(path)
            if not first or first != again:
                raise Fault(f'the voucher of {line["lineId"]} is another at the second look')
        else:
            town.officer.refused('line.unpaid', 'GET', path)


def without_ids(said):
    """A reply's figures alone: what names a thing is another in each town."""
    if isinstance(said, dict):
        return {k: without_ids(v) for k, v in said.items() if not k.endswith('Id') and k not in ('name', 'at', 'asOf')}
    if isinstance(said, list):
        return [without_ids(v) for v in said]
    return said


def figures(house, town):
    """Everything that both twins must have alike."""
    sql = FIGURES + ''.join(EVENTS.format(service=s) for s in SERVICES)
    found = {f'{kind}: {key}': value for kind, key, value in house.rows(sql.format(
        tenant=town.tenant, programme=town.programme) + ';')}
    for path in (town.path('/fundStatement'), town.path('/trialBalance'),
                 f'/api/v1/payoutFigures?programmeId={town.programme}'):
        found[path.replace(town.programme, '')] = json.dumps(without_ids(town.officer.get(path)), sort_keys=True)
    found['paid per claim'] = json.dumps([(c.month, c.state, getattr(c, 'drg', ''), getattr(c, 'payable', 0))
                                          for c in town.claims])
    return found


def alike(quiet, killed):
    """The differences, one a line."""
    return [f'{key}: {quiet.get(key)} without kills, {killed.get(key)} with them'
            for key in sorted(set(quiet) | set(killed)) if quiet.get(key) != killed.get(key)]


def published(play, town):
    """Every sum on every public page, in the page's order: what a villager may add up."""
    return [(kind, period, re.findall(r'\d[\d,]*\.\d\d', file_of(play.nobody.get(path)).decode()))
            for kind, period, path in town.pages]
