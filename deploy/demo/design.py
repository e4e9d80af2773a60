"""design.py - what every group of illnesses is worth: the year's scheme, plan design, the frozen subsidy table."""
import json
import os

import enrol
from api import Unexpected, mint
from people import BANDS
from town import of_fen, resolve_once_known

ADMISSIONS = {'0-14': .10, '15-44': .07, '45-59': .13, '60-74': .27, '75+': .42}  # domain reference 5.4
INSURED = {'RESIDENT': '居民医保', 'EMPLOYEE': '职工医保', 'NONE': '未参保'}
THRESHOLDS = {'yongtai_2020': (4000, 4000, 7000)}


def pack_of(source):
    """The folder whose groups the designer knows: the published national scheme beside the checkout, or our own."""
    shared = os.path.join(source, '..', 'shared', 'drg', 'packs', 'chs_drg_11')
    return shared if os.path.isdir(shared) else os.path.join(source, 'services/coding/scheme/starter')


def groups_of(pack):
    groups = {}
    with open(os.path.join(pack, 'drg.tsv'), encoding='utf-8') as file:
        heads = file.readline().rstrip('\n').split('\t')
        at, name = heads.index('drg'), heads.index('name')
        for line in file:
            if line.strip() and not line.startswith('#'):
                cells = line.rstrip('\n').split('\t')
                groups.setdefault(cells[at], cells[name] or cells[at])
    return groups


def name_scheme(play, town):
    pack = pack_of(play.options.source)
    with open(os.path.join(pack, 'scheme.json'), encoding='utf-8') as file:
        wanted = json.load(file)['id']
    schemes = town.sheji.get('/api/v1/schemes')['schemes']
    town.scheme = next((s for s in schemes if s['id'] == wanted), None)
    if not town.scheme:
        raise Unexpected(f'the scheme {wanted} is not in the folder: {schemes}')
    for year in (2024, 2025):
        town.sheji.put(f'/api/v1/years/{year}/scheme', checksum=town.scheme['checksum'])


def weight(drg):
    """A rank of illness by what a group's code says: operations and complications make it heavier."""
    surgical = 2.4 if drg[1] in 'ABCDEFGHJ' else 1.5 if drg[1] in 'KLMNPQ' else 1.0
    return surgical * {'1': 1.9, '3': 1.35}.get(drg[-1], 1.0)


def tables(town, groups, on):
    limits = THRESHOLDS.get(town.spec['template'], (4000, 6000, 8000))
    statement = town.sheji.get(town.path('/fundStatement'))
    raised = of_fen(statement['raised']) / 100
    town.raised = raised
    # A small fund is not spent on two claims: none takes more than a fortieth of it.
    most = min(20000, max(400, int(raised / 400) * 10))
    least = min(200, most // 40 * 10)
    common = {drg: (1 / weight(drg)) ** 2 for drg in groups}
    total = sum(common.values())
    rows = {
        'settings': ['setting\tvalue', f'title\t{town.name}', 'year\t2024年度', f'received\t{raised:.2f}',
                     f'service_fee_rate\t{"8%" if town.spec["programme"].get("feeMost") else "0%"}', 'reserve_rate\t5%',
                     'alpha\t0.01', f'lowest\t{least}', f'highest\t{most}', 'order\tcost', 'relief_max\t0.8'],
        'groups': ['drg\tname'] + [f'{drg}\t{name}' for drg, name in groups.items()],
        'insurance': ['insurance\tthreshold'] + [f'{name}\t{limit}' for name, limit in zip(INSURED.values(), limits)],
        'people': ['age\tsex\tinsurance\tpersons'] + [
            f'{band}\tall\t{INSURED[insurance]}\t{count}' for (band, insurance), count in enrol.by_band(town, on)],
        'incidence': ['age\tsex\tdrg\trate'] + [
            f'{band}\t*\t{drg}\t{ADMISSIONS[band] * share / total:.9f}'
            for band, _, _ in BANDS for drg, share in common.items()],
        'costs': ['drg\tinsurance\tkind\ta\tb'] + [
            line for drg in groups for line in (
                f'{drg}\t*\tlognormal\t{1300 * weight(drg):.2f}\t1.0',
                f'{drg}\t未参保\tlognormal\t{2900 * weight(drg):.2f}\t1.0')],
    }
    return [dict(name=name + '.tsv', text='\n'.join(lines) + '\n') for name, lines in rows.items()]


def design_plan(play, town):
    groups = groups_of(pack_of(play.options.source))
    # A process designs one plan at a time; who comes meanwhile is told LIMITED and comes again (api.py).
    plan = town.sheji.post('/api/v1/plans:design', tables=tables(town, groups, play.now))
    town.plan = json.loads(plan['figures'])
    town.table = mint()
    made = resolve_once_known(
        lambda: town.sheji.post('/api/v1/subsidyTables', tableId=town.table, programmeId=town.programme,
                                text=plan['table']), {'programme.unknown'}, 'coding knows the programme')['table']
    if made.get('missing'):
        raise Unexpected(f'{town.name}: the plan has no amount for {made["missing"][:5]}')
    path = f'/api/v1/subsidyTables/{town.table}'
    town.shenpi.post(path + ':confirm')
    town.shenpi.post(path + ':freeze')
    town.sheji.refused('table.state', 'PUT', path, dict(text=plan['table']))  # 0-3.3: in advance, and then for good
