/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service in C++17 that brings its database up to date before it starts, with a migration in code after those of
 * the folder, and a line for each thing that happens.
 *
 *     c++ -std=c++17 embed.cpp $(pkg-config --cflags --libs libmigrate-sqlite)
 *     ./a.out sqlite:app.db ../migrations
 */
#include <iostream>

#include <migrate/migrate.hpp>

/* Runs inside the engine's transaction, lock and journal: exactly once, whatever is killed when. */
static void number_customers(std::uint32_t direction, migrate::executor &db)
{
    if (direction == MIGRATE_DIRECTION_DOWN) {
        db.exec("DROP TABLE customer_number");
        return;
    }
    db.exec("CREATE TABLE customer_number (customer INTEGER PRIMARY KEY, number TEXT NOT NULL)");
    for (const migrate::row &customer : db.query("SELECT id FROM customers ORDER BY id"))
        db.exec("INSERT INTO customer_number VALUES (?, ?)", { customer[0], "C-" + customer[0].value_or("") });
}

static migrate::report bring_up_to_date(const std::string &url, const std::string &dir)
{
    migrate::context ctx;
    ctx.add_driver(migrate_sqlite_driver());
    ctx.use_dir(dir).add_code("0005_number_customers.cpp", number_customers, MIGRATE_CODE_REVERSIBLE);
    ctx.on_event([](const migrate::event &e) { std::clog << e.text() << '\n'; });
    return ctx.open(url).up();
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::cerr << "usage: " << argv[0] << " URL DIR\n";
        return MIGRATE_CLASS_CALLER;
    }
    try {
        migrate::report done = bring_up_to_date(argv[1], argv[2]);
        std::cout << done.applied() << " applied, database " << done.state_name() << " at version " << done.version()
                  << '\n';
        return 0;
    } catch (const migrate::error &e) {
        std::cerr << "error: " << e.what() << '\n'; /* place, server's words and remedy */
        return MIGRATE_STATUS_CLASS(e.status());
    }
}
