package kill

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// slowDisk makes every fsync of the switch wait for release, and counts them.
func slowDisk(s *Switch, release <-chan struct{}) *atomic.Int64 {
	var syncs atomic.Int64
	s.disk.io.Lock()
	defer s.disk.io.Unlock()
	s.disk.sync = func(f *os.File) error {
		<-release
		syncs.Add(1)
		return f.Sync()
	}
	return &syncs
}

// TestAcknowledgementsWaitForTheDisk: an order is in effect while fsync hangs, and neither a runtime nor
// a hub acknowledges it before fsync has returned.
func TestAcknowledgementsWaitForTheDisk(t *testing.T) {
	f := newFabric(t, 0, nil, "eu", "us")
	r := f.runtime("one", "us", nil)
	r.awaitCurrent(t)
	kill := func(n string) (Report, error) {
		return f.hubs["eu"].Kill(background(t), Request{Target: Namespace(n), Reason: "r", Force: true, Wait: 500 * time.Millisecond}, nil)
	}
	release := make(chan struct{})
	slowDisk(r.sw, release)
	_, err := kill("a")
	assert.Equal(t, len(assert.ErrorAs[*IncompleteError](t, err).Missing), 1)
	_, killed := r.sw.Killed(Namespace("a"))
	assert.True(t, killed, "it is in effect")

	hang := make(chan struct{})
	slowDisk(f.hubs["us"].sw, hang)
	close(release)
	report, err := kill("b")
	assert.Equal(t, assert.ErrorAs[*IncompleteError](t, err).Hubs, []string{"us"})
	assert.Equal(t, report.Count(Acked), 1) // a runtime does not wait for its hub's disk
	close(hang)
	eventually(t, "all have it on disk", func() bool {
		report, err := kill("a")
		return err == nil && report.Complete && report.Durable
	})
}

// TestOneSyncForMany: those who wait for the disk at the same time share an fsync.
func TestOneSyncForMany(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "kill.log"))
	release := make(chan struct{})
	syncs := slowDisk(s, release)
	const n = 50
	var work sync.WaitGroup
	for i := range n {
		work.Go(func() {
			r, err := s.Apply("test", order(Namespace(strconv.Itoa(i)), 1, false))
			if err != nil || !r.Durable {
				t.Error(r, err)
			}
		})
	}
	eventually(t, "all are in effect", func() bool { return s.Set().Len() == n })
	close(release)
	work.Wait()
	assert.True(t, syncs.Load() <= 3, "there were few fsyncs")
}

// TestLinkThatWorksOneWay: a hub that cannot be reached itself still learns of a kill, from its own gossip.
func TestLinkThatWorksOneWay(t *testing.T) {
	f := newFabric(t, 0, nil, "eu", "us")
	f.links[[2]string{"eu", "us"}].cut(true)
	_, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true, Wait: 10 * time.Millisecond}, nil)
	assert.ErrorAs[*IncompleteError](t, err)
	eventually(t, "the other hub has asked for it", func() bool {
		_, killed := f.hubs["us"].sw.Killed(Namespace("a"))
		return killed
	})
}

// TestListOfRuntimesThatCannotBeWritten: the hub says so, and kills all the same; when the list can be
// written, it is.
func TestListOfRuntimesThatCannotBeWritten(t *testing.T) {
	folder := t.TempDir()
	inTheWay := filepath.Join(folder, "runtimes.new")
	assert.NoError(t, os.Mkdir(inTheWay, 0o700))
	f := newFabric(t, 0, func(o *HubOptions) { o.Known = filepath.Join(folder, "runtimes") }, "eu")
	f.runtime("one", "eu", nil).awaitCurrent(t)
	assert.True(t, f.hubs["eu"].Status().KnownErr != "", "the status says so")
	_, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	assert.NoError(t, os.Remove(inTheWay))
	eventually(t, "the list is written", func() bool {
		known, err := readKnown(filepath.Join(folder, "runtimes"))
		return err == nil && len(known) == 1 && f.hubs["eu"].Status().KnownErr == ""
	})
}

// TestLogThatWasReadIsNotDurableBeforeASync: lines that the process before wrote and did not sync are read
// again, and are no more on the disk than they were.
func TestLogThatWasReadIsNotDurableBeforeASync(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kill.log")
	assert.NoError(t, os.WriteFile(path, appendLine(nil, order(Namespace("a"), 1, false)), 0o600))
	synced := false
	s, err := Open(path, func(s *Switch) {
		s.disk.sync = func(f *os.File) error {
			synced = true
			return f.Sync()
		}
	})
	assert.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	assert.True(t, s.Durable(), "it says that it is durable")
	assert.True(t, synced, "and it is")
}

// TestMendedBeforeAnybodyListened: a hub whose disk works again by the time it waits for that says so.
func TestMendedBeforeAnybodyListened(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	f.runtime("one", "eu", nil).awaitCurrent(t)
	ctx, cancel := context.WithTimeout(background(t), 2*time.Second)
	defer cancel()
	var told *hubState
	f.hubs["eu"].awaitDurable(ctx, time.Now(), func(u update) { told = u.hub })
	assert.True(t, told != nil && told.Durable, "it is durable")
}
