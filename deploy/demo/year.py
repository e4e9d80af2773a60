"""year.py - plays the first year of three townships, from resolution to proof, over the public API alone.

    year.py --people N --seed S --port P --data DIR --hz HZ --bin DIR --source DIR [--kills]

`hz demo` starts it on a fresh rehearsal instance.  The chronology is main()'s; the scenes lie beside it: enrol.py (who
joins and pays), design.py (what a group of illnesses is worth), stays.py (need, codes, money), closing.py (the year's end).
Every refusal that the play does not expect ends it with the problem's text.
"""
import argparse
import concurrent.futures
import datetime
import json
import os
import subprocess
import sys
import threading
import time

import closing
import design
import enrol
import figures
import kills
import stays
from api import Refusal, Server, Session, Unexpected, mint, wait_for
from town import STAFF, TOWNS, VILLAGE_FUND, Town

STEPS = 44  # for the bar alone


class Progress:
    """A bar with the step's name on a terminal, plain lines elsewhere."""

    def __init__(self, steps):
        self.steps, self.done = steps, 0
        self.begun = time.monotonic()
        self.bar = sys.stderr.isatty()

    def step(self, name):
        self.done += 1
        passed = time.monotonic() - self.begun
        if self.bar:
            filled = min(30, 30 * self.done // self.steps)
            sys.stderr.write(f'\r\x1b[K[{"█" * filled}{"·" * (30 - filled)}] {passed:5.0f} s  {name}')
        else:
            sys.stderr.write(f'{passed:6.1f} s  {name}\n')
        sys.stderr.flush()

    def end(self):
        if self.bar:
            sys.stderr.write('\r\x1b[K')


HEARERS = ('identity', 'contributions', 'claims', 'coding', 'disbursement', 'disclosure')
UNHEARD = ' UNION ALL '.join(
    f"SELECT '{c} has not heard {p}' FROM {c}.feed f WHERE f.producer = '{p}' AND EXISTS (SELECT FROM {p}.event e"
    f" WHERE (e.tx, e.seq) > (f.tx, f.seq) AND e.topic NOT LIKE 'huzhu.bus.%')" for c in HEARERS for p in HEARERS)


class Play:
    def __init__(self, options):
        self.options = options
        self.hz = [options.hz, '--data', options.data, '--bin', options.bin]
        self.server = Server(options.port, os.path.join(options.data, 'keys/tls/cert.pem'))
        self.progress = Progress(STEPS)
        self.killer = None  # of kills.py, when asked for
        self.step = self.progress.step
        self.now = None

    def run(self, *words, stdin=None):
        done = subprocess.run(self.hz + list(words), input=stdin, capture_output=True, text=True)
        if done.returncode != 0:
            raise Unexpected(f'hz {" ".join(words)}: {done.stderr.strip() or done.stdout.strip()}')
        return done.stdout

    def clock(self, when, *flags):
        """Moves business time: to 'YYYY-MM-DD HH:MM[:SS]' of Shanghai; never back once the play has begun.

        In life days pass between two scenes; here every service must first have heard what the others told.
        """
        if self.now:
            wait_for(lambda: not self.run('psql', '-q', '-A', '-t', stdin=UNHEARD).strip(), 'all events are heard', 120)
        day, hour = when.split()
        self.run('clock', 'set', f'{day}T{hour if hour.count(":") == 2 else hour + ":00"}+08:00', *flags)
        self.now = datetime.date.fromisoformat(day)

    def each(self, scene, towns, *words):
        """The scene in all towns at once; the first error ends the play."""
        with concurrent.futures.ThreadPoolExecutor(len(towns)) as pool:
            for done in [pool.submit(scene, self, town, *words) for town in towns]:
                done.result()

    def nothing_parked(self, after):
        """An event that a consumer refused is a defect, whatever the play looks like."""
        said = subprocess.run(self.hz + ['parked'], capture_output=True, text=True)
        if said.returncode != 0 or said.stdout.strip():
            raise Unexpected(f'after "{after}" events are parked:\n{said.stdout}{said.stderr}')


# --- the house ---

ADMINS = {'sysadmin': 'SYSTEM_ADMIN', 'secadmin': 'SECURITY_ADMIN', 'auditadmin': 'AUDIT_ADMIN'}


def found_platform(play):
    """The three administrators of the platform, with the first passwords that the operator has."""
    admins = {}
    with open(os.path.join(play.options.data, 'keys/first-passwords'), encoding='utf-8') as file:
        for line in file:
            _, login, password = line.split()
            admins[ADMINS[login.split('@')[0]]] = Session(play.server, login).sign_in(password)
    return admins


def found_town(play, town):
    """The place in the tree of divisions, the tenant, its three administrators, villages and staff (6.2.2 a)."""
    system = play.platform['SYSTEM_ADMIN']
    levels = ['PROVINCE', 'CITY', 'COUNTY', 'TOWNSHIP', 'VILLAGE']
    parent = None
    with play.tree_lock:
        for level, (code, name) in zip(levels, town.spec['divisions']):
            if code not in play.tree:
                play.tree[code] = town.villages[0].id if len(code) == 12 else mint()
                body = dict(organisationId=play.tree[code], level=level, divisionCode=code, name=name)
                if parent:
                    body['parentId'] = parent
                system.post('/api/v1/organisations', **body)
            parent = play.tree[code]
        for village in town.villages if town.spec is not VILLAGE_FUND else []:
            system.post('/api/v1/organisations', organisationId=village.id, parentId=parent, level='VILLAGE',
                        divisionCode=village.code, name=village.name)
        system.post('/api/v1/tenants', tenantId=town.tenant, code=town.code, name=town.name + '互助金', organisationId=parent)
        said = play.platform['SECURITY_ADMIN'].post(
            f'/api/v1/tenants/{town.tenant}:appointAdministrators', systemLoginName='xitong',
            securityLoginName='anquan', auditLoginName='sanyuan')
    words = {'SYSTEM_ADMIN': '系统管理员', 'SECURITY_ADMIN': '安全管理员', 'AUDIT_ADMIN': '审计管理员'}
    for one in said['administrators']:
        town.admins[one['role']] = town.session(one['loginName'].split('@')[0], words[one['role']], one['oneTimePassword'])
    for login, name, role, in_words in STAFF:
        town.staff[login] = town.employ(login, name, role, in_words)
    for i, village in enumerate(town.villages):
        village.clerk = town.employ(f'cun{i + 1}', f'{village.name}经办', 'VILLAGE_CLERK', f'村级经办（{village.name}）',
                                    [village.id])
    # A pair of offices that one person may not hold is refused (6.2.2 a).
    town.admins['SECURITY_ADMIN'].refused('role.forbidden_pair', 'POST', f'/api/v1/accounts/{town.shenpi.account}/roles',
                                          dict(role='TOWNSHIP_OFFICER', organisationIds=[]))


# --- the months ---

def months():
    """(first day of the month, first day of the next) of the twelve months of protection."""
    for i in range(12):
        year, month = 2024 + (7 + i) // 12, (7 + i) % 12 + 1
        after = datetime.date(year + month // 12, month % 12 + 1, 1)
        yield datetime.date(year, month, 1), after


def play_year(play):
    step, clock = play.step, play.clock
    people = play.options.people
    three = [Town(spec, play.server, play.options.seed, people) for spec in TOWNS]
    fund = Town(VILLAGE_FUND, play.server, play.options.seed, people)
    play.towns, play.fund = three, fund
    everybody = three + [fund]

    step('系统 the platform: organisations, tenants, offices (6.2.2a)')
    clock('2024-05-20 09:00', '--back')
    play.platform = found_platform(play)
    play.nobody = Session(play.server)
    play.tree, play.tree_lock = {}, threading.Lock()
    play.each(found_town, everybody)
    if play.killer:
        play.killer.start()  # not before: what makes a password keeps no reply that a repeat could be given

    step('登记册 registers: checked row by row, approved by a second person (003-16)')
    play.each(enrol.import_register, everybody)
    play.nothing_parked('registers')
    step('方案 programmes by their templates, checked, approved by another person (8.2b, 5.2)')
    clock('2024-06-03 09:00')
    play.each(design.name_scheme, three)
    play.each(enrol.make_programme, everybody)
    step('决议 resolutions of every village (5.2)')
    clock('2024-06-12 15:00')
    play.each(enrol.resolve, everybody)
    step('资助名单 lists of subsidised people: 974 x 40 is not 37,880 (003-6)')
    clock('2024-07-02 08:30')
    play.each(enrol.subsidised_lists, everybody)
    step('参加登记 enrolment by household (7.2.1a, 7.2.1b)')
    play.each(enrol.enrol, everybody)
    step('缴费 payments: cash books, bank statements, receipts (7.2.1)')
    play.each(enrol.pay, everybody)
    step('上缴 hand-in of the cash; a difference is explained (5.3b)')
    clock('2024-07-20 10:00')
    play.each(enrol.hand_in, everybody)
    step('截止 the window closes to the second (7.2.1c, 7.2.1d)')
    clock('2024-07-31 23:59:40')
    play.each(enrol.last_second, everybody)
    clock('2024-08-01 00:00:01')
    play.each(enrol.too_late, everybody)
    clock('2024-08-01 08:00')
    play.each(enrol.close_window, everybody)
    step('筹集 grants per head of the final count, gifts with invoices (003-5, 003-23)')
    play.each(enrol.raise_funds, everybody)
    play.nothing_parked('funds')
    step('终止 a village fund below its gate goes back to zero (7.3.1)')
    closing.wind_up(play, fund)
    step('设计 plan design, the subsidy table confirmed by another person and frozen (003-13, 0-3.3)')
    play.each(design.design_plan, three)
    play.nothing_parked('design')

    stays.prepare(play, three)
    for index, (first, after) in enumerate(months()):
        step(f'{first:%Y-%m} 申请 claims: papers, rules, refusals (7.2.2, 003-8..14)')
        clock(f'{first:%Y-%m}-20 09:00')
        play.each(stays.file_claims, three, index)
        step(f'{first:%Y-%m} 编码 coding, review, prices (7.2.3, 6.2.1d)')
        clock(f'{first:%Y-%m}-22 09:00')
        play.each(stays.code_claims, three, index)
        step(f'{after:%Y-%m} 发放 list, review, approval, bank, results (003-20, 7.2.4, 9.2.2)')
        clock(f'{after:%Y-%m-%d} 08:30')
        play.each(stays.list_and_send, three, index, f'{first:%Y-%m}')
        clock(f'{after:%Y-%m}-03 16:00')
        play.each(stays.bank_answers, three, index)
        clock(f'{after:%Y-%m}-05 16:00')
        play.each(stays.second_attempts, three, index)
        play.nothing_parked(f'{first:%Y-%m}')
        if index == 10:
            step('方案 next year\'s programmes, before the surplus is carried into them (8.1a)')
            play.each(closing.next_programme, three)
    step('投诉 a complaint, its owner, its answer (10.1)')
    play.each(closing.complain, three)
    step('年度 settling, closing, carry-over into the next year (8.1a)')
    clock('2025-08-20 09:00')
    play.each(closing.close_year, three)
    step('公示 publication and the signed annual report (7.2.5, appendix A)')
    play.each(closing.publish, three)
    closing.publish_disposal(play, fund)
    play.each(closing.export, three)
    play.nothing_parked('closing')
    step('核对 invariants, evidence, figures')
    return figures.close(play)


def options_read():
    parser = argparse.ArgumentParser()
    parser.add_argument('--people', type=int, required=True)
    parser.add_argument('--seed', required=True)
    parser.add_argument('--port', type=int, required=True)
    parser.add_argument('--kills', action='store_true')
    for name in ('data', 'hz', 'bin', 'source'):
        parser.add_argument('--' + name, required=True)
    return parser.parse_args()


def main():
    options = options_read()
    print(f'hz: the year of three townships, about {options.people} people, --seed {options.seed}', file=sys.stderr)
    play = Play(options)
    killer = play.killer = kills.Killer(options.data) if options.kills else None
    try:
        text = play_year(play)
    except (Refusal, Unexpected) as error:
        play.progress.end()
        print(f'hz: the play stopped: {error}', file=sys.stderr)
        return 1
    finally:
        died = killer.end() if killer else ''
    play.progress.end()
    if killer:
        print(f'hz: killed while it played (-9): {died}', file=sys.stderr)
    folder = os.path.join(options.data, 'demo')
    with open(os.path.join(folder, 'figures.json'), 'w', encoding='utf-8') as file:
        json.dump(play.figures, file, ensure_ascii=False, indent=1)
    with open(os.path.join(folder, 'finished.new'), 'w', encoding='utf-8') as file:
        file.write(text)
    os.rename(os.path.join(folder, 'finished.new'), os.path.join(folder, 'finished'))
    print(text, end='')
    return 0


if __name__ == '__main__':
    sys.exit(main())
