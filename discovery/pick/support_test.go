package pick

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/assert"
)

var errDown = errors.New("down")

// instances makes n instances named prefix-0 and so on.
func instances(prefix string, n int) []discovery.Instance {
	list := make([]discovery.Instance, n)
	for i := range list {
		id := fmt.Sprintf("%s-%d", prefix, i)
		list[i] = discovery.Instance{Service: "svc", ID: id, Address: id + ":80"}
	}
	return list
}

// placed puts instances somewhere.
func placed(list []discovery.Instance, region, zone string) []discovery.Instance {
	for i := range list {
		list[i].Region, list[i].Zone = region, zone
	}
	return list
}

func newPool(tb testing.TB, opts Options, list []discovery.Instance) *Pool {
	tb.Helper()
	p, err := NewPool(opts)
	assert.NoError(tb, err)
	p.Update(list)
	return p
}

// picked picks, fails the test on an error, and ends the call well.
func picked(tb testing.TB, p *Pool, key string) string {
	tb.Helper()
	c, err := p.Pick(key)
	assert.NoError(tb, err)
	c.Done(nil)
	return c.Instance().ID
}

// counts makes n picks that end well and returns how many each instance got.
func counts(tb testing.TB, p *Pool, n int) map[string]int {
	tb.Helper()
	got := make(map[string]int)
	for i := range n {
		got[picked(tb, p, fmt.Sprint("key-", i))]++
	}
	return got
}

// eject makes calls of the named instances fail until they are ejected.
func eject(tb testing.TB, p *Pool, ids ...string) {
	tb.Helper()
	for _, id := range ids {
		e := p.endpoints[endpointKey{id, id + ":80"}]
		for range p.opts.Outliers.Failures {
			assert.True(tb, e != nil, "an instance "+id)
			p.failed(e)
		}
		assert.True(tb, e.ejected(), id+" is ejected")
	}
}

// A fakeView is a Source that a test changes.
type fakeView struct {
	mu      sync.Mutex
	version uint64
	list    []discovery.Instance
	gets    int
}

func (f *fakeView) Get(string) []discovery.Instance {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gets++
	return f.list
}

func (f *fakeView) Version() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.version
}

func (f *fakeView) set(list []discovery.Instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = list
	f.version++
}

// A steadyView is a Source that never changes and costs nothing.
type steadyView struct{ list []discovery.Instance }

func (v *steadyView) Get(string) []discovery.Instance { return v.list }

func (v *steadyView) Version() uint64 { return 1 }
