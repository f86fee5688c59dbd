/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/online.h"

#include <string.h>

#include <migrate/driver.h>

#include "sql/online_table.h"

/* The statement's shape, for both of the questions. */
struct target {
    enum { NOT_ONE, ALTER, CREATE_INDEX, DROP_INDEX } verb;
    struct mig_cursor clauses;     /* ALTER: behind the table's name and WAIT */
    struct mig_alter_clause index; /* CREATE and DROP INDEX as the clause they stand for */
    struct mig_alter_clause whole; /* all of the text */
    const char *name;              /* slice: the table */
    const char *name_end;
    const char *index_end; /* DROP INDEX: behind the index's name, which begins at index.begin */
};

/* ------------------------------------------------------------------ reading */

/* Takes a qualified name; its slice. The end is where its last token ends, before any comment. */
static bool take_slice(struct mig_cursor *c, const char **begin, const char **end)
{
    *begin = c->tok.text;
    for (;;) {
        if (c->tok.kind != MIG_TOKEN_WORD && c->tok.kind != MIG_TOKEN_QUOTED) {
            return false;
        }
        *end = c->tok.text + c->tok.len;
        mig_cur_next(c);
        if (!mig_cur_take_punct(c, '.')) {
            return true;
        }
    }
}

static bool read_alter(struct mig_cursor *c, struct target *t)
{
    if (!mig_alter_take_head(c)) {
        return false;
    }
    mig_cur_take(c, "IF EXISTS");
    t->verb = ALTER;
    if (!take_slice(c, &t->name, &t->name_end)) {
        return false;
    }
    mig_alter_take_wait(c);
    t->clauses = *c;
    return !mig_cur_end(c) && !mig_cur_at_punct(c, ',');
}

static bool read_create_index(struct mig_cursor *c, struct target *t)
{
    mig_cur_take(c, "OR REPLACE");
    mig_cur_take_any(c, "ONLINE OFFLINE");
    t->index.kind = MIG_ALTER_ADD_INDEX;
    if (mig_cur_take(c, "FULLTEXT")) {
        t->index.kind = MIG_ALTER_ADD_FULLTEXT;
    } else if (mig_cur_take_any(c, "SPATIAL VECTOR")) {
        t->index.kind = MIG_ALTER_ADD_SPATIAL;
    } else if (mig_cur_take(c, "UNIQUE")) {
        t->index.flags |= MIG_ALTER_UNIQUE;
    }
    if (!mig_cur_take(c, "INDEX") || !mig_cur_find(c, "ON", 0)) {
        return false;
    }
    mig_cur_next(c);
    if (!take_slice(c, &t->name, &t->name_end)) {
        return false;
    }
    t->clauses = *c;
    mig_alter_index_parts(c, &t->index);
    t->verb = CREATE_INDEX;
    return true;
}

static bool read_drop_index(struct mig_cursor *c, struct target *t)
{
    mig_cur_take_any(c, "ONLINE OFFLINE");
    if (!mig_cur_take(c, "INDEX")) {
        return false;
    }
    t->index.begin = c->tok.text;
    mig_cur_take(c, "IF EXISTS");
    t->index.kind = MIG_ALTER_DROP_INDEX;
    if (mig_alter_is_primary(&c->tok)) {
        t->index.kind = MIG_ALTER_DROP_PRIMARY;
    }
    t->index_end = c->tok.text + c->tok.len;
    mig_cur_next(c);
    if (!mig_cur_take(c, "ON") || !take_slice(c, &t->name, &t->name_end)) {
        return false;
    }
    t->clauses = *c;
    t->verb = DROP_INDEX;
    return true;
}

static bool read_target(const struct mig_sql_dialect_info *di, const char *text, size_t len, struct target *t)
{
    struct mig_cursor c;

    memset(t, 0, sizeof *t);
    if (di->dialect != MIGRATE_DIALECT_MYSQL) {
        return false;
    }
    t->whole.begin = text;
    t->whole.end = text + len;
    mig_cur_init(&c, di, text, len);
    if (mig_cur_take(&c, "CREATE")) {
        return read_create_index(&c, t);
    }
    if (mig_cur_take(&c, "DROP")) {
        return read_drop_index(&c, t);
    }
    return read_alter(&c, t);
}

/* CREATE and DROP INDEX: ALGORITHM or LOCK behind the rest. */
static bool index_asks(const struct target *t)
{
    struct mig_cursor c = t->clauses;

    while (!mig_cur_end(&c)) {
        if (mig_cur_at_any(&c, "ALGORITHM LOCK")) {
            return true;
        }
        mig_cur_skip(&c);
    }
    return false;
}

/* ------------------------------------------------------------------ weighing */

struct weight {
    struct mig_sql_online *o;
    enum mig_sql_algorithm asks; /* heaviest that a clause has to ask for */
    bool new_rows;
    bool builds;
    bool adds_virtual;
    bool drops_primary;
    bool adds_primary;
    struct mig_online_cost primary; /* of DROP PRIMARY KEY, held back */
    struct mig_alter_clause primary_clause;
};

static void add_cost(struct weight *w, const struct mig_online_cost *cost,
                     const struct mig_alter_clause *clause)
{
    struct mig_sql_online *o = w->o;

    if (cost->algorithm > o->algorithm) {
        o->algorithm = cost->algorithm;
        o->lock = cost->lock;
        o->reason = cost->reason;
        o->clause = clause->begin;
        o->clause_len = (size_t)(clause->end - clause->begin);
    } else if (cost->algorithm == o->algorithm && cost->lock > o->lock) {
        o->lock = cost->lock;
        o->reason = cost->reason;
        o->clause = clause->begin;
        o->clause_len = (size_t)(clause->end - clause->begin);
    }
    w->asks = cost->asks > w->asks ? cost->asks : w->asks;
    o->best = cost->best > o->best ? cost->best : o->best;
    o->known = o->known && cost->known;
    o->clause_refused = o->clause_refused || cost->refused;
    w->new_rows = w->new_rows || cost->new_rows;
    w->builds = w->builds || cost->builds;
    w->adds_virtual = w->adds_virtual || cost->adds_virtual;
}

/* A slice without the blanks behind it. */
static void trim(struct mig_alter_clause *clause)
{
    while (clause->end > clause->begin && (unsigned char)clause->end[-1] <= ' ') {
        clause->end--;
    }
    if (clause->end > clause->begin && clause->end[-1] == ',') {
        clause->end--;
    }
}

static void weigh_alter(const struct mig_sql_dialect_info *di, struct target *t, struct weight *w)
{
    struct mig_alter_clause clause;

    while (mig_alter_next(&t->clauses, &clause)) {
        struct mig_online_cost cost = mig_online_clause_cost(di, &clause);
        trim(&clause);
        if (clause.kind == MIG_ALTER_ALGORITHM || clause.kind == MIG_ALTER_LOCK) {
            w->o->asked = true;
        } else if (clause.kind == MIG_ALTER_DROP_PRIMARY) {
            w->drops_primary = true;
            w->primary = cost;
            w->primary_clause = clause;
        } else {
            w->adds_primary = w->adds_primary || clause.kind == MIG_ALTER_ADD_PRIMARY;
            add_cost(w, &cost, &clause);
        }
    }
    /* Dropping the key is a copy on Oracle's servers, exchanging it for another is not. */
    if (w->drops_primary && !w->adds_primary) {
        add_cost(w, &w->primary, &w->primary_clause);
    }
}

/* MariaDB: what costs more together than each alone. */
static void side_by_side(const struct mig_sql_dialect_info *di, struct weight *w)
{
    struct mig_sql_online *o = w->o;

    if (w->adds_virtual && w->new_rows) {
        struct mig_online_cost copy = mig_online_copy_cost(di);
        o->algorithm = copy.algorithm;
        o->lock = copy.lock;
        w->asks = copy.asks;
        o->reason = "a virtual column beside changes of other columns";
    } else if (o->algorithm == MIG_SQL_ALGORITHM_NOCOPY && w->new_rows && w->builds) {
        o->algorithm = MIG_SQL_ALGORITHM_INPLACE;
        w->asks = MIG_SQL_ALGORITHM_INPLACE;
        o->reason = "columns and an index at once: the table is rebuilt";
    }
    o->best = o->known ? o->algorithm : o->best;
}

static void weigh(const struct mig_sql_dialect_info *di, struct target *t, struct weight *w)
{
    struct mig_sql_online *o = w->o;

    o->known = true;
    if (t->verb == ALTER) {
        weigh_alter(di, t, w);
    } else {
        struct mig_online_cost cost = mig_online_clause_cost(di, &t->index);
        add_cost(w, &cost, &t->whole);
        o->asked = index_asks(t);
    }
    if (di->mariadb) {
        side_by_side(di, w);
    }
}

void mig_sql_online(const struct mig_sql_dialect_info *di, const char *text, size_t len,
                    struct mig_sql_online *out)
{
    struct target t;
    struct weight w = { .o = out };

    memset(out, 0, sizeof *out);
    if (read_target(di, text, len, &t)) {
        weigh(di, &t, &w);
    }
}

/* ------------------------------------------------------------------ saying */

const char *mig_sql_algorithm_name(enum mig_sql_algorithm algorithm)
{
    static const char *const names[] = { "", "INSTANT", "NOCOPY", "INPLACE", "COPY" };

    return names[algorithm];
}

const char *mig_sql_lock_name(enum mig_sql_lock lock)
{
    static const char *const names[] = { "NONE", "SHARED", "EXCLUSIVE" };

    return names[lock];
}

void mig_sql_online_text(const struct mig_sql_online *o, struct mig_buf *out)
{
    if (o->algorithm == MIG_SQL_ALGORITHM_NONE) {
        return;
    }
    if (!o->known && o->best != o->algorithm) {
        mig_buf_fmt(out, "%s to ", mig_sql_algorithm_name(o->best));
    }
    mig_buf_str(out, mig_sql_algorithm_name(o->algorithm));
    if (o->algorithm != MIG_SQL_ALGORITHM_INSTANT) {
        mig_buf_fmt(out, ", lock %s", mig_sql_lock_name(o->lock));
    }
    if (o->reason != NULL) {
        mig_buf_fmt(out, ": %s", o->reason);
    }
}

/* ------------------------------------------------------------------ requiring */

/* The clauses to ask for: the lightest algorithm that will do, never a copy. */
static void ask(const struct weight *w, const char *between, struct mig_buf *out)
{
    bool shared = w->o->algorithm < MIG_SQL_ALGORITHM_COPY && w->o->lock == MIG_SQL_LOCK_SHARED;

    mig_buf_fmt(out, "ALGORITHM=%s", mig_sql_algorithm_name(w->asks));
    if (w->asks != MIG_SQL_ALGORITHM_INSTANT) { /* Oracle's servers refuse LOCK=NONE beside it */
        mig_buf_fmt(out, "%sLOCK=%s", between, shared ? "SHARED" : "NONE");
    }
}

/* Behind the table's name, where neither partitioning nor a trailing comment is in the way. */
static void require_alter(const struct weight *w, const struct target *t, const char *text, size_t len,
                          struct mig_buf *out)
{
    const char *at = t->clauses.tok.text;

    mig_buf_add(out, text, (size_t)(at - text));
    ask(w, ", ", out);
    mig_buf_str(out, ", ");
    mig_buf_add(out, at, (size_t)(text + len - at));
}

/* Behind the last token: a comment may follow it. */
static bool require_index(const struct weight *w, const struct target *t, const char *text, size_t len,
                          struct mig_buf *out)
{
    struct mig_cursor c = t->clauses;
    const char *at = t->name_end;

    while (!mig_cur_end(&c)) {
        at = c.tok.text + c.tok.len;
        mig_cur_next(&c);
    }
    if (c.ts.depth != 0) {
        return false; /* not SQL */
    }
    mig_buf_add(out, text, (size_t)(at - text));
    mig_buf_char(out, ' ');
    ask(w, " ", out);
    mig_buf_add(out, at, (size_t)(text + len - at));
    return true;
}

/* MariaDB's DROP INDEX takes no such clauses; what it stands for does. */
static void require_drop(const struct weight *w, const struct target *t, struct mig_buf *out)
{
    mig_buf_str(out, "ALTER TABLE ");
    mig_buf_add(out, t->name, (size_t)(t->name_end - t->name));
    mig_buf_char(out, ' ');
    ask(w, ", ", out);
    mig_buf_str(out, ", DROP INDEX ");
    mig_buf_add(out, t->index.begin, (size_t)(t->index_end - t->index.begin));
}

bool mig_sql_online_require(const struct mig_sql_dialect_info *di, const char *text, size_t len,
                            struct mig_buf *out)
{
    struct mig_sql_online o = { .known = false };
    struct weight w = { .o = &o };
    struct target before;
    struct target t;

    if (!read_target(di, text, len, &t)) {
        return false;
    }
    before = t;
    weigh(di, &t, &w);
    if (o.algorithm == MIG_SQL_ALGORITHM_NONE || o.asked || o.clause_refused) {
        return false;
    }
    if (t.verb == ALTER) {
        require_alter(&w, &before, text, len, out);
    } else if (t.verb == DROP_INDEX && di->mariadb) {
        require_drop(&w, &before, out);
    } else {
        return require_index(&w, &before, text, len, out);
    }
    return true;
}
