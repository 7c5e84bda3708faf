package kill

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// TestListInPiecesIsNotComplete: a hub's list of runtimes that comes in several messages is waited for to
// its end, however many of the first ones have acknowledged.
func TestListInPiecesIsNotComplete(t *testing.T) {
	s := newSpread(order(Namespace("a"), 1, false), time.Now(), "us")
	s.take(update{region: "us", hub: &hubState{Region: "us", Durable: true}})
	var all []RuntimeReport
	for i := range 2*maxStates + 1 {
		all = append(all, RuntimeReport{ID: strconv.Itoa(i), State: Acked, Durable: true})
	}
	all[2*maxStates].State = Unreachable
	r := newReader(bytes.NewReader(update{runtimes: all}.lines()))
	for piece := range 3 {
		m, err := readMessage(r)
		assert.NoError(t, err)
		s.take(update{region: "us", hub: m.Hub, runtimes: m.Runtimes, more: m.More})
		assert.True(t, !s.complete(), fmt.Sprintf("one has not acknowledged, after piece %d", piece))
	}
	assert.Equal(t, len(s.waiting), 1)

	// A hub without runtimes says so.
	s = newSpread(order(Namespace("a"), 1, false), time.Now(), "us")
	s.take(update{region: "us", hub: &hubState{Region: "us"}})
	assert.True(t, !s.complete(), "its list has not come")
	s.take(update{region: "us"})
	assert.True(t, s.complete(), "it has none")
}
