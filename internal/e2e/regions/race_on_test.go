//go:build race

package regions_test

// slack is by how much the race detector may stretch what has a limit.
const slack = 3
