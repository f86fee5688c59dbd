# SPDX-License-Identifier: Apache-2.0
"""A service whose database is migrated before it answers:

    uvicorn app:app

Every worker does this as it starts: one migrates, the others wait for it and find nothing to do. A migration that
fails keeps the service from starting.
"""

import os
import sqlite3
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, HTTPException

from libmigrate import AsyncMigrator

DATABASE = os.environ.get("DATABASE", "app.db")
MIGRATIONS = os.environ.get("MIGRATIONS", str(Path(__file__).parent.parent / "migrations"))


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with AsyncMigrator("sqlite:" + DATABASE, MIGRATIONS) as migrator:
        app.state.schema = (await migrator.up()).version
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
def health():
    return {"schema": app.state.schema}


@app.get("/customers/{number}")
def customer(number: int):
    connection = sqlite3.connect(DATABASE)
    try:
        row = connection.execute("SELECT full_name FROM customers WHERE id = ?", [number]).fetchone()
    finally:
        connection.close()
    if row is None:
        raise HTTPException(404)
    return {"name": row[0]}
