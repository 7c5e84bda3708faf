package affine

import (
	"fmt"

	"github.com/roster-go/roster/replica/move"
)

// ranks are the modes in their order.
var ranks = map[move.Mode]int{move.Import: 1, move.Sealed: 2, move.Open: 3, move.Closed: 4}

// encodeGuard writes a guard so that etcd, which compares values as texts, orders guards as
// [move.Guard.Compare] does.
func encodeGuard(g move.Guard) string {
	return fmt.Sprintf("%020d %d %s", g.Epoch, ranks[g.Mode], g.Mode)
}

// decodeGuard reads a guard; the zero Guard is that of an empty text.
func decodeGuard(text string) (move.Guard, error) {
	if text == "" {
		return move.Guard{}, nil
	}
	var guard move.Guard
	var rank int
	if _, err := fmt.Sscanf(text, "%d %d %s", &guard.Epoch, &rank, &guard.Mode); err != nil || ranks[guard.Mode] != rank || rank == 0 {
		return move.Guard{}, fmt.Errorf("affine: the guard %q is damaged: repair it by hand", text)
	}
	return guard, nil
}
