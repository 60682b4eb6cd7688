#pragma once
// SQLite, and what its macros hide from Swift. No logic.
#include <sqlite3.h>

// sqlite3_bind_text with SQLITE_TRANSIENT: SQLite takes a copy of the text.
static inline int csqlite_bind_text(
    sqlite3_stmt *statement, int index, const char *text, int length) {
    return sqlite3_bind_text(statement, index, text, length, SQLITE_TRANSIENT);
}
