//go:build !unix

package lane

// writeNow leaves everything to the writer.
func writeNow(uintptr, []byte) (int, error) { return 0, nil }
