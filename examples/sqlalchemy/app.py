# SPDX-License-Identifier: Apache-2.0
"""An engine of SQLAlchemy over a database that libmigrate migrates: the engine's URL says where it is, and a database
in memory, which is nowhere else, is migrated through the engine's own connection."""

import sys
from pathlib import Path

from sqlalchemy import Engine, create_engine, text

from libmigrate import Migrator, Report

MIGRATIONS = Path(__file__).parent.parent / "migrations"
SCHEMES = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mariadb"}


def database_url(engine: Engine) -> str:
    """postgresql+psycopg://… without the client's name, sqlite:///app.db as sqlite:app.db; the password stays."""
    if engine.dialect.name == "sqlite":
        return "sqlite:%s" % engine.url.database
    plain = engine.url.set(drivername=SCHEMES[engine.dialect.name])
    return plain.render_as_string(hide_password=False)


def migrate(engine: Engine, source=MIGRATIONS) -> Report:
    if engine.dialect.name == "sqlite" and engine.url.database in (None, "", ":memory:"):
        lent = engine.raw_connection()
        try:
            with Migrator(source=source) as migrator:
                return migrator.adopt(lent.driver_connection).up()
        finally:
            lent.close()
    with Migrator(database_url(engine), source) as migrator:
        return migrator.up()


if __name__ == "__main__":
    engine = create_engine(sys.argv[1] if len(sys.argv) > 1 else "sqlite:///app.db")
    print(migrate(engine).text)
    with engine.connect() as connection:
        for name, total in connection.execute(
            text("SELECT full_name, sum(total_cents) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY 1")
        ):
            print(name, total)
