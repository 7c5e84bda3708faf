package access

import "fmt"

// A Role is what somebody may do. Each includes those before it.
type Role uint8

// The roles, in order. None is the zero value, so that what has no role is refused.
const (
	None    Role = iota // nothing; as the role that a route needs: refused to all
	Open                // needs no identity
	Read                // lists, pages and metrics
	Operate             // calls and changes
	Kill                // kills, revivals, and to forget runtimes
)

var roleNames = [...]string{"none", "open", "read", "operate", "kill"}

func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// ParseRole parses a role that can be given to somebody: read, operate or kill.
func ParseRole(name string) (Role, error) {
	for _, r := range []Role{Read, Operate, Kill} {
		if r.String() == name {
			return r, nil
		}
	}
	return None, fmt.Errorf("%q is none of the roles read, operate, kill", name)
}

// MarshalText is the name of the role.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is [ParseRole].
func (r *Role) UnmarshalText(name []byte) (err error) {
	*r, err = ParseRole(string(name))
	return err
}

// An Identity is who makes a request.
type Identity struct {
	// Name is that of the token or the certificate. It is "local" if the daemon asks nobody who
	// he is.
	Name string
	Role Role
	// How says how it was proved: token, certificate, session, or local.
	How string

	still func() bool // whether it is proved by now; nil if that does not change
}

// Ways to prove an identity.
const (
	byToken       = "token"
	byCertificate = "certificate"
	bySession     = "session"
	asLocal       = "local"
)

// BySession tells whether it is a browser that has signed in.
func (i Identity) BySession() bool { return i.How == bySession }

// Proved tells whether it is known who it is.
func (i Identity) Proved() bool { return i.How != "" && i.How != asLocal }
