"""policy.py - who may be shown what (6.2.2c1, 9.2.3c), as data: every other find is a leak.

A row: role, rpc, kind of secret, how far it may lie from who sees it, and why.  Kinds: name, id (number), phone, card,
account (a payer's), diagnosis (codes of a coded stay), cause (of an injury, in the filer's words), paper (the contents of a
document), note (a coder's or reviewer's words), complaint.  Reach: OWN household < VILLAGE of a clerk < TOWN; NOBODY's are
codes, which the dictionaries have too.  FOREIGN - another township's - is in no row, and never will be.  Masked forms are
no finds, so there are no rows for them.
"""
import collections

REACHES = ('NOBODY', 'OWN', 'VILLAGE', 'TOWN')


class Row(collections.namedtuple('Row', 'role rpc kind reach why')):
    def say(self):
        return f'{self.role} {self.rpc}: {self.kind} ({self.reach}) - {self.why}'


def rows(role, rpcs, kinds, reach, why):
    return [Row(role, rpc, kind, reach, why) for rpc in rpcs.split() for kind in kinds.split()]


FILING = 'FileClaim AttachPaper SubmitClaim GetClaim AddPapers ChangePayee'

ROWS = (
    # The people themselves.
    rows('MEMBER', 'GetMyself', 'name', 'OWN', 'the name of the own account') +
    rows('MEMBER', 'GetPerson GetHousehold', 'name id phone', 'OWN', 'the own household\'s entry in the register') +
    rows('MEMBER', 'FileClaim AttachPaper SubmitClaim GetClaim ChangePayee', 'name cause', 'OWN', 'the own claim, as filed') +
    rows('MEMBER', 'ReadUpload', 'paper', 'OWN', 'the own papers') +
    # The clerk of a village: its households, and the claims that are filed through the clerk.
    rows('VILLAGE_CLERK', 'GetPerson GetHousehold FindPerson', 'name phone', 'VILLAGE',
         'knows the households and rings them up; the ID number is masked') +
    rows('VILLAGE_CLERK', 'ListHouseholds GetReceipt', 'name', 'VILLAGE', 'enrols and collects by household') +
    rows('VILLAGE_CLERK', FILING, 'name card cause', 'VILLAGE', 'fills in claims for those who cannot; the card is checked '
         'against the passbook') +
    rows('VILLAGE_CLERK', 'GetClaim', 'note', 'VILLAGE', 'which papers the coder wants, in the coder\'s words') +
    rows('VILLAGE_CLERK', 'ReadUpload', 'paper', 'VILLAGE', 'photographs the papers') +
    # The township.
    rows('TOWNSHIP_OFFICER', 'GetPerson GetHousehold FindPerson', 'name id phone', 'TOWN', 'keeps the register') +
    rows('TOWNSHIP_OFFICER', 'ListHouseholds GetReceipt', 'name', 'TOWN', 'keeps the register, collects') +
    rows('TOWNSHIP_OFFICER', 'GetClaim', 'name card cause', 'TOWN', 'judges claims, sees shared cards') +
    rows('TOWNSHIP_OFFICER', 'ReadUpload', 'paper', 'TOWN', 'judges claims') +
    rows('TOWNSHIP_OFFICER', 'GetBasis', 'diagnosis', 'NOBODY', 'checks each line\'s grouping basis (7.2.4b)') +
    rows('APPROVER', 'GetPerson GetHousehold ListHouseholds', 'name', 'TOWN', 'decides on register lists') +
    rows('APPROVER', 'GetClaim', 'name card cause', 'TOWN', 'approves payouts') +
    rows('APPROVER', 'ReadUpload', 'paper', 'TOWN', 'approves payouts') +
    rows('APPROVER', 'GetBasis', 'diagnosis', 'NOBODY', 'approves payouts with their basis (7.2.4b)') +
    rows('PAYER', 'GetPerson GetHousehold ListHouseholds', 'name', 'TOWN', 'answers the bank\'s questions on payees') +
    rows('PAYER', 'ExportBatch', 'name card account', 'TOWN', 'the bank\'s file is of names and cards; refunds go back to the '
         'account they came from') +
    # Illness without a name.
    rows('CODER', 'SearchCodes', 'diagnosis', 'NOBODY', 'the dictionary') +
    rows('CODER', 'ReadUpload', 'paper', 'TOWN', 'the papers of the job in hand alone') +
    rows('REVIEWER', 'SearchCodes', 'diagnosis', 'NOBODY', 'the dictionary') +
    rows('REVIEWER', 'TakeReview GetBasis', 'diagnosis', 'NOBODY', 'reviews codings') +
    rows('REVIEWER', 'GetClaim', 'cause', 'TOWN', 'asks whose fault an injury was (003-14)') +
    rows('REVIEWER', 'ReadUpload', 'paper', 'TOWN', 'the papers of what is being reviewed') +
    rows('DESIGNER', 'SearchCodes', 'diagnosis', 'NOBODY', 'the dictionary') +
    # Who checks them all.
    rows('AUDITOR', 'SearchCodes', 'diagnosis', 'NOBODY', 'the dictionary') +
    rows('AUDITOR', 'GetPerson GetHousehold FindPerson ListHouseholds GetReceipt', 'name', 'TOWN', 'real people, real '
         'receipts (9.3.1)') +
    rows('AUDITOR', 'GetClaim', 'name card cause', 'TOWN', 'audits claims and where their money went') +
    rows('AUDITOR', 'ReadUpload', 'paper', 'TOWN', 'audits claims') +
    rows('AUDITOR', 'GetBasis', 'diagnosis', 'NOBODY', 'audits prices') +
    # Accounts are of real people (9.3.1): who administers them reads their names, and nothing else of anybody.
    rows('SYSTEM_ADMIN', 'CreateAccount GetAccount ListAccounts', 'name', 'TOWN', 'a member\'s account has its name') +
    rows('SECURITY_ADMIN', 'GrantRole GetAccount ListAccounts', 'name', 'TOWN', 'a member\'s account has its name') +
    # Complaints: the words are their owner's and the approver's (10.1); for all others who and what is enough.
    rows('TOWNSHIP_OFFICER', 'GetComplaint AcceptComplaint AnswerComplaint', 'complaint', 'TOWN', 'owns complaints') +
    rows('APPROVER', 'GetComplaint AcceptComplaint AnswerComplaint', 'complaint', 'TOWN', 'owns complaints about the officer') +
    # What is written down: the name of an account is found by sorting and searching, so it is not sealed.
    rows('COLUMN', 'identity.account.display_name', 'name', 'ALL', 'the name of a member\'s account')
)

LABELLED = {'name', 'id', 'phone', 'card', 'account', 'cause', 'paper'}  # of a person; codes are looked for separately
HEALTH = {'TakeReview', 'GetBasis', 'GetJob', 'TakeJob'}  # of whom a claim's codes are labelled data as well
ACCOUNTS = {'CreateAccount', 'GetAccount', 'ListAccounts', 'GrantRole', 'GetMyself'}  # names of accounts are no label
SERVICES = ('identity', 'contributions', 'claims', 'coding', 'disbursement', 'disclosure', 'audit')
MUST_HOLD = ['claims.upload_piece.sealed', 'audit.record.body'] + [
    f'{service}.event.body' for service in SERVICES if service != 'audit']
MUST_BE_SEEN = ('name', 'id', 'phone', 'card', 'account', 'diagnosis', 'cause', 'paper', 'note')

BY_PLACE = {(row.role, row.rpc, row.kind): row for row in ROWS}


def row_for(role, place, kind, reach):
    """The row that allows this find, or None."""
    row = BY_PLACE.get((role, place, kind))
    if row is None or row.reach == reach:
        return row
    if reach not in REACHES or row.reach not in REACHES:
        return None
    return row if REACHES.index(reach) <= REACHES.index(row.reach) else None
