//go:build linux && !amd64 && !arm64

package shim

const canCall32 = false

func call32() int64 { return 0 }

// filter says that the numbers of this architecture's system calls are not known here.
func (s *Spec) filter() []Control {
	const detail = "filters are made for amd64 and arm64 only"
	network, calls := Control{Name: NetworkControl, State: NotRequested}, Control{Name: Syscalls, State: NotRequested}
	if s.Network != NetworkAny {
		network = Control{NetworkControl, string(s.Network), Unavailable, detail}
	}
	if s.Syscalls {
		calls = Control{Syscalls, "none of the dangerous ones", Unavailable, detail}
	}
	return []Control{network, calls}
}
