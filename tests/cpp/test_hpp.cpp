/* SPDX-License-Identifier: Apache-2.0 */

/* migrate.hpp: exceptions by class, what callbacks throw, and objects that free themselves. */

#include <migrate/migrate.hpp>

#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <type_traits>

#define CHECK(condition)                                                                \
    do {                                                                                \
        if (!(condition)) {                                                             \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                               \
        }                                                                               \
    } while (0)

static_assert(std::is_nothrow_copy_constructible_v<migrate::error>, "an exception is copied while another flies");
static_assert(std::is_nothrow_move_constructible_v<migrate::context> && !std::is_copy_constructible_v<migrate::context>);

namespace {

/* A database in memory, as an application has it open. */
struct database {
    sqlite3 *db = nullptr;
    database() { CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK); }
    ~database() { sqlite3_close(db); }
    database(const database &) = delete;
    database &operator=(const database &) = delete;

    std::string one(const char *sql) const
    {
        std::string text;
        auto row = [](void *to, int n, char **values, char **) {
            *static_cast<std::string *>(to) = n && values[0] ? values[0] : "";
            return 0;
        };
        CHECK(sqlite3_exec(db, sql, row, &text, nullptr) == SQLITE_OK);
        return text;
    }
};

migrate::context on(const database &d)
{
    migrate::context ctx;
    ctx.add_driver(migrate_sqlite_driver()).adopt("sqlite", d.db);
    return ctx;
}

/* What @p fn throws. */
template <class Error, class F> Error thrown(F &&fn)
{
    try {
        fn();
    } catch (const Error &e) {
        return e;
    }
    std::fprintf(stderr, "nothing was thrown\n");
    std::abort();
}

void results()
{
    database d;
    migrate::context ctx = on(d);
    ctx.add_file("1_a.sql", "CREATE TABLE a (n);\nINSERT INTO a VALUES (1);\n").add_file("2_b.sql", "CREATE TABLE b (n);");
    migrate::plan plan = ctx.make_plan();
    CHECK(plan.size() == 2 && !plan.empty() && plan[0].version() == "1" && plan[0].path() == "1_a.sql");
    std::string texts, script;
    ctx.statements(plan, 0, [&](const migrate::statement &s) {
        texts += std::to_string(s.line()) + ":" + std::string(s.text()) + ";";
    });
    CHECK(texts == "1:CREATE TABLE a (n);2:INSERT INTO a VALUES (1);");
    ctx.script(plan, [&](std::string_view piece) { script += piece; });
    CHECK(script.find("INSERT INTO a VALUES (1);") != std::string::npos);
    migrate::report done = ctx.apply(plan);
    CHECK(done.applied() == 2 && done.state() == MIGRATE_STATE_CURRENT && done.state_name() == "current");
    std::string versions;
    for (migrate::item i : done)
        versions += std::string(i.version()) + std::string(i.state_name()) + " ";
    CHECK(versions == "1applied 2applied ");
    CHECK(ctx.up().empty());
    CHECK(thrown<migrate::state_error>([&] { ctx.apply(plan); }).status() == MIGRATE_E_STALE);
    CHECK(ctx.inspect().size() == 2 && ctx.verify().pending() == 0 && ctx.hash().text().substr(0, 7) == "sha256:");
    migrate::run_options back;
    back.direction = MIGRATE_DIRECTION_DOWN;
    CHECK(thrown<migrate::state_error>([&] { ctx.run(back); }).status() == MIGRATE_E_IRREVERSIBLE);
    migrate::report copy = done; /* shared; outlives the context */
    ctx = on(d);
    CHECK(copy.version() == "2" && done.json().find("\"schema\":1") != std::string_view::npos);
}

void errors()
{
    database d;
    migrate::context ctx = on(d);
    ctx.add_file("1_a.sql", "CREATE TABLE a (n);").add_file("2_b.sql", "\nINSERT INTO nowhere VALUES (1);");
    auto e = thrown<migrate::database_error>([&] { ctx.up(); });
    CHECK(e.status() == MIGRATE_E_SQL && e.path() == "2_b.sql" && e.line() == 2 && e.version() == "2");
    CHECK(std::string(e.what()).find("nowhere") != std::string::npos && e.statement() == 1 && !e.retryable());
    CHECK(e.report() && e.report()->applied() == 1);
    auto option = thrown<migrate::caller_error>([&] { ctx.set("lock_wiat", "1s"); });
    CHECK(option.status() == MIGRATE_E_OPTION && std::string(option.status_name()) == "E_OPTION");
    CHECK(option.hint().find("lock_wait") != std::string_view::npos && !option.report());
    CHECK(ctx.set("lock_wait", "3s").get("lock_wait") == "3s" && ctx.unset("lock_wait").get("lock_wait") != "3s");
    ctx.stop();
    CHECK(thrown<migrate::stopped>([&] { ctx.up(); }).status() == MIGRATE_E_STOPPED);
    CHECK(ctx.asked() == MIGRATE_E_STOPPED);
    ctx.resume();
    ctx.use_dir("/nonexistent");
    CHECK(thrown<migrate::source_error>([&] { ctx.hash(); }).status() == MIGRATE_E_SOURCE);
    migrate::context none;
    CHECK(thrown<migrate::caller_error>([&] { none.open("nothing://here"); }).status() == MIGRATE_E_NO_DRIVER);
}

void code()
{
    database d;
    migrate::context ctx = on(d);
    ctx.add_code(
        "1_fill.cpp",
        [](std::uint32_t direction, migrate::executor &x) {
            if (direction == MIGRATE_DIRECTION_DOWN)
                return x.exec("DROP TABLE t");
            x.exec("CREATE TABLE t (a, b)");
            x.exec("INSERT INTO t VALUES (?, ?)", { "one", std::nullopt });
            std::vector<migrate::row> rows = x.query("SELECT a, b FROM t");
            CHECK(rows.size() == 1 && rows[0][0] == "one" && !rows[0][1]);
            x.tick();
        },
        MIGRATE_CODE_REVERSIBLE);
    CHECK(ctx.up().applied() == 1 && d.one("SELECT a FROM t") == "one");
    migrate::run_options back;
    back.direction = MIGRATE_DIRECTION_DOWN;
    CHECK(ctx.run(back).reverted() == 1 && d.one("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "0");
}

/* An exception of the application's comes out as the object it was, and nothing is left of the migration. */
void foreign_exceptions()
{
    struct vault_sealed : std::runtime_error {
        using std::runtime_error::runtime_error;
        int seals = 3;
    };
    database d;
    migrate::context ctx = on(d);
    bool row = false, catch_it = false;
    ctx.add_code("1_x.cpp", [&](std::uint32_t, migrate::executor &x) {
        x.exec("CREATE TABLE t (a)");
        if (row)
            x.exec("SELECT 1", {}, [](const migrate::row &) { throw vault_sealed("in a row"); });
        else if (!catch_it)
            throw vault_sealed("vault is sealed");
    });
    CHECK(thrown<vault_sealed>([&] { ctx.up(); }).seals == 3);
    row = true;
    CHECK(std::string(thrown<vault_sealed>([&] { ctx.up(); }).what()) == "in a row");
    CHECK(d.one("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "0");
    ctx.on_event([](const migrate::event &e) {
        if (e.type() == MIGRATE_EVENT_MIGRATION_BEGIN && e.item().version() == "1")
            throw 42;
    });
    CHECK(thrown<int>([&] { ctx.up(); }) == 42);
    ctx.on_event({});
    row = false;
    catch_it = true;
    CHECK(ctx.up().applied() == 1); /* and nothing of earlier exceptions comes back */
}

/* One of ours goes on as the failure it is. */
void own_exceptions()
{
    database d;
    migrate::context ctx = on(d);
    std::exception_ptr held;
    bool hold = false;
    ctx.add_code("1_x.cpp", [&](std::uint32_t, migrate::executor &x) {
        try {
            x.exec("INSERT INTO nowhere VALUES (1)");
        } catch (const migrate::database_error &e) {
            CHECK(std::string(e.what()).find("nowhere") != std::string::npos);
            if (hold)
                held = std::make_exception_ptr(e);
            throw;
        }
    });
    auto e = thrown<migrate::database_error>([&] { ctx.up(); });
    CHECK(e.status() == MIGRATE_E_SQL && e.version() == "1");
    hold = true;
    CHECK(thrown<migrate::database_error>([&] { ctx.up(); }).status() == MIGRATE_E_SQL);
    CHECK(thrown<migrate::error>([&] { std::rethrow_exception(held); }).status() == MIGRATE_E_SQL);
    migrate::context asked;
    asked.add_driver(migrate_sqlite_driver()).on_credentials([](migrate::login &l) { l.set("nothing", "x"); });
    try {
        asked.open("sqlite::memory:"); /* SQLite may have no use for credentials */
    } catch (const migrate::error &refused) {
        CHECK(refused.status() != MIGRATE_OK);
    }
    CHECK(migrate::error(MIGRATE_E_CALLBACK, "vault is sealed", "Unseal it.").hint() == "Unseal it.");
    CHECK(migrate::error(MIGRATE_E_CALLBACK, "vault is sealed").message() == "vault is sealed");
}

} // namespace

int main()
{
    results();
    errors();
    code();
    foreign_exceptions();
    own_exceptions();
    return 0;
}
