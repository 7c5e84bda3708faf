// Package handshake holds what a host and the SDK must agree on before either
// can say a word to the other.
package handshake

// What go-plugin's handshake compares. The cookie tells a plugin that a Roster
// host started it; it is no secret and no protection.
const (
	CookieKey   = "ROSTER_PLUGIN_COOKIE"
	CookieValue = "8a41b7a6-5c0e-4ff5-9e0b-roster-plugin"
	// Protocol is the version of the transport between host and plugin: the
	// handshake, the lifecycle service and the function service.
	Protocol = 1
)

// Lifeline names the environment variable that tells a plugin that its standard
// input is a pipe which the host holds open and never writes to: end of file
// means that the host is gone.
const Lifeline = "ROSTER_PLUGIN_LIFELINE"

// Lane names the environment variable that has the version of the lane which the host
// would like to call over, and LaneVersion is that.
const (
	Lane        = "ROSTER_PLUGIN_LANE"
	LaneVersion = "1"
)

// Debug names the environment variable that makes a plugin listen for a host to attach.
const Debug = "ROSTER_PLUGIN_DEBUG"

// APIVersion is the contract version a plugin declares, and a host allows, by
// default.
const APIVersion = "v1"

// MaxMessage is the size limit of one gRPC message between host and plugin and
// between hosts, in bytes.
const MaxMessage = 64 << 20
