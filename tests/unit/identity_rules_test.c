/* Goal: every rule of identity on both sides of each of its boundaries. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "identity/rules.h"

static const struct policy djbh3 = {
    .length_min = 10,
    .classes_min = 3,
    .history = 5,
    .max_age_us = 90 * US_PER_DAY,
    .min_age_us = 3600 * US_PER_SECOND,
    .lock_failures = 5,
    .address_failures = 50,
    .lock_us = 1800 * US_PER_SECOND,
    .idle_us = 1800 * US_PER_SECOND,
    .absolute_us = 12 * 3600 * US_PER_SECOND,
    .one_time_us = US_PER_DAY,
};
static const instant_t noon = { INT64_C(1795320000) * US_PER_SECOND };

static instant_t
after(int64_t us)
{
    return (instant_t){ noon.us + us };
}

static void
expect(const char *name, err_t code, const struct err *err, const char *reason)
{
    if (reason ? code == ERR_OK || strcmp(err->reason, reason) != 0 : code != ERR_OK)
        fail_msg("%s: %s \"%s\" %s, expected %s", name, err_name(code), err->reason, err->text,
                 reason ? reason : "OK");
}

static void
passwords_obey_the_profile(void **state)
{
    static char long_enough[129], too_long[130];
    const struct {
        const char *name, *password, *reason;
    } cases[] = {
        { "ten characters of three kinds", "Tiankong7x", NULL },
        { "nine characters", "Tiankong7", PASSWORD_SHORT },
        { "ten characters of two kinds", "tiankong77", PASSWORD_CLASSES },
        { "lower, digit, sign", "tiankong7-", NULL },
        { "upper, lower, sign", "Tian-Kongx", NULL },
        { "ten Chinese characters are one kind", "天空之下稻田十里金黄", PASSWORD_CLASSES },
        { "Chinese, lower and digit", "天空之下稻田十里q7", NULL },
        { "characters are counted, not bytes", "天空之下q7Z", PASSWORD_SHORT },
        { "spaces are allowed", "dao tian 7 shi", NULL },
        { "128 characters", long_enough, NULL },
        { "129 characters", too_long, PASSWORD_LONG },
        { "a control character", "Tiankong7\tx", PASSWORD_CONTROL },
        { "the login name inside", "xWang.Fang77", PASSWORD_LOGIN_NAME },
        { "the login name backwards", "77gnaf.gnaWx", PASSWORD_LOGIN_NAME },
        { "the login name but one letter", "xWang.Gang77", NULL },
        { "a common word and digits", "Password123!", PASSWORD_COMMON },
        { "with the usual substitutions", "P@ssw0rd2026", PASSWORD_COMMON },
        { "behind digits", "2026!Admin", PASSWORD_COMMON },
        { "the platform's own name", "Huzhu@202611", PASSWORD_COMMON },
        { "a keyboard row", "Qwerty12345!", PASSWORD_COMMON },
        { "one letter and digits", "A1234567-89", PASSWORD_COMMON },
        { "digits and signs alone", "2026-11-22!", PASSWORD_CLASSES },
        { "a common word inside a longer one", "Passwordless7", NULL },
    };

    (void) state;
    for (size_t i = 0; i < 129; i++)
        too_long[i] = "Tiankong7-Daotian"[i % 17];
    memcpy(long_enough, too_long, 128);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = { 0 };
        expect(cases[i].name,
               rule_password(&djbh3, "wang.fang", cases[i].password, "$.newPassword", &err), &err,
               cases[i].reason);
        if (cases[i].reason)
            assert_string_equal(err.path, "$.newPassword");
    }
}

static void
the_two_profiles_differ_where_the_catalogues_do(void **state)
{
    struct identity_conf conf = { .password_profile = "asvs",
                                  .password_length_min = 10,
                                  .password_classes_min = 3,
                                  .password_history = 5,
                                  .password_max_age = 1000,
                                  .password_min_age = 1000 };
    struct policy policy;
    struct err err = { 0 };

    (void) state;
    assert_int_equal(policy_from_conf(&conf, &policy, &err), ERR_OK);
    expect("one kind", rule_password(&policy, "wang", "tiankongdaotian", "", &err), &err, NULL);
    expect("signs and digits", rule_password(&policy, "wang", "2026-11-22!", "", &err), &err,
           PASSWORD_COMMON);
    assert_int_equal(policy.max_age_us, 0);
    assert_int_equal(policy.history, 0);
    conf.password_profile = "djbh3";
    assert_int_equal(policy_from_conf(&conf, &policy, &err), ERR_OK);
    expect("one kind", rule_password(&policy, "wang", "tiankongdaotian", "", &err), &err,
           PASSWORD_CLASSES);
    conf.password_profile = "none";
    assert_int_equal(policy_from_conf(&conf, &policy, &err), ERR_INVALID);
}

static void
every_one_time_password_obeys_the_profile(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t random[16];
        char password[ONE_TIME_BYTES];
        struct err err = { 0 };

        for (size_t k = 0; k < 16; k++)
            random[k] = (uint8_t) (i * (k * 7 + 1) + k);
        one_time_password(random, password);
        assert_int_equal(strlen(password), 19);
        expect(password, rule_password(&djbh3, "secadmin", password, "", &err), &err, NULL);
    }
}

static void
a_password_is_due_on_its_day(void **state)
{
    const struct {
        const char *name;
        int64_t age_us;
        bool must_change, due;
    } cases[] = {
        { "the last moment", 90 * US_PER_DAY - 1, false, false },
        { "ninety days", 90 * US_PER_DAY, false, true },
        { "new, but to be changed", 0, true, true },
        { "new", 0, false, false },
    };
    struct policy ageless = djbh3;

    (void) state;
    ageless.max_age_us = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct account account = { .password_changed_at = after(-cases[i].age_us),
                                         .must_change = cases[i].must_change };
        if (password_is_due(&djbh3, &account, noon) != cases[i].due)
            fail_msg("%s", cases[i].name);
        assert_int_equal(password_is_due(&ageless, &account, noon), cases[i].must_change);
    }
}

static void
a_fresh_password_stays_an_hour(void **state)
{
    const struct {
        const char *name;
        int64_t age_us;
        bool must_change;
        const char *reason;
    } cases[] = {
        { "a microsecond short of it", 3600 * US_PER_SECOND - 1, false, PASSWORD_TOO_SOON },
        { "an hour old", 3600 * US_PER_SECOND, false, NULL },
        { "one-time", 0, true, NULL },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct account account = { .password_changed_at = after(-cases[i].age_us),
                                         .must_change = cases[i].must_change };
        struct err err = { 0 };
        expect(cases[i].name, rule_may_change_password(&djbh3, &account, noon, &err), &err,
               cases[i].reason);
    }
}

static void
the_fifth_failure_locks_for_half_an_hour(void **state)
{
    struct guard guard = { 0 };

    (void) state;
    for (int i = 1; i <= 4; i++) {
        assert_false(guard_fail(&guard, 5, djbh3.lock_us, after(i)));
        assert_false(guard_is_locked(&guard, after(i)));
    }
    assert_true(guard_fail(&guard, 5, djbh3.lock_us, after(5)));
    assert_true(guard_is_locked(&guard, after(5)));
    assert_true(guard_is_locked(&guard, after(5 + djbh3.lock_us - 1)));
    assert_false(guard_is_locked(&guard, after(5 + djbh3.lock_us)));

    /* After the lock one begins anew. */
    assert_false(guard_fail(&guard, 5, djbh3.lock_us, after(5 + djbh3.lock_us)));
    assert_int_equal(guard.failures, 1);
    assert_int_equal(guard.locked_until.us, 0);
}

static void
a_failure_counts_for_half_an_hour(void **state)
{
    struct guard recent = { .failures = 4, .last_failed_at = after(-djbh3.lock_us + 1) },
                 old = { .failures = 4, .last_failed_at = after(-djbh3.lock_us) };

    (void) state;
    assert_true(guard_fail(&recent, 5, djbh3.lock_us, noon));
    assert_false(guard_fail(&old, 5, djbh3.lock_us, noon));
    assert_int_equal(old.failures, 1);
    struct guard one = { 0 };
    assert_true(guard_fail(&one, 1, djbh3.lock_us, noon));
}

static void
who_may_come_in(void **state)
{
    const struct {
        const char *name;
        enum account_state account_state;
        int64_t one_time_us;
        const char *reason;
    } cases[] = {
        { "active", ACCOUNT_ACTIVE, 0, NULL },
        { "disabled", ACCOUNT_DISABLED, 0, SIGN_IN_DISABLED },
        { "without a first password", ACCOUNT_NEW, 0, SIGN_IN_DISABLED },
        { "one-time, last moment", ACCOUNT_ACTIVE, 1, NULL },
        { "one-time, over", ACCOUNT_ACTIVE, -1, SIGN_IN_ONE_TIME_EXPIRED },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct account account = {
            .state = cases[i].account_state,
            .one_time_until = cases[i].one_time_us ? after(cases[i].one_time_us) : (instant_t){ 0 },
        };
        struct err err = { 0 };
        expect(cases[i].name, rule_may_sign_in(&account, noon, &err), &err, cases[i].reason);
    }
    const struct account at_the_end = { .state = ACCOUNT_ACTIVE, .one_time_until = noon };
    struct err err = { 0 };
    expect("one-time, to the microsecond", rule_may_sign_in(&at_the_end, noon, &err), &err,
           SIGN_IN_ONE_TIME_EXPIRED);
}

static void
a_session_ends_idle_old_or_told_to(void **state)
{
    const struct {
        const char *name;
        int64_t seen_us, expires_us, ended_us;
        const char *reason;
    } cases[] = {
        { "just seen", 0, 1, 0, NULL },
        { "idle, last moment", -djbh3.idle_us + 1, 1, 0, NULL },
        { "idle for half an hour", -djbh3.idle_us, 1, 0, SESSION_IDLE },
        { "at its greatest age", 0, 0, 0, SESSION_EXPIRED },
        { "signed out", 0, 1, -1, SESSION_NONE },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct session session = {
            .last_seen_at = after(cases[i].seen_us),
            .expires_at = after(cases[i].expires_us),
            .ended_at = cases[i].ended_us ? after(cases[i].ended_us) : (instant_t){ 0 },
        };
        struct err err = { 0 };
        expect(cases[i].name, rule_session_is_alive(&djbh3, &session, noon, &err), &err,
               cases[i].reason);
    }
    const struct api_token alive = { .expires_at = after(1) }, over = { .expires_at = noon },
                           revoked = { .expires_at = after(1), .revoked_at = after(-1) };
    struct err err = { 0 };
    expect("alive", rule_token_is_alive(&alive, noon, &err), &err, NULL);
    expect("over", rule_token_is_alive(&over, noon, &err), &err, SESSION_NONE);
    expect("revoked", rule_token_is_alive(&revoked, noon, &err), &err, SESSION_NONE);
}

/* The pairs written out one by one, apart from pairs.def: 13 roles, each against each. */
static void
forbidden_pairs_are_forbidden_both_ways_and_no_others(void **state)
{
    /* 1 member, 2 village clerk, 3 township officer, 4 approver, 5 payer, 6 coder, 7 reviewer,
     * 8 designer, 9 auditor, 10 county viewer, 11 system, 12 security, 13 audit administrator */
    static const char *const matrix[14] = {
        [1] = "..........xxx",  [2] = "...xxxxxx.xxx",  [3] = "...xxxx.x.xxx",
        [4] = ".xx.xxxxx.xxx",  [5] = ".xxx.xxxx.xxx",  [6] = ".xxxx.xxx.xxx",
        [7] = ".xxxxx.xx.xxx",  [8] = ".x.xxxx.x.xxx",  [9] = ".xxxxxxx..xxx",
        [10] = "..........xxx", [11] = "xxxxxxxxxx.xx", [12] = "xxxxxxxxxxx.x",
        [13] = "xxxxxxxxxxxx.",
    };

    (void) state;
    for (int held = 1; held <= 13; held++) {
        for (int more = 1; more <= 13; more++) {
            struct err err = { 0 };
            const bool forbidden = matrix[held][more - 1] == 'x';
            char name[32];

            if (held == more)
                continue;
            assert_int_equal(forbidden, matrix[more][held - 1] == 'x');
            (void) snprintf(name, sizeof name, "%d holds %d", held, more);
            expect(name, rule_may_hold(UINT32_C(1) << held, more, &err), &err,
                   forbidden ? ROLE_FORBIDDEN_PAIR : NULL);
        }
    }
    for (int role = 1; role <= 13; role++) {
        struct err err = { 0 };
        expect("a first role", rule_may_hold(0, role, &err), &err, NULL);
    }
    struct err err = { 0 };
    expect("one of several", rule_may_hold((1u << 1) | (1u << 6), 7, &err), &err,
           ROLE_FORBIDDEN_PAIR);
}

static void
only_roles_of_people_are_granted(void **state)
{
    const struct {
        int number;
        const char *reason;
    } cases[] = { { -1, ROLE_UNKNOWN }, { 0, ROLE_UNKNOWN },  { 1, NULL },
                  { 13, NULL },         { 14, ROLE_UNKNOWN }, { 30, ROLE_UNKNOWN },
                  { 31, ROLE_UNKNOWN }, { 33, ROLE_UNKNOWN } };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = { 0 };
        char name[16];
        (void) snprintf(name, sizeof name, "%d", cases[i].number);
        expect(name, rule_role(cases[i].number, "$.role", &err), &err, cases[i].reason);
    }
    const struct id town = { { 1 } }, platform = { { 0 } };
    struct err err = { 0 };
    expect("a platform administrator", rule_role_fits_tenant(platform, 11, &err), &err, NULL);
    expect("a platform clerk", rule_role_fits_tenant(platform, 2, &err), &err, ROLE_PLATFORM);
    expect("a clerk of a town", rule_role_fits_tenant(town, 2, &err), &err, NULL);
}

static void
all_roles_of_an_account_hold_for_the_same_organisations(void **state)
{
    const struct id a = { { 1 } }, b = { { 2 } }, ab[] = { a, b }, ba[] = { b, a };
    struct err err = { 0 };

    (void) state;
    expect("the first role", rule_scope(0, NULL, 0, ab, 2, &err), &err, NULL);
    expect("the same", rule_scope(2, ab, 2, ba, 2, &err), &err, NULL);
    expect("narrower", rule_scope(2, ab, 2, &a, 1, &err), &err, ROLE_SCOPE_DIFFERS);
    expect("wider", rule_scope(2, &a, 1, ab, 2, &err), &err, ROLE_SCOPE_DIFFERS);
    expect("other", rule_scope(2, &a, 1, &b, 1, &err), &err, ROLE_SCOPE_DIFFERS);
}

static void
clearance_follows_the_least_privilege(void **state)
{
    (void) state;
    assert_int_equal(clearance_of(0, true), 0);
    assert_int_equal(clearance_of(ROLE_CODER, true), LABEL_HEALTH);
    assert_int_equal(clearance_of(ROLE_CODER, false), 0);
    assert_int_equal(clearance_of(ROLE_DESIGNER | ROLE_PAYER, false), LABEL_MONEY);
    assert_int_equal(clearance_of(ROLE_PAYER, true), LABEL_IDENTITY | LABEL_MONEY);
    assert_int_equal(clearance_of(ROLE_DESIGNER, true), LABEL_MONEY);
    assert_int_equal(clearance_of(ROLE_COUNTY_VIEWER, true), LABEL_MONEY);
    assert_int_equal(clearance_of(ROLE_VILLAGE_CLERK, true),
                     LABEL_IDENTITY | LABEL_HEALTH | LABEL_MONEY);
    assert_int_equal(clearance_of(ROLE_SYSTEM_ADMIN, true), 0);
    assert_int_equal(clearance_of(ROLE_SECURITY_ADMIN, true), 0);
    assert_int_equal(clearance_of(ROLE_AUDIT_ADMIN, true), 0);
    assert_int_equal(administrator_role(ROLE_SYSTEM_ADMIN), ROLE_SYSTEM_ADMIN);
    assert_int_equal(administrator_role(ROLE_CODER), 0);
}

static void
login_names_are_split_and_folded(void **state)
{
    static const struct {
        const char *text, *name, *code; /* name NULL: refused */
    } cases[] = {
        { "wang.fang@jingkou", "wang.fang", "jingkou" },
        { "Wang.Fang@JingKou", "wang.fang", "jingkou" },
        { "wang", "wang", "" },
        { "w", NULL, NULL },
        { "wf", "wf", "" },
        { ".wang@jingkou", NULL, NULL },
        { "wang.@jingkou", NULL, NULL },
        { "wang@", NULL, NULL },
        { "wang@j", NULL, NULL },
        { "wang@jing@kou", NULL, NULL },
        { "wang fang@jingkou", NULL, NULL },
        { "王芳@jingkou", NULL, NULL },
        { "", NULL, NULL },
    };
    char name[LOGIN_NAME_BYTES], code[TENANT_CODE_BYTES], text[200];

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (login_name_split(cases[i].text, name, code) != (cases[i].name != NULL))
            fail_msg("%s", cases[i].text);
        if (cases[i].name) {
            assert_string_equal(name, cases[i].name);
            assert_string_equal(code, cases[i].code);
        }
    }
    for (int size = 64; size <= 65; size++) {
        memset(text, 'a', sizeof text);
        text[size] = '\0';
        assert_int_equal(login_name_split(text, name, code), size == 64);
    }
    for (int size = 32; size <= 33; size++) {
        memset(text, 'a', sizeof text);
        text[3] = '@';
        text[4 + size] = '\0';
        assert_int_equal(login_name_split(text, name, code), size == 32);
    }
}

static void
names_and_codes_have_their_forms(void **state)
{
    char longest[304];
    struct err err = { 0 };

    (void) state;
    for (size_t i = 0; i < 300; i += 3)
        memcpy(longest + i, "镇", 4);
    expect("100 characters", rule_name(longest, "", &err), &err, NULL);
    memcpy(longest + 300, "x", 2);
    expect("101 characters", rule_name(longest, "", &err), &err, NAME_FORM);
    expect("none", rule_name("", "", &err), &err, NAME_FORM);
    expect("a new line", rule_name("京口\n", "", &err), &err, NAME_FORM);
    expect("a code", rule_tenant_code("jing-kou", "", &err), &err, NULL);
    expect("the platform's", rule_tenant_code("platform", "", &err), &err, TENANT_CODE_FORM);
    expect("one letter", rule_tenant_code("j", "", &err), &err, TENANT_CODE_FORM);
    expect("two letters", rule_tenant_code("jk", "", &err), &err, NULL);
    expect("upper case", rule_tenant_code("Jk", "", &err), &err, TENANT_CODE_FORM);
    expect("a login name", rule_login_name("wf", "", &err), &err, NULL);
    expect("a login name with an at", rule_login_name("wf@jk", "", &err), &err, LOGIN_NAME_FORM);
    expect("a township", rule_division_code("321102001", "", &err), &err, NULL);
    expect("eight digits", rule_division_code("32110200", "", &err), &err, ORGANISATION_CODE);
    expect("a letter", rule_division_code("32110a", "", &err), &err, ORGANISATION_CODE);
}

static void
an_organisation_lies_below_a_higher_one(void **state)
{
    const struct {
        const char *name;
        int child, parent; /* 0: none */
        size_t above;
        const char *reason;
    } cases[] = {
        { "a province alone", 1, 0, 0, NULL },
        { "a township alone", 4, 0, 0, NULL },
        { "a village of a township", 5, 4, 3, NULL },
        { "a village of a county", 5, 3, 2, NULL },
        { "a township of a township", 4, 4, 3, ORGANISATION_LEVEL },
        { "a county of a village", 3, 5, 1, ORGANISATION_LEVEL },
        { "no level", 0, 0, 0, ORGANISATION_LEVEL },
        { "a sixth level", 6, 5, 4, ORGANISATION_LEVEL },
    };

    (void) state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct organisation child = { .level = (enum organisation_level) cases[i].child },
                                  parent = { .level = (enum organisation_level) cases[i].parent,
                                             .ancestor_count = cases[i].above };
        struct err err = { 0 };
        expect(cases[i].name, rule_organisation(&child, cases[i].parent ? &parent : NULL, &err),
               &err, cases[i].reason);
    }
}

static void
an_account_moves_as_its_table_says_and_not_otherwise(void **state)
{
    static const enum account_state to[4][3] = {
        [ACCOUNT_NEW] = { ACCOUNT_ACTIVE, ACCOUNT_DISABLED, 0 },
        [ACCOUNT_ACTIVE] = { ACCOUNT_ACTIVE, ACCOUNT_DISABLED, 0 },
        [ACCOUNT_DISABLED] = { 0, 0, ACCOUNT_NEW },
    };

    (void) state;
    for (int from = ACCOUNT_NEW; from <= ACCOUNT_DISABLED; from++) {
        for (int on = ON_PASSWORD_SET; on <= ON_ENABLE; on++) {
            struct account account = { .state = (enum account_state) from };
            struct err err = { 0 };
            const err_t code = account_move(&account, (enum account_event) on, &err);

            if (to[from][on] == 0) {
                assert_int_equal(code, ERR_CONFLICT);
                assert_string_equal(err.reason, ACCOUNT_MOVED_ON);
                assert_int_equal(account.state, from);
            } else {
                assert_int_equal(code, ERR_OK);
                assert_int_equal(account.state, to[from][on]);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_obey_the_profile),
        cmocka_unit_test(the_two_profiles_differ_where_the_catalogues_do),
        cmocka_unit_test(every_one_time_password_obeys_the_profile),
        cmocka_unit_test(a_password_is_due_on_its_day),
        cmocka_unit_test(a_fresh_password_stays_an_hour),
        cmocka_unit_test(the_fifth_failure_locks_for_half_an_hour),
        cmocka_unit_test(a_failure_counts_for_half_an_hour),
        cmocka_unit_test(who_may_come_in),
        cmocka_unit_test(a_session_ends_idle_old_or_told_to),
        cmocka_unit_test(forbidden_pairs_are_forbidden_both_ways_and_no_others),
        cmocka_unit_test(only_roles_of_people_are_granted),
        cmocka_unit_test(all_roles_of_an_account_hold_for_the_same_organisations),
        cmocka_unit_test(clearance_follows_the_least_privilege),
        cmocka_unit_test(login_names_are_split_and_folded),
        cmocka_unit_test(names_and_codes_have_their_forms),
        cmocka_unit_test(an_organisation_lies_below_a_higher_one),
        cmocka_unit_test(an_account_moves_as_its_table_says_and_not_otherwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
