// Package fixed is a driver for examples: it answers every query with its source.
package fixed

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

func init() { sql.Register("fixed", opener{}) }

type opener struct{}

func (opener) Open(source string) (driver.Conn, error) { return conn{source}, nil }

type conn struct{ source string }

func (c conn) Prepare(query string) (driver.Stmt, error) { return stmt{c.source, query}, nil }
func (conn) Close() error                                { return nil }
func (conn) Begin() (driver.Tx, error)                   { return nil, errors.New("fixed: no transactions") }

type stmt struct{ source, query string }

func (stmt) Close() error  { return nil }
func (stmt) NumInput() int { return 0 }
func (stmt) Exec([]driver.Value) (driver.Result, error) {
	return nil, errors.New("fixed: only queries")
}
func (s stmt) Query([]driver.Value) (driver.Rows, error) { return &rows{value: s.source}, nil }

type rows struct {
	value string
	done  bool
}

func (*rows) Columns() []string { return []string{"value"} }
func (*rows) Close() error      { return nil }

func (r *rows) Next(to []driver.Value) error {
	if r.done {
		return io.EOF
	}
	r.done = true
	to[0] = r.value
	return nil
}
