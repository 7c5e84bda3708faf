// Package server does too much before main.
package server

import (
	"database/sql"
	"database/sql/driver"
	"encoding/gob"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"example.com/recall/codecs"

	"github.com/roster-go/roster"
)

type drv struct{}

func (drv) Open(string) (driver.Conn, error) { return nil, errors.New("no database") }

// An Order is stored.
type Order struct{ ID int }

var compress, errCompress = codecs.Get("gzip")

var hooks = roster.NewHot[func()]()

func init() {
	dial()
	time.Sleep(time.Microsecond)
	go watch()
	_, _ = os.ReadFile("server.conf")
	gob.Register(Order{})
}

func dial() {
	if c, err := net.DialTimeout("tcp", "127.0.0.1:1", time.Millisecond); err == nil {
		_ = c.Close()
	}
}

func watch() {}

// Handle registers for each request.
func Handle(w http.ResponseWriter, r *http.Request) {
	sql.Register("tenant", drv{})
}

// Start registers in a goroutine.
func Start() {
	go func() { sql.Register("slow", drv{}) }()
}

// Stop removes a hook.
func Stop() {
	hooks.Register("start", nil)
}

// Ready reports whether all is there.
func Ready() bool { return compress != nil && errCompress == nil }
