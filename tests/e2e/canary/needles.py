"""needles.py - what is searched for, in which disguises, and whose it is.

Every person of the play is a canary: the name has characters that nothing else in the tree has, ID number, phone, card and
account are of runs that nobody else is given, and free texts and papers carry a word of their own.  So a shape finds the
candidates in one pass, and a table says whose they are.  What is masked (first six and last four digits, a surname) does
not have the shape.
"""
import base64
import gzip
import html
import io
import re
import urllib.parse
import zipfile
import zlib

# All of GB 2312 (two bytes in a bank's file); the mark itself is no part of any word that the platform writes.
MARK = '燚'
SYLLABLES = '安柏昌德恩芳耕浩吉凯岚茂宁欧鹏琦融松棠婉欣怡泽舟波晨栋峰刚晖'
WORD = 'kanarieT'  # free texts and papers: kanarieT000042

SHAPES = [
    re.compile(rb'(?<!\d)[1-9]\d{16}[\dX](?![\dA-Za-z])'),
    re.compile(rb'1990\d{7}'),  # behind +86 as well
    re.compile(rb'(?<!\d)629999\d{6}(?:\d{7})?(?!\d)'),
    re.compile(MARK.encode() + rb'[\x80-\xff]{6}'),
    re.compile(re.escape(MARK.encode('gb18030')) + rb'[\x80-\xff][\x40-\xff][\x80-\xff][\x40-\xff]'),
    re.compile(rb'kanarieT\d{6}'),
]
BASE64 = re.compile(rb'[A-Za-z0-9+/]{16,}|[A-Za-z0-9_-]{16,}')
HEX = re.compile(rb'[0-9a-fA-F]{16,}')
UUID = re.compile(rb'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')  # most of an answer, and disguises nothing
ESCAPED = re.compile(rb'\\u([0-9a-fA-F]{4})')
DEPTH = 3


def given_name(i):
    n = len(SYLLABLES)
    return MARK + SYLLABLES[i // n % n] + SYLLABLES[i % n]


class Owner:
    """Whose a secret is; of nobody in particular: all None."""

    def __init__(self, town=None, village=None, household=None, person=None):
        self.town, self.village, self.household, self.person = town, village, household, person


class Secrets:
    def __init__(self):
        self.known = {}  # bytes -> (kind, text, Owner)
        self.words = 0
        self.codes = None

    def add(self, kind, text, owner):
        for form in {text.encode(), text.encode('gb18030')}:
            self.known[form] = (kind, text, owner)

    def word(self, kind, owner):
        """A new word of free text, to be hidden in what somebody writes."""
        self.words += 1
        text = f'{WORD}{self.words:06d}'
        self.add(kind, text, owner)
        return text

    def add_codes(self, codes):
        """Diagnoses: codes of coded stays.  They are the dictionary's as well, so they are nobody's."""
        for code in codes:
            self.known[code.encode()] = ('diagnosis', code, Owner())
        self.codes = re.compile(rb'(?<![\w.])(?:' + b'|'.join(re.escape(c.encode()) for c in sorted(codes)) + rb')(?![\w.])')

    def _direct(self, data, found):
        for shape in SHAPES + ([self.codes] if self.codes else []):
            for text in shape.findall(data):
                if text in self.known:
                    found.add(text)

    def find(self, data, depth=DEPTH, found=None):
        """The secrets in these bytes, in the clear or in any disguise that a program gives them by itself."""
        found = set() if found is None else found
        if not data:
            return found
        self._direct(data, found)
        for inner in disguised(data) if depth else ():
            self.find(inner, depth - 1, found)
        return found


def unzipped(data):
    try:
        if data[:4] == b'PK\x03\x04':
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return [archive.read(name) for name in archive.namelist()]
        if data[:2] == b'\x1f\x8b':
            return [gzip.decompress(data)]
    except (OSError, EOFError, ValueError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        pass  # it only began like one
    return []


def disguised(data):
    """base64 and hex of all alignments, escapes of JSON, of URLs and of HTML, UTF-16, what is packed."""
    yield from unzipped(data)
    if data[:2] in (b'\xff\xfe', b'\xfe\xff'):
        yield data.decode('utf-16', errors='replace').encode()
    if b'\\u' in data:
        yield ESCAPED.sub(lambda m: chr(int(m[1], 16)).encode('utf-8', 'replace'), data)
    if b'%' in data:
        plain = urllib.parse.unquote_to_bytes(data)
        if plain != data:
            yield plain
    if b'&#' in data:
        yield html.unescape(data.decode(errors='replace')).encode()
    data = UUID.sub(b' ', data)
    for run in BASE64.finditer(data):
        text = run[0].translate(bytes.maketrans(b'-_', b'+/'))
        for shift in range(4):
            some = text[shift:]
            some = some[:len(some) - (len(some) % 4 == 1)]
            yield base64.b64decode(some + b'=' * (-len(some) % 4))
    for run in HEX.finditer(data):
        for shift in range(2):
            some = run[0][shift:].decode()
            yield bytes.fromhex(some[:len(some) // 2 * 2])


def check():
    """The scanner itself: every disguise is seen through, and what is masked is no find."""
    secrets, owner = Secrets(), Owner()
    name, number, phone, card = '王' + given_name(71), '32079919560302123X', '19901000071', '6299991234567890128'
    for kind, text in (('name', name[1:]), ('id', number), ('phone', phone), ('card', card)):
        secrets.add(kind, text, owner)
    secrets.add_codes({'K80.100'})
    text = f'{name} {number} +86{phone} {card} K80.100'.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('sheet1.xml', text)
    url = base64.urlsafe_b64encode(text).rstrip(b'=')
    disguises = [text, text.decode().encode('gb18030'), text.decode().encode('utf-16'), gzip.compress(text), packed.getvalue(),
                 text.hex().encode(), text.hex().upper().encode(), b'f' + text.hex().encode(), base64.b64encode(text), url,
                 b'{"data":"' + base64.b64encode(base64.b64encode(b'??' + text)) + b'"}', b'abc' + base64.b64encode(text),
                 ''.join(f'\\u{ord(c):04x}' for c in text.decode()).encode(), urllib.parse.quote_from_bytes(text).encode(),
                 ''.join(f'&#{ord(c)};' for c in text.decode()).encode()]
    for i, data in enumerate(disguises):
        kinds = {secrets.known[found][0] for found in secrets.find(data)}
        if kinds != {'name', 'id', 'phone', 'card', 'diagnosis'}:
            raise SystemExit(f'canary: the scanner does not see through disguise {i}: {sorted(kinds)}')
    masked = f'{name[0]}** {number[:6]}********{number[-4:]} {phone[:3]}****{phone[-4:]} {card[:6]}*********{card[-4:]} K80'
    if secrets.find(masked.encode()):
        raise SystemExit('canary: the scanner takes masked forms for finds')
