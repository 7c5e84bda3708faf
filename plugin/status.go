package plugin

import "time"

// What [Status] says about a plugin's program file.
const (
	Verified  = "verified"   // it has the checksum of its descriptor
	NotPinned = "not pinned" // its descriptor names no checksum
	NoProgram = "no program" // it is an endpoint
)

// Status is what a host tells about one of its plugins.
type Status struct {
	Name         string
	Version      string
	APIVersion   string
	EndOfLife    time.Time // of its API version on this host; zero if none is stated
	State        State
	PID          int       // 0 if no process is in service
	Restarts     int       // since the plugin was added
	Since        time.Time // when State was entered
	LastError    string    // of the last crash or failed start; empty if there was none
	Checksum     string    // [Verified], [NotPinned] or [NoProgram]
	Sandbox      []Control // of the process in service
	ConfigSchema []byte    // the JSON Schema that the process declares; nil if none
	Capabilities []string
	Open         []string // capabilities that are not asked of it for a while, since it fails them
	Source       string   // descriptor file
}

// CapabilityStatus is a capability that this host serves itself, now.
type CapabilityStatus struct {
	Name      string
	Kind      CapabilityKind
	Service   string // full name of the gRPC service of a [KindService]
	Providers []Provider
	Shares    []Share // of the plugins that were given it, in no state in particular
}

// A Share is how much of the calls of a capability a plugin is to take.
type Share struct {
	Plugin  string
	State   State
	Weight  int  // from 1 to 1000, relative to that of the others
	Standby bool // it is asked only if none of the others can take a call
}
