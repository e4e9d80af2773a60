"""town.py - the townships of the play: where they lie, what they resolve, who works there."""
import datetime
import random

from api import Refusal, Session, mint, wait_for
from people import Register, png

PROTECTION = ('2024-08-01', '2025-07-31')
NEXT_PROTECTION = ('2025-08-01', '2026-07-31')


def fen(yuan):
    return {'fen': str(round(yuan * 100))}


def of_fen(money):
    return int((money or {}).get('fen', 0))


def threshold(insurance, basis, yuan):
    return {'insurance': insurance, 'basis': basis, 'atLeast': fen(yuan)}


def papers(insurance):
    kinds = ['DISCHARGE_RECORD', 'COST_LIST'] + ([] if insurance == 'NONE' else ['SETTLEMENT'])
    return {'insurance': insurance, 'kinds': kinds}


# Gifts are lump sums of so many yuan for each participant, rounded: a small play has small gifts.
#
# What the townships decided where their templates leave it to them, and the calendar that all three share here: the
# business clock is one for the instance, so Yongtai's rules of 2020 and Nantong's of 2023 are played in the year that
# Yishan's own text names, 1 August 2024 to 31 July 2025.
OWN_LIMITS = {
    'thresholds': [threshold('RESIDENT', 'OWN_PAYMENT', 4000), threshold('EMPLOYEE', 'OWN_PAYMENT', 6000),
                   threshold('NONE', 'TOTAL_COST', 8000)],
    'papers': [papers('RESIDENT'), papers('EMPLOYEE'), papers('NONE')],
}
TOWNS = [
    dict(code='yishan', name='伊山镇', title='伊山镇2024年乡村医疗互助', template='yishan_2024', region='320799',
         divisions=[('32', '江苏省'), ('3207', '连云港市'), ('320723', '灌云县'), ('320723100', '伊山镇')],
         villages=['东岗村', '西湖村', '南圩村', '北渡村', '陡沟村', '大桥村', '三里村', '柳园村'], share=0.35, joins=0.74,
         layout='generic', programme=dict(OWN_LIMITS, feeMost=800),
         grants=[('TOWN_FINANCE', '伊山镇财政所', 20)], gifts=[('LOCAL_NOTABLE', '乡贤联谊会', 3)]),
    dict(code='yongtai', name='大洋镇', title='永泰县大洋镇群众医疗互助（2020年实施意见）', template='yongtai_2020',
         region='350199', divisions=[('35', '福建省'), ('3501', '福州市'), ('350125', '永泰县'), ('350125106', '大洋镇')],
         villages=['旗峰村', '溪口村', '石坂村', '明星村', '苍霞村', '尤墘村', '溪洋村', '康山村'], share=0.30, joins=0.80,
         layout='rural-bank', programme=dict(feeMost=800), subsidised_list=('registered_poor', '大洋', 974, 40, 37880),
         grants=[('CITY_FINANCE', '福州市财政局', 5)], gifts=[('DONATION', '同乡会', 6)]),
    dict(code='nantong', name='平川镇', title='平川镇乡村医疗互助（南通2023年方案）', template='nantong_2023',
         region='320699', divisions=[('32', '江苏省'), ('3206', '南通市'), ('320614', '海门区'), ('320614110', '平川镇')],
         villages=['通江村', '运河村', '新桥村', '海晏村', '合丰村', '长沙村', '天补村', '凤阳村'], share=0.35, joins=0.66,
         layout='generic', programme=dict(OWN_LIMITS),
         kept_out={'minimum_living', 'extreme_poverty'}, grants=[('VILLAGE', '各村股份经济合作社', 40)],
         gifts=[('ENTERPRISE', '海门爱心企业', 4)]),
]
# The fund of one village that too few join: it is wound up to zero (7.3.1).
VILLAGE_FUND = dict(
    code='heping', name='和平村', title='和平村医疗互助', template='jiangsu', region='320698',
    divisions=[('32', '江苏省'), ('3206', '南通市'), ('320614', '海门区'), ('320614111', '滨港镇'), ('320614111201', '和平村')],
    villages=['和平村'], share=0.05, joins=0.14, layout='generic',
    programme=dict(OWN_LIMITS, mode='BY_VILLAGE', custodian='VILLAGE_COLLECTIVE', standard=fen(60),
                   shares=[{'source': 'PERSONAL', 'perHead': fen(40)}, {'source': 'VILLAGE', 'perHead': fen(20)}]),
    grants=[], gifts=[('VILLAGE', '和平村股份经济合作社', 20)])

SUBSIDISED = ('minimum_living', 'extreme_poverty', 'registered_poor')
CATEGORY_CODES = {'低保': 'minimum_living', '特困': 'extreme_poverty', '建档立卡': 'registered_poor'}

STAFF = [  # login, name, role, in words
    ('jingban', '李刚', 'TOWNSHIP_OFFICER', '镇级经办'), ('shenpi', '王芳', 'APPROVER', '审批人'),
    ('fafang', '陈静', 'PAYER', '发放人'), ('bianma', '周毅', 'CODER', '编码员'),
    ('bianma2', '吴凡', 'CODER', '编码员'), ('fuhe', '孙蕾', 'REVIEWER', '复核员'),
    ('sheji', '何平', 'DESIGNER', '方案设计'), ('shenji', '郑涛', 'AUDITOR', '审计员'),
    ('xianji', '高远', 'COUNTY_VIEWER', '县级查看')]
OUTSIDE = {'CODER', 'REVIEWER', 'DESIGNER'}  # from the provider: they sign an undertaking (6.2.2 c 3)


class Village:
    def __init__(self, name, code):
        self.name, self.code = name, code
        self.id = mint()
        self.clerk = None
        self.book = None


class Town:
    """One tenant, its people, its staff, and what the play has to remember of its year."""

    def __init__(self, spec, server, seed, people):
        self.spec, self.server = spec, server
        self.code, self.name = spec['code'], spec['name']
        self.rng = random.Random(f'{seed}/{spec.get("twin", self.code)}')
        self.tenant, self.programme = mint(), mint()
        self.next_programme = None
        self.staff = {}
        self.admins = {}
        self.sign_ins = []
        self.claims = []
        self.by_claim = {}
        self.refusals = []
        self.expected = {}
        share = max(int(people * spec['share']), 60)
        count = min(len(spec['villages']), max(1 if len(spec['villages']) == 1 else 2, share // 1200))
        last = spec['divisions'][-1][0]
        self.villages = [Village(name, last if len(last) == 12 else f'{last}{201 + i}')
                         for i, name in enumerate(spec['villages'][:count])]
        self.register = Register(self.rng, spec['region'], datetime.date(2024, 5, 20))
        for i, village in enumerate(self.villages):
            self.register.fill(village, share // count, f'{i + 1:02d}')

    def __getattr__(self, role):
        try:
            return self.__dict__['staff'][role]
        except KeyError:
            raise AttributeError(role) from None

    # --- people who work here ---

    def session(self, login, words, one_time):
        who = Session(self.server, f'{login}@{self.code}').sign_in(one_time)
        self.sign_ins.append((words, who.login, who.password))
        return who

    def employ(self, login, name, role, words, organisations=(), person=None):
        account = mint()
        body = dict(accountId=account, loginName=login, displayName=name)
        if person:
            body['personId'] = person
        self.admins['SYSTEM_ADMIN'].post('/api/v1/accounts', **body)
        security = self.admins['SECURITY_ADMIN']
        security.post(f'/api/v1/accounts/{account}/roles', role=role, organisationIds=list(organisations))
        if role in OUTSIDE:
            security.post(f'/api/v1/accounts/{account}/ndas', ndaId=mint(), signedOn='2024-05-20', expiresOn='2026-12-31')
        one_time = security.post(f'/api/v1/accounts/{account}:resetPassword')['oneTimePassword']
        return self.session(login, words, one_time)

    # --- papers ---

    def paper(self, who, data=None, content_type='image/png'):
        """A document of that person, uploaded: its id."""
        upload = mint()
        who.upload(f'/api/v1/uploads/{upload}', data or png(self.rng), content_type)
        return upload

    def path(self, rest=''):
        return f'/api/v1/programmes/{self.programme}{rest}'

    def state(self):
        return self.officer.get(self.path())['programme']['state']

    @property
    def officer(self):
        return self.staff['jingban']

    @property
    def members(self):
        return [p for p in self.register.people if p.in_force]


def resolve_once_known(ask, reasons, what):
    """Repeats what is refused only because an event has not arrived yet."""
    def look():
        try:
            return ask() or True
        except Refusal as refusal:
            if refusal.reason in reasons:
                return None
            raise
    return wait_for(look, what)
