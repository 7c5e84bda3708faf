package plugin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
)

// A Function is a capability in its simplest form: one JSON value in, one out.
// It must be safe for concurrent use. An error with a GRPCStatus method, such
// as those of the package google.golang.org/grpc/status, keeps its code on the
// way to the caller.
type Function func(ctx context.Context, input json.RawMessage) (json.RawMessage, error)

// Kind says where a provider is.
type Kind string

// The kinds of provider.
const (
	Linked Kind = "linked" // a function of this process
	Plugin Kind = "plugin" // a plugin process of this host
	Remote Kind = "remote" // another host
	// Endpoint is a server of somebody else's that a descriptor names.
	Endpoint Kind = "endpoint"
	// Module is a WebAssembly module that runs in this process.
	Module Kind = "module"
)

// A Provider is what serves a capability.
type Provider struct {
	Kind Kind
	// Name is the plugin's name, for a linked-in function the capability's.
	// For a remote provider it is what that host said served the call, or the
	// peer's id where no answer told.
	Name   string
	Host   string
	Region string
}

func (p Provider) String() string {
	switch p.Kind {
	case Linked:
		return "linked-in " + p.Name
	case Plugin:
		return "plugin " + p.Name
	case Endpoint:
		return "endpoint " + p.Name
	case Module:
		return "module " + p.Name
	case Remote:
		return fmt.Sprintf("%s on %s", p.Name, place(p.Region, p.Host))
	default:
		return p.Name
	}
}

// place names a host with its region, as in "host-1 (region eu)".
func place(region, host string) string {
	host = cmp.Or(host, "unnamed host")
	if region == "" {
		return host
	}
	return host + " (region " + region + ")"
}

// An Answer is what a JSON function returned and who ran it.
type Answer struct {
	Output   json.RawMessage
	ServedBy Provider
}

// A Peer is another host that serves a capability.
type Peer struct {
	ID      string // unique in the fleet, for example the host's name
	Address string // host:port of a daemon that speaks gRPC without TLS (h2c)
	Region  string
	Zone    string
}

// A Fleet knows which other hosts serve a capability.
type Fleet interface {
	// Get returns the peers that serve a capability, in any order: the host
	// asks those in its zone first, then those in its region, then the others.
	// It answers from memory, is safe for concurrent use, and must not list
	// this host.
	Get(capability string) []Peer
}

// A FleetLister is a Fleet that knows more than it was asked. The error about
// an unknown capability uses it.
type FleetLister interface {
	Fleet
	// Hosts returns every other host that is known, whatever it serves.
	Hosts() []Peer
	// Capabilities returns the names that any other host serves, sorted.
	Capabilities() []string
}

// Metadata keys of calls between hosts.
const (
	// MetadataCapability names the capability of a forwarded gRPC call. Without
	// it the capability is the full name of the call's service.
	MetadataCapability = "roster-capability"
	// MetadataForwarded marks, with the value "1", a call that another host has
	// forwarded: it is answered by this host's own providers or not at all.
	MetadataForwarded = "roster-forwarded"
	// MetadataKey is the key of a call that is to stay with one provider,
	// percent-encoded, since metadata are ASCII. It has at most 1024 bytes; a longer
	// one is passed over. See [WithKey].
	MetadataKey = "roster-key"
)
