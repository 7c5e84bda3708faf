package replication

import "sync"

var (
	crashMu sync.Mutex
	crashes = make(map[*Agent]bool)
)

var _ = func() bool {
	crashed = func(a *Agent) bool {
		crashMu.Lock()
		defer crashMu.Unlock()
		return crashes[a]
	}
	return true
}()

// Crash makes an agent end without giving back its lease, as if its process had died.
func Crash(a *Agent) {
	crashMu.Lock()
	defer crashMu.Unlock()
	crashes[a] = true
}
