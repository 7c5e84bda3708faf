// Package strongtest is the test suite for implementations of [strong.Engine].
//
//	func TestEngine(t *testing.T) {
//		strongtest.Run(t, func(t *testing.T) strongtest.System {
//			...
//		})
//	}
//
// It checks what package strong promises: what each outcome of a write means, what a view
// contains and what it proves, and what remains without a quorum.
//
// # Concurrency properties
//
// Run runs its tests one after the other, on the goroutines of the testing package.
package strongtest
