//go:build race

package discovery_test

import "time"

// slack is by how much the race detector may stretch what has a limit.
const slack = 3

// stretched is what the race detector adds to a limit that etcd keeps by itself.
const stretched = 2 * time.Second
