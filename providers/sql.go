package providers

import "github.com/roster-go/roster"

// SQLDrivers has the drivers of package database/sql: the names for sql.Open.
func SQLDrivers() roster.Catalogue { return sqlDrivers.catalogue() }

var sqlDrivers = listing{
	name:     "sql-drivers",
	title:    "database/sql drivers",
	owner:    "database/sql",
	register: []string{registerFunc},
	rows: []row{
		{"azuresql", "github.com/microsoft/go-mssqldb/azuread", "SQL Server and Azure SQL, signed in through Entra ID"},
		{"clickhouse", "github.com/ClickHouse/clickhouse-go/v2", ""},
		{"duckdb", "github.com/duckdb/duckdb-go/v2", "needs cgo"},
		{"firebirdsql", "github.com/nakagami/firebirdsql", ""},
		{"firebirdsql_createdb", "github.com/nakagami/firebirdsql", "creates the database"},
		{"godror", "github.com/godror/godror", "Oracle; needs cgo and Oracle's client library"},
		{"hdb", "github.com/SAP/go-hdb/driver", "SAP HANA"},
		{"libsql", "github.com/tursodatabase/libsql-client-go/libsql", "remote databases only"},
		{"mssql", "github.com/microsoft/go-mssqldb", "the older of its two names: \"sqlserver\" has the native parameter syntax"},
		{"mysql", "github.com/go-sql-driver/mysql", ""},
		{"oracle", "github.com/sijms/go-ora/v2", ""},
		{"pgx", "github.com/jackc/pgx/v5/stdlib", "PostgreSQL"},
		{"pgx", "github.com/jackc/pgx/v4/stdlib", "PostgreSQL; superseded by v5"},
		{"pgx/v4", "github.com/jackc/pgx/v4/stdlib", "PostgreSQL; superseded by v5"},
		{"pgx/v5", "github.com/jackc/pgx/v5/stdlib", "PostgreSQL"},
		{"postgres", "github.com/lib/pq", ""},
		{"ql", "modernc.org/ql/driver", "embedded"},
		{"ql-mem", "modernc.org/ql/driver", "embedded, in memory"},
		{"rqlite", "github.com/rqlite/gorqlite/stdlib", ""},
		{"snowflake", "github.com/snowflakedb/gosnowflake", ""},
		{"sqlite", "modernc.org/sqlite", "SQLite without cgo"},
		{"sqlite", "github.com/glebarez/go-sqlite", "SQLite without cgo"},
		{"sqlite3", "github.com/ncruces/go-sqlite3/driver", "SQLite without cgo"},
		{"sqlite3", "github.com/mattn/go-sqlite3", "needs cgo"},
		{"sqlite3", "github.com/mutecomm/go-sqlcipher/v4", "SQLite with encryption; needs cgo"},
		{"sqlmock", "github.com/DATA-DOG/go-sqlmock", forTests},
		{"sqlserver", "github.com/microsoft/go-mssqldb", ""},
		{"vertica", "github.com/vertica/vertica-sql-go", ""},
		{"ydb", "github.com/ydb-platform/ydb-go-sdk/v3", ""},
		{"ydb/v3", "github.com/ydb-platform/ydb-go-sdk/v3", ""},
	},
}
