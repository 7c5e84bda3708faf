//go:build linux && !amd64

package live

// registers does without: only those of amd64 are known.
func (*Process) registers(*stack) bool { return false }
