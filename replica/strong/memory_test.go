package strong_test

import (
	"testing"
	"time"

	"github.com/roster-go/roster/replica/strong"
	"github.com/roster-go/roster/replica/strongtest"
)

func TestMemoryPassesTheKit(t *testing.T) {
	strongtest.Run(t, func(*testing.T) strongtest.System {
		memory := strong.NewMemory()
		here := memory.Member("here")
		return strongtest.System{
			Engine: here, Other: memory.Member("there"),
			Cut: here.Cut, Mend: here.Mend, Mute: here.Mute,
			Wait: 5 * time.Second,
		}
	})
}
