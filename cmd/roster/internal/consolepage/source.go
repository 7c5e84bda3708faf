package consolepage

import (
	"context"
	"net/http"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/kill"
)

// A Source is what a console shows, and who takes its orders. Its methods are
// called concurrently.
type Source interface {
	// State is how everything stands. It must not wait for anything outside of
	// the process for longer than a second or so: pages wait for it.
	State(ctx context.Context) State
	// Log returns the latest lines of a plugin's log, the oldest first.
	Log(plugin string) []LogLine
	// Kill carries out a request as a [kill.Hub] does.
	Kill(ctx context.Context, request kill.Request, progress func(kill.Progress)) (kill.Report, error)
	// Record writes down the order that a request is about to give, before it is given. An order
	// goes out all the same if that fails, and says so.
	Record(ctx context.Context, request kill.Request) error
	// Audit returns what was done here, the latest first, and whether that is
	// recorded at all.
	Audit(ctx context.Context) (entries []Audit, recorded bool)
	// Caller is who sent r.
	Caller(r *http.Request) Caller
}

// A Caller is who sent a request.
type Caller struct {
	// Name is the one that was proved, or "" if nobody has to.
	Name string
	// SignOut is where a form ends the session, or "" if there is none.
	SignOut string
}

// State is how a daemon stands.
type State struct {
	Version, Host, Region, Zone string

	Ready        api.Ready
	Plugins      []api.Plugin // with their sandboxes
	Capabilities []Capability
	Instances    api.Instances
	Regions      api.Regions
	Lags         []Lag
	Kills        api.Kills
}

// A Capability is a name that can be called, with who serves it.
type Capability struct {
	api.Capability

	// Shares are the plugins of this host that serve it. Calls counts what each of
	// them took since the daemon started.
	Shares []Share
}

// A Share is a plugin's part of the calls of a capability.
type Share struct {
	Plugin  string
	State   string
	Weight  int
	Standby bool // it is asked while no other can serve
	Calls   uint64
}

// A Lag is how far region To is behind what is written in region From.
type Lag struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Known is false if nobody who measures it has answered; the rest is zero then.
	Known     bool          `json:"known"`
	Connected bool          `json:"connected"`
	Lag       time.Duration `json:"lag"`     // in nanoseconds
	Pending   int           `json:"pending"` // keys that To has not acknowledged
	Equal     bool          `json:"equal"`   // when everything was compared last
	Problem   string        `json:"problem,omitempty"`
}

// A LogLine is a line of a plugin's log.
type LogLine struct {
	At    time.Time
	Level string
	Text  string
}

// An Audit is something that somebody did, or tried to do.
type Audit struct {
	Time    time.Time
	Who     string
	Role    string
	Action  string
	Target  string
	Why     string
	From    string // an address
	Outcome string
}
