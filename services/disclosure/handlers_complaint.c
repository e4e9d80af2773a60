/* handlers_complaint.c - notices to people, and complaints from them. */
#include <stdio.h>
#include <string.h>

#include "clock/calendar.h"
#include "crypto/crypto.h"
#include "handlers.h"
#include "pages.h"
#include "rules.h"
#include "store.h"
#include "wire.h"

#define STAFF (ROLE_VILLAGE_CLERK | ROLE_TOWNSHIP_OFFICER | ROLE_APPROVER)

static err_t
no_memory(struct call *c)
{
    return err_set(&c->err, ERR_LIMITED, "rpc.too_large", "the list is too long");
}

/* --- notices --- */

err_t
disclosure_list_notices(struct call *c, const Disclosure__ListNoticesRequest *in,
                        Disclosure__ListNoticesReply *out)
{
    struct notice *list;
    struct id before;
    size_t count;
    int limit;

    TRY(list_in(in->page_size, in->page_token, &limit, &before, &c->err));
    TRY(notice_list(c, before, in->unread_only, limit, &list, &count));
    out->notices = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!out->notices)
        return no_memory(c);
    for (; out->n_notices < count; out->n_notices++)
        TRY(notice_to_wire(c, &list[out->n_notices], &out->notices[out->n_notices]));
    return token_out(c, count ? list[count - 1].id : (struct id){ { 0 } }, count == (size_t) limit,
                     &out->next_page_token);
}

err_t
disclosure_mark_notice_read(struct call *c, const Disclosure__MarkNoticeReadRequest *in,
                            Disclosure__MarkNoticeReadReply *out)
{
    struct notice notice;
    struct id id;

    TRY(id_from_wire(in->notice_id, "$.noticeId", &id, &c->err));
    TRY(notice_read(c, id, &notice));
    return notice_to_wire(c, &notice, &out->notice);
}

/* --- filing --- */

static err_t
complaint_in(struct call *c, const Disclosure__FileComplaintRequest *in, struct complaint *k)
{
    const bool staff = call_has(c, STAFF);
    const date_t today = date_of(c->now);

    *k = (struct complaint){ .state = COMPLAINT_FILED,
                             .category = (int) in->category,
                             .severity = in->severity ? (int) in->severity : 1,
                             .channel = in->channel ? (int) in->channel : 1,
                             .text = in->text,
                             .contact = in->contact,
                             .account = c->account,
                             .person = c->person,
                             .received_on = today,
                             .filed_at = c->now };
    TRY(id_from_wire(in->complaint_id, "$.complaintId", &k->id, &c->err));
    if (k->category < 1 || k->category > 10)
        return err_at(&c->err, ERR_INVALID, "$.category", COMPLAINT_FIELD, "no such category");
    if (k->severity < 1 || k->severity > 2)
        return err_at(&c->err, ERR_INVALID, "$.severity", COMPLAINT_FIELD, "no such severity");
    if (k->channel < 1 || k->channel > 5)
        return err_at(&c->err, ERR_INVALID, "$.channel", COMPLAINT_FIELD, "no such channel");
    TRY(rule_text(in->text, 1, COMPLAINT_TEXT_MAX, "$.text", &c->err));
    TRY(rule_text(in->contact, 0, COMPLAINT_CONTACT_MAX, "$.contact", &c->err));
    TRY(optional_id_in(in->village_id, "$.villageId", &k->village, &c->err));
    TRY(optional_id_in(in->claim_id, "$.claimId", &k->claim, &c->err));
    TRY(optional_id_in(in->publication_id, "$.publicationId", &k->publication, &c->err));
    TRY(optional_id_in(in->about_id, "$.aboutId", &k->about, &c->err));
    if (!staff && (k->channel != 1 || in->received_on))
        return err_at(&c->err, ERR_FORBIDDEN, "$.channel", COMPLAINT_STAFF, "staff alone");
    if (in->received_on)
        k->received_on.days = in->received_on->days;
    if (k->received_on.days > today.days || k->received_on.days < today.days - 60)
        return err_at(&c->err, ERR_INVALID, "$.receivedOn", COMPLAINT_DAY, "out of range");
    return ERR_OK;
}

static err_t
bars_of(struct call *c, const struct complaint *k, struct complaint_bars *bars)
{
    struct claim_people people = { 0 };

    if (!id_is_nil(k->claim))
        TRY(claim_people(c, k->claim, &people));
    *bars = (struct complaint_bars){ k->about, people.coder, people.reviewer };
    return ERR_OK;
}

static err_t
owner_choose(struct call *c, struct complaint *k)
{
    const Contributions__Programme **programmes;
    struct complaint_bars bars;
    struct id responsible = { { 0 } }, *staff;
    size_t count, staff_count;

    TRY(bars_of(c, k, &bars));
    TRY(programme_list(c, &programmes, &count));
    for (size_t i = 0; i < count && id_is_nil(responsible); i++)
        TRY(optional_id_in(programmes[i]->responsible_account_id, "responsible_account_id",
                           &responsible, &c->err));
    TRY(staff_handlers(c, &staff, &staff_count));
    if (!complaint_owner_choose(&bars, responsible, staff, staff_count, &k->owner))
        return err_set(&c->err, ERR_REFUSED, COMPLAINT_OWNER, "nobody may own it");
    return ERR_OK;
}

/* TS-code-yyyymmdd-seq, of the day of receipt. */
static err_t
number_make(struct call *c, struct complaint *k)
{
    struct profile profile;
    int sequence, y, m, d;

    TRY(profile_get(c, &profile));
    TRY(complaint_number_next(c, k->received_on, &sequence));
    date_to_civil(k->received_on, &y, &m, &d);
    k->number = arena_printf(c->arena, "TS-%s-%04d%02d%02d-%03d", profile.code, y, m, d, sequence);
    return k->number ? ERR_OK : no_memory(c);
}

/* Ten characters without those that are read wrong: 49 bits, and five tries. */
static void
code_make(char code[static COMPLAINT_CODE_CHARS + 1])
{
    static const char letters[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"; /* 31 */

    for (int i = 0; i < COMPLAINT_CODE_CHARS;) {
        uint8_t byte;
        random_bytes(&byte, 1);
        if (byte < 248) /* a multiple of 31: each letter is as likely */
            code[i++] = letters[byte % 31];
    }
    code[COMPLAINT_CODE_CHARS] = '\0';
}

err_t
disclosure_file_complaint(struct call *c, const Disclosure__FileComplaintRequest *in,
                          Disclosure__FileComplaintReply *out)
{
    const struct disclosure_conf *conf = c->conf;
    const struct complaint_days days = { (int) conf->complaint_accept_days,
                                         (int) conf->complaint_reply_days,
                                         (int) conf->complaint_urgent_days };
    char code[COMPLAINT_CODE_CHARS + 1], hash[256] = "";
    struct complaint k;

    TRY(complaint_in(c, in, &k));
    TRY(owner_choose(c, &k));
    complaint_set_days(&k, &days);
    code_make(code);
    TRY(password_hash(code, (struct password_cost){ 2, 19456, 1 }, hash, &c->err));
    TRY(number_make(c, &k));
    TRY(complaint_insert(c, &k, hash));
    TRY(complaint_step(c, k.id, "FILE", ""));
    TRY(emit_complaint_filed(c, &k));
    out->complaint_id = id_to_wire(c, k.id);
    out->number = call_text(c, k.number);
    out->code = call_text(c, code);
    out->accept_by = date_to_wire(c, k.accept_by);
    out->reply_by = date_to_wire(c, k.reply_by);
    out->owner_id = id_to_wire(c, k.owner);
    return out->number && out->code && out->accept_by && out->reply_by ? ERR_OK : no_memory(c);
}

err_t
disclosure_lodge_complaint(struct call *c, const Disclosure__LodgeComplaintRequest *in,
                           Disclosure__LodgeComplaintReply *out)
{
    Disclosure__FileComplaintRequest same = DISCLOSURE__FILE_COMPLAINT_REQUEST__INIT;
    Disclosure__FileComplaintReply reply = DISCLOSURE__FILE_COMPLAINT_REPLY__INIT;

    same.complaint_id = in->complaint_id;
    same.category = in->category;
    same.severity = in->severity;
    same.text = in->text;
    same.contact = in->contact;
    same.village_id = in->village_id;
    same.claim_id = in->claim_id;
    same.publication_id = in->publication_id;
    same.about_id = in->about_id;
    TRY(disclosure_file_complaint(c, &same, &reply));
    out->complaint_id = reply.complaint_id;
    out->number = reply.number;
    out->code = reply.code;
    out->accept_by = reply.accept_by;
    out->reply_by = reply.reply_by;
    out->owner_id = reply.owner_id;
    return ERR_OK;
}

/* A wrong code is no error: the count of tries must be stored. */
err_t
disclosure_show_complaint_state(struct call *c, const Disclosure__ShowComplaintStateRequest *in,
                                Disclosure__ShowComplaintStateReply *out)
{
    struct complaint_code known;
    struct complaint complaint;
    struct profile profile;
    bool right = false;

    TRY(rule_text(in->number, 0, 60, "$.number", &c->err));
    TRY(rule_text(in->code, 0, 20, "$.code", &c->err));
    TRY(profile_get(c, &profile));
    TRY(complaint_by_number(c, in->number, &known));
    if (!id_is_nil(known.id) && known.hash[0] && known.wrong < COMPLAINT_TRIES_MAX) {
        right = password_matches(known.hash, in->code);
        TRY(complaint_code_tried(c, known.id, right));
    }
    if (right)
        TRY(complaint_get(c, known.id, true, &complaint));
    out->content_type = (char *) "text/html; charset=utf-8";
    out->file_name = (char *) "";
    return page_of_complaint(c, &profile, right ? &complaint : NULL, &out->body);
}

/* --- handling --- */

/* Who handles complaints sees those of the township; who is complained about sees nothing of it. */
static err_t
may_see(struct call *c, const struct complaint *k)
{
    if (id_cmp(k->about, c->account) == 0 && !id_is_nil(k->about))
        return err_set(&c->err, ERR_NOT_FOUND, COMPLAINT_GONE, "no such complaint");
    if (id_cmp(k->owner, c->account) != 0 && !call_covers(c, k->village))
        return err_set(&c->err, ERR_NOT_FOUND, COMPLAINT_GONE, "no such complaint");
    return ERR_OK;
}

static err_t
steps_out(struct call *c, Disclosure__Complaint *out, struct id id)
{
    struct complaint_step_row *rows;
    size_t count;

    TRY(complaint_steps(c, id, &rows, &count));
    out->steps = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!out->steps)
        return no_memory(c);
    for (; out->n_steps < count; out->n_steps++) {
        Disclosure__Complaint__Step *step = arena_alloc(c->arena, sizeof *step);
        if (!step)
            return no_memory(c);
        disclosure__complaint__step__init(step);
        step->step = (uint32_t) rows[out->n_steps].step;
        step->what = (char *) rows[out->n_steps].what;
        step->by = id_to_wire(c, rows[out->n_steps].by);
        step->at = instant_to_wire(c, rows[out->n_steps].at);
        out->steps[out->n_steps] = step;
    }
    return ERR_OK;
}

/* The complaint's words are its owner's and his superiors'; of the others, who and what is enough.
 */
static err_t
answer_out(struct call *c, struct complaint *k, Disclosure__Complaint **out)
{
    if (id_cmp(k->owner, c->account) != 0 && !call_has(c, ROLE_APPROVER))
        k->text = k->contact = "";
    if (k->text[0])
        call_saw(c, LABEL_IDENTITY, k->person);
    TRY(complaint_to_wire(c, k, complaint_is_overdue(k, date_of(c->now)), out));
    return steps_out(c, *out, k->id);
}

err_t
disclosure_get_complaint(struct call *c, const Disclosure__GetComplaintRequest *in,
                         Disclosure__GetComplaintReply *out)
{
    struct complaint k;
    struct id id;

    TRY(id_from_wire(in->complaint_id, "$.complaintId", &id, &c->err));
    TRY(complaint_get(c, id, true, &k));
    TRY(may_see(c, &k));
    return answer_out(c, &k, &out->complaint);
}

err_t
disclosure_list_complaints(struct call *c, const Disclosure__ListComplaintsRequest *in,
                           Disclosure__ListComplaintsReply *out)
{
    const date_t today = date_of(c->now);
    struct complaint_filter filter = { .late = in->overdue ? today : (date_t){ 0 } };
    struct complaint *list;
    struct err scratch = { 0 };
    size_t count;

    TRY(list_in(in->page_size, in->page_token, &filter.limit, &filter.before, &c->err));
    if ((int) in->state < 0 || (int) in->state > COMPLAINT_TRANSFERRED)
        return err_at(&c->err, ERR_INVALID, "$.state", COMPLAINT_FIELD, "no such state");
    filter.state = (enum complaint_state) in->state;
    TRY(complaint_list(c, &filter, &list, &count));
    out->complaints = arena_alloc(c->arena, (count + 1) * sizeof(void *));
    if (!out->complaints)
        return no_memory(c);
    for (size_t i = 0; i < count; i++) {
        if (may_see(c, &list[i]) != ERR_OK) {
            c->err = scratch;
            continue;
        }
        TRY(complaint_to_wire(c, &list[i], complaint_is_overdue(&list[i], today),
                              &out->complaints[out->n_complaints++]));
    }
    return token_out(c, count ? list[count - 1].id : (struct id){ { 0 } },
                     count == (size_t) filter.limit, &out->next_page_token);
}

/* The complaint, locked, for its owner alone. */
static err_t
own_complaint(struct call *c, const Huzhu__Id *wire_id, struct complaint *k)
{
    struct id id;

    TRY(id_from_wire(wire_id, "$.complaintId", &id, &c->err));
    TRY(complaint_lock(c, id, k));
    TRY(may_see(c, k));
    if (id_cmp(k->owner, c->account) != 0)
        return err_set(&c->err, ERR_FORBIDDEN, COMPLAINT_NOT_OWNER, "another person owns it");
    return ERR_OK;
}

static err_t
step_take(struct call *c, struct complaint *k, enum complaint_event on, const char *note,
          Disclosure__Complaint **out)
{
    const enum complaint_state from = k->state;

    TRY(complaint_move(k, on, &c->err));
    TRY(complaint_put(c, k));
    TRY(complaint_step(c, k->id, complaint_event_name(on), note));
    TRY(emit_complaint_moved(c, k, from));
    return answer_out(c, k, out);
}

err_t
disclosure_accept_complaint(struct call *c, const Disclosure__AcceptComplaintRequest *in,
                            Disclosure__AcceptComplaintReply *out)
{
    struct complaint k;

    TRY(own_complaint(c, in->complaint_id, &k));
    return step_take(c, &k, ON_ACCEPT, "", &out->complaint);
}

err_t
disclosure_answer_complaint(struct call *c, const Disclosure__AnswerComplaintRequest *in,
                            Disclosure__AnswerComplaintReply *out)
{
    struct complaint k;

    if ((int) in->outcome < 1 || (int) in->outcome > 3)
        return err_at(&c->err, ERR_INVALID, "$.outcome", COMPLAINT_FIELD, "no such outcome");
    TRY(rule_text(in->answer, 1, COMPLAINT_TEXT_MAX, "$.answer", &c->err));
    TRY(own_complaint(c, in->complaint_id, &k));
    k.outcome = (int) in->outcome;
    k.answer = in->answer;
    return step_take(c, &k, ON_ANSWER, "", &out->complaint);
}

err_t
disclosure_extend_complaint(struct call *c, const Disclosure__ExtendComplaintRequest *in,
                            Disclosure__ExtendComplaintReply *out)
{
    struct complaint k;
    bool provisional;

    if (in->workdays < 1 || in->workdays > COMPLAINT_EXTENSION_MAX)
        return err_at(&c->err, ERR_INVALID, "$.workdays", COMPLAINT_DAYS, "1 to %d",
                      COMPLAINT_EXTENSION_MAX);
    TRY(rule_text(in->reason, 1, NOTE_CHARS_MAX, "$.reason", &c->err));
    TRY(own_complaint(c, in->complaint_id, &k));
    if (k.extended)
        return err_set(&c->err, ERR_REFUSED, COMPLAINT_TWICE, "it was extended before");
    k.reply_by = calendar_add_workdays(k.reply_by, (int) in->workdays, &provisional);
    k.provisional = k.provisional || provisional;
    k.extended = true;
    return step_take(c, &k, ON_EXTEND, in->reason, &out->complaint);
}

err_t
disclosure_transfer_complaint(struct call *c, const Disclosure__TransferComplaintRequest *in,
                              Disclosure__TransferComplaintReply *out)
{
    struct complaint_bars bars;
    struct complaint k;
    struct id owner;

    TRY(optional_id_in(in->owner_id, "$.ownerId", &owner, &c->err));
    TRY(rule_text(in->reason, 1, NOTE_CHARS_MAX, "$.reason", &c->err));
    TRY(own_complaint(c, in->complaint_id, &k));
    if (id_is_nil(owner))
        return step_take(c, &k, ON_SEND_AWAY, in->reason, &out->complaint);
    TRY(bars_of(c, &k, &bars));
    if (complaint_is_barred(&bars, owner))
        return err_at(&c->err, ERR_REFUSED, "$.ownerId", COMPLAINT_CONFLICT,
                      "complained about, or of the claim");
    k.owner = owner;
    return step_take(c, &k, ON_TRANSFER, in->reason, &out->complaint);
}
