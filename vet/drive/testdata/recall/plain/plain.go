// Package plain has nothing that runs at its import.
package plain

// Answer is a constant.
const Answer = 42
