// Package dep spins.
package dep

var ready bool

func init() {
	for !ready { // init.0: spin, waits
	}
}
