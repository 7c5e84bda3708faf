package lateregister

import (
	"database/sql"
	"database/sql/driver"
	"expvar"
	"net/http"
	"sync"
)

type drv struct{}

func (drv) Open(string) (driver.Conn, error) { return nil, nil }

func handle(w http.ResponseWriter, r *http.Request) {
	sql.Register("tenant", drv{}) // want `this registers in database/sql drivers for each request`
	expvar.NewInt("requests")     // want `this registers in expvar variables for each request`
	expvar.NewInt(r.Host)
}

func init() {
	go sql.Register("slow", drv{}) // want `this registers in database/sql drivers from a goroutine`
	go func() {
		register("sub", 1) // want `this registers in lateregister.table from a goroutine`
		safe("sub", 1)
	}()
	go setup() // want `this registers "setup" in database/sql drivers from a goroutine, at lateregister/a.go:\d+`
}

func setup() { sql.Register("setup", drv{}) }

func NewStore() int {
	sql.Register("store", drv{}) // want `NewStore registers "store" in database/sql drivers each time it is called, and the second time panics`
	return 1
}

var once sync.Once

// What follows stays quiet.

func NewOnce() int {
	once.Do(func() { sql.Register("once", drv{}) })
	return 1
}

func NewNamed(name string) int { sql.Register(name, drv{}); return 1 }

func Setup() { sql.Register("explicit", drv{}) }

func Newsletter() { sql.Register("newsletter", drv{}) }

var table = map[string]int{}

func register(name string, n int) { table[name] = n }

var (
	mu     sync.Mutex
	locked = map[string]int{}
)

func safe(name string, n int) { registerLocked(name, n) }

func registerLocked(name string, n int) {
	mu.Lock()
	defer mu.Unlock()
	locked[name] = n
}
