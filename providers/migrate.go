package providers

import "github.com/roster-go/roster"

const migrate = "github.com/golang-migrate/migrate/v4/"

// MigrateSources has the sources of golang-migrate, from which migrations are
// read: the schemes of the source's URL.
func MigrateSources() roster.Catalogue { return migrateSources.catalogue() }

var migrateSources = listing{
	name:     "migrate-sources",
	title:    "golang-migrate sources",
	owner:    migrate + "source",
	register: []string{registerFunc},
	rows: []row{
		{"bitbucket", migrate + "source/bitbucket", ""},
		{"file", migrate + "source/file", ""},
		{"gcs", migrate + "source/google_cloud_storage", ""},
		{"github", migrate + "source/github", ""},
		{"github-ee", migrate + "source/github_ee", ""},
		{"gitlab", migrate + "source/gitlab", ""},
		{"go-bindata", migrate + "source/go_bindata", "prefer source/iofs, which needs no name"},
		{"godoc-vfs", migrate + "source/godoc_vfs", "prefer source/iofs, which needs no name"},
		{"pkger", migrate + "source/pkger", "pkger is retired; prefer source/iofs, which needs no name"},
		{"s3", migrate + "source/aws_s3", ""},
		{"stub", migrate + "source/stub", forTests},
	},
}

// MigrateDatabases has the databases of golang-migrate, to which migrations are
// applied: the schemes of the database's URL.
func MigrateDatabases() roster.Catalogue { return migrateDatabases.catalogue() }

var migrateDatabases = listing{
	name:     "migrate-databases",
	title:    "golang-migrate databases",
	owner:    migrate + "database",
	register: []string{registerFunc},
	rows: []row{
		{"cassandra", migrate + "database/cassandra", ""},
		{"clickhouse", migrate + "database/clickhouse", ""},
		{"cockroach", migrate + "database/cockroachdb", ""},
		{"cockroachdb", migrate + "database/cockroachdb", ""},
		{"crdb-postgres", migrate + "database/cockroachdb", ""},
		{"firebird", migrate + "database/firebird", ""},
		{"firebirdsql", migrate + "database/firebird", ""},
		{"mongodb", migrate + "database/mongodb", ""},
		{"mongodb+srv", migrate + "database/mongodb", ""},
		{"mysql", migrate + "database/mysql", ""},
		{"neo4j", migrate + "database/neo4j", ""},
		{"pgx", migrate + "database/pgx", "PostgreSQL; superseded by \"pgx5\""},
		{"pgx4", migrate + "database/pgx", "PostgreSQL; superseded by \"pgx5\""},
		{"pgx5", migrate + "database/pgx/v5", "PostgreSQL"},
		{"postgres", migrate + "database/postgres", ""},
		{"postgresql", migrate + "database/postgres", ""},
		{"ql", migrate + "database/ql", ""},
		{"redshift", migrate + "database/redshift", ""},
		{"rqlite", migrate + "database/rqlite", ""},
		{"spanner", migrate + "database/spanner", ""},
		{"sqlcipher", migrate + "database/sqlcipher", "needs cgo"},
		{"sqlite", migrate + "database/sqlite", ""},
		{"sqlite3", migrate + "database/sqlite3", "needs cgo"},
		{"sqlserver", migrate + "database/sqlserver", ""},
		{"stub", migrate + "database/stub", forTests},
		{"yugabyte", migrate + "database/yugabytedb", ""},
		{"yugabytedb", migrate + "database/yugabytedb", ""},
		{"ysql", migrate + "database/yugabytedb", ""},
	},
}
