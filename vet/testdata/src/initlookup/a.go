package initlookup

import (
	"database/sql"

	"github.com/roster-go/roster"
)

var db, _ = sql.Open("postgres", "") // want `"postgres" is looked up in database/sql drivers before main starts, and nothing that this package imports registers it \(for example github.com/lib/pq\)`

var codecs = roster.New[int]()

func Register(name string, n int) { codecs.Register(name, n) }

func init() {
	_, _ = codecs.Lookup("gzip") // want `"gzip" is looked up in initlookup.codecs before main starts`
	start()                      // want `"zstd" is looked up in initlookup.codecs`
	codecs.Register("json", 1)
	_, _ = codecs.Lookup("json")
	_, _ = codecs.Get("maybe")
	later(use)
}

func start() { _, _ = codecs.Lookup("zstd") }

func use() { _, _ = codecs.Lookup("late") }

func later(f func()) { _ = f }
