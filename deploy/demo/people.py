"""people.py - a synthetic register of realistic shape: nobody in it exists.

Households of one to six; 35 % of the people are sixty or older; 70 % insured as residents, 25 % as employees, 5 % not.
ID numbers are well-formed (GB 11643) with a county code that no county has (..99) and invented serials, phones are of a
run that is not assigned, cards have a valid check digit (Luhn) and no bank's prefix.
"""
import csv
import datetime
import io

SURNAMES = '王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕'
GIVEN_MEN = '建国 志强 永福 长根 大林 春生 德明 荣华 金宝 水清 家骏 文斌 浩然 子轩 宇航 俊杰 国栋 学军 海涛 立新'.split()
GIVEN_WOMEN = '秀英 桂兰 玉梅 凤珍 春花 月琴 素芬 丽华 红霞 彩云 雨桐 欣怡 思琪 佳宁 晓燕 海燕 静怡 爱珍 巧云 美娟'.split()

# name, years, share: the second half of a household's ages.
BANDS = [('0-14', 0, 14), ('15-44', 15, 44), ('45-59', 45, 59), ('60-74', 60, 74), ('75+', 75, 92)]

CATEGORIES = [('低保', 'minimum_living', 0.025), ('特困', 'extreme_poverty', 0.004), ('建档立卡', 'registered_poor', 0.03)]


def id_number(region, birth, serial):
    """GB 11643: the check character is ISO 7064 MOD 11-2 of the seventeen digits before it."""
    text = f'{region}{birth:%Y%m%d}{serial:03d}'
    remainder = sum(int(d) * 2 ** (17 - i) for i, d in enumerate(text)) % 11
    return text + '10X98765432'[remainder]


def card_number(rng):
    digits = [6, 2, 9, 9, 9, 9] + [rng.randrange(10) for _ in range(12)]
    total = sum((d * 2 - 9 if d > 4 else d * 2) if i % 2 == 0 else d for i, d in enumerate(reversed(digits)))
    return ''.join(map(str, digits)) + str(-total % 10)


class Person:
    __slots__ = ('name', 'sex', 'birth', 'number', 'phone', 'relation', 'category', 'insurance', 'household', 'id',
                 'in_force')

    def age(self, on):
        return on.year - self.birth.year - ((on.month, on.day) < (self.birth.month, self.birth.day))

    def band(self, on):
        age = self.age(on)
        return next(name for name, least, most in BANDS if age <= most or name == '75+')


class Household:
    __slots__ = ('number', 'village', 'people', 'id', 'reference', 'due', 'pays_by_bank')

    @property
    def head(self):
        return self.people[0]


class Register:
    """The households of one township, made from a seed alone."""

    def __init__(self, rng, region, today):
        self.rng = rng
        self.region = region
        self.today = today
        self.used = set()
        self.serials = 0
        self.households = []

    def _person(self, surname, sex, age, relation, household):
        rng, person = self.rng, Person()
        day = self.today - datetime.timedelta(days=int(age * 365.25) + rng.randrange(1, 360))
        while True:
            serial = rng.randrange(0, 500) * 2 + (1 if sex == 'MALE' else 0)
            number = id_number(self.region, day, serial)
            if number not in self.used:
                break
            day -= datetime.timedelta(days=1)
        self.used.add(number)
        person.name = surname + rng.choice(GIVEN_MEN if sex == 'MALE' else GIVEN_WOMEN)
        person.sex, person.birth, person.number = sex, day, number
        self.serials += 1
        person.phone = f'1990{self.serials % 10000000:07d}' if age >= 16 else ''
        person.relation, person.household = relation, household
        draw = rng.random()
        person.category = ''
        for name, _, share in CATEGORIES:
            if draw < share:
                person.category = name
                break
            draw -= share
        person.insurance = rng.choices(['RESIDENT', 'EMPLOYEE', 'NONE'],
                                       [70, 25 if 18 <= age < 75 else 5, 5])[0]
        person.id, person.in_force = None, False
        return person

    def _household(self, village, number):
        rng, home = self.rng, Household()
        home.number, home.village, home.people = number, village, []
        home.id = home.reference = None
        home.due, home.pays_by_bank = 0, rng.random() < 0.25
        size = rng.choices([1, 2, 3, 4, 5, 6], [16, 30, 22, 17, 10, 5])[0]
        old = rng.random() < 0.45  # an old couple's household, or one of working age with children and parents
        age = rng.randrange(62, 88) if old else rng.randrange(26, 60)
        surname = rng.choice(SURNAMES)
        sex = 'MALE' if rng.random() < 0.75 else 'FEMALE'

        def add(surname, sex, age, relation):
            home.people.append(self._person(surname, sex, max(age, 1), relation, home))

        add(surname, sex, age, '户主')
        if size > 1:
            other = 'FEMALE' if sex == 'MALE' else 'MALE'
            add(rng.choice(SURNAMES), other, age + rng.randrange(-4, 4), '配偶')
        for i in range(size - 2):
            draw = rng.random()
            if not old and draw < 0.35:
                add(surname, rng.choice(['MALE', 'FEMALE']), age + rng.randrange(22, 30), '父母')
            elif old and draw < 0.45:
                add(surname, rng.choice(['MALE', 'FEMALE']), age - rng.randrange(48, 60), '孙辈')
            else:
                child = rng.choice(['MALE', 'FEMALE'])
                add(surname, child, age - rng.randrange(21, 32), '子' if child == 'MALE' else '女')
        return home

    def fill(self, village, people, prefix):
        made = number = 0
        while made < people:
            number += 1
            home = self._household(village, f'{prefix}{number:05d}')
            self.households.append(home)
            made += len(home.people)

    @property
    def people(self):
        return [p for home in self.households for p in home.people]

    def csv(self):
        out = io.StringIO()
        sheet = csv.writer(out, lineterminator='\r\n')
        sheet.writerow(['户号', '与户主关系', '姓名', '性别', '证件类型', '证件号码', '电话', '村代码', '人员类别', '户籍在册',
                        '集体成员', '常住'])
        for home in self.households:
            for p in home.people:
                sheet.writerow([home.number, p.relation, p.name, '男' if p.sex == 'MALE' else '女', '居民身份证', p.number,
                                p.phone, home.village.code, p.category, '是', '是', '是'])
        return ('\ufeff' + out.getvalue()).encode()


# --- papers: pictures that nobody photographed ---

def png(rng):
    """A PNG of 16 x 16 random greys."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = b''.join(b'\0' + rng.randbytes(16) for _ in range(16))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 16, 16, 8, 0, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


PLACE = b'GPS 34.2966N 119.2555E'  # what a telephone writes into its pictures, and nobody may read here


def jpeg(rng):
    """A baseline JPEG of 8 x 8 pixels whose EXIF names a place and an orientation."""
    import struct

    def segment(marker, data):
        return b'\xff' + bytes([marker]) + struct.pack('>H', len(data) + 2) + data
    tiff = (b'II*\0' + struct.pack('<I', 8) + struct.pack('<H', 2) + struct.pack('<HHIHH', 0x112, 3, 1, 6, 0) +
            struct.pack('<HHII', 0x10e, 2, len(PLACE) + 1, 38) + struct.pack('<I', 0) + PLACE + b'\0')
    quant = bytes([0]) + bytes([16 + rng.randrange(8)] * 64)
    one_code = bytes([1] + [0] * 15)  # Huffman tables of a single one-bit code each
    return (b'\xff\xd8' + segment(0xe1, b'Exif\0\0' + tiff) + segment(0xdb, quant) +
            segment(0xc0, struct.pack('>BHHBBBB', 8, 8, 8, 1, 1, 0x11, 0)) +
            segment(0xc4, b'\x00' + one_code + b'\x00') + segment(0xc4, b'\x10' + one_code + b'\x00') +
            segment(0xda, bytes([1, 1, 0, 0, 63, 0])) + b'\x3f' + b'\xff\xd9')
