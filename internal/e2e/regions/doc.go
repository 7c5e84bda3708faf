// Package regions holds end-to-end tests of what spans several regions: an etcd cluster
// stretched over them behind links that delay, hold and cut, and regions with an etcd of
// their own.
//
// # Concurrency properties
//
// The package has no code but tests.
package regions
