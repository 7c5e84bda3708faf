package replica_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/replica"
)

func pair(tb testing.TB) (us, eu *replica.Node) {
	tb.Helper()
	return replica.New("us", "us", "eu"), replica.New("eu", "us", "eu")
}

func put(tb testing.TB, n *replica.Node, key, value string) replica.Entry {
	tb.Helper()
	e, err := n.Put(key, []byte(value))
	assert.NoError(tb, err)
	return e
}

func batch(tb testing.TB, n *replica.Node, from uint64, limit int) replica.Batch {
	tb.Helper()
	b, err := n.Batch(from, limit)
	assert.NoError(tb, err)
	return b
}

func TestCountsGrowOverAllKeys(t *testing.T) {
	us, _ := pair(t)
	put(t, us, "a/1", "x")
	e := put(t, us, "a/2", "x")
	assert.Equal(t, e.Writes[0].Dot, replica.Dot{Region: "us", Count: 2})
	assert.Equal(t, us.Cursor("us"), uint64(2))
	unchanged, err := us.Delete("a/3")
	assert.NoError(t, err)
	assert.True(t, len(unchanged.Writes) == 0 && us.Cursor("us") == 2, "deleting what is not there is no write")
}

func TestBatchesAreInOrder(t *testing.T) {
	us, eu := pair(t)
	for _, key := range []string{"a/1", "a/2", "a/1"} {
		put(t, us, key, key)
	}
	gap := assert.ErrorAs[*replica.GapError](t, eu.Receive(batch(t, us, 1, 0)))
	assert.Equal(t, *gap, replica.GapError{Origin: "us", From: 1, Cursor: 0})
	first := batch(t, us, 0, 2)
	assert.Equal(t, len(first.Entries), 2)
	assert.NoError(t, eu.Receive(first))
	assert.NoError(t, eu.Receive(batch(t, us, 1, 0))) // overlaps
	assert.Equal(t, eu.Cursor("us"), uint64(3))
	before := eu.Clone()
	assert.NoError(t, eu.Receive(first)) // again
	assert.True(t, eu.Equal(before), "a batch that was applied changes nothing")
	_, err := us.Batch(4, 0)
	assert.ErrorAs[*replica.RestoredError](t, err)
}

func TestWhoIsBehindTheLogNeedsASnapshot(t *testing.T) {
	us, eu := pair(t)
	put(t, us, "a/1", "x")
	us.Compact(9)
	_, err := us.Batch(0, 0)
	compacted := assert.ErrorAs[*replica.CompactedError](t, err)
	assert.Contains(t, compacted.Error(), `"us"`, "whole snapshot")
	mine := put(t, eu, "a/1", "y")
	s, err := us.Snapshot()
	assert.NoError(t, err)
	assert.NoError(t, eu.Adopt(s))
	e, _ := eu.Entry("a/1")
	assert.True(t, len(e.Writes) == 2 && eu.Cursor("us") == 1, "both writes, and the cursor of the snapshot")
	assert.NoError(t, us.Receive(batch(t, eu, 0, 0)))
	value, _, err := us.Get("a/1")
	assert.NoError(t, err)
	winner, _ := e.Winner()
	assert.Equal(t, string(value), string(winner.Value))
	assert.Equal(t, mine.Writes[0].Dot.Region, "eu")
}

func TestLogIsTrimmedWhenAllHaveIt(t *testing.T) {
	us, eu := pair(t)
	put(t, us, "a/1", "x")
	assert.Equal(t, us.Trim(), uint64(0))
	assert.NoError(t, eu.Receive(batch(t, us, 0, 0)))
	assert.NoError(t, us.Receive(batch(t, eu, 0, 0)))
	assert.Equal(t, us.Trim(), uint64(1))
	assert.Equal(t, len(batch(t, us, 1, 0).Entries), 0)
}

func TestCollectWaitsForAge(t *testing.T) {
	us := replica.New("us")
	put(t, us, "a/1", "x")
	_, err := us.Delete("a/1")
	assert.NoError(t, err)
	assert.Equal(t, len(us.Collect(func(replica.Entry) bool { return false })), 0)
	assert.Equal(t, us.Collect(func(replica.Entry) bool { return true }), []string{"a/1"})
}

func TestFencedRegionIsRefusedAndToldWhatIsStranded(t *testing.T) {
	us, eu := pair(t)
	put(t, eu, "a/1", "never pushed")
	assert.NoError(t, us.Fence("eu"))
	refused := assert.ErrorAs[*replica.MemberError](t, us.Receive(batch(t, eu, 0, 0)))
	assert.Contains(t, refused.Error(), `"eu"`, "fenced", "new incarnation")
	assert.ErrorAs[*replica.MemberError](t, eu.Receive(batch(t, us, 0, 0)))
	_, err := eu.Put("a/2", nil)
	assert.ErrorAs[*replica.MemberError](t, err)
	_, ok, err := eu.Get("a/1")
	assert.True(t, ok && err == nil, "it is still read there")
	assert.ErrorAs[*replica.MemberError](t, us.Admit("eu"))
	assert.ErrorAs[*replica.MemberError](t, us.Fence("us"))
	assert.ErrorAs[*replica.MemberError](t, us.Fence("mars"))
	assert.NoError(t, us.Admit("eu~2"))
	s, err := us.Snapshot()
	assert.NoError(t, err)
	stranded, err := eu.Join("eu~2", s)
	assert.NoError(t, err)
	assert.True(t, len(stranded) == 1 && string(stranded[0].Writes[0].Value) == "never pushed", "the write is handed out")
	put(t, eu, "a/2", "x")
	assert.NoError(t, us.Receive(batch(t, eu, 0, 0)))
	_, err = eu.Join("eu~2", s)
	assert.ErrorAs[*replica.MemberError](t, err) // it has been used
}

func TestRestoredRegionNeitherReadsNorWrites(t *testing.T) {
	us, _ := pair(t)
	put(t, us, "a/1", "x")
	us.Restore()
	_, _, err := us.Get("a/1")
	assert.Contains(t, assert.ErrorAs[*replica.MemberError](t, err).Error(), "restored backup")
	_, err = us.Put("a/1", nil)
	assert.ErrorAs[*replica.MemberError](t, err)
	_, err = us.Batch(0, 0)
	assert.ErrorAs[*replica.MemberError](t, err)
	_, err = us.Snapshot()
	assert.ErrorAs[*replica.MemberError](t, err)
	assert.ErrorAs[*replica.MemberError](t, us.Admit("ap"))
}

func TestKillIsTakenFromAMessageThatIsRefused(t *testing.T) {
	us, eu := pair(t)
	put(t, us, "orders/1", "x")
	assert.NoError(t, us.Fence("eu"))
	assert.NoError(t, eu.Kill(kill.Order{Target: kill.Entry("orders", "1"), Epoch: 1, Reason: "leaks", At: time.Unix(1, 0)}))
	assert.ErrorAs[*replica.MemberError](t, us.Receive(batch(t, eu, 0, 0)))
	_, ok, err := us.Get("orders/1")
	assert.True(t, !ok && assert.ErrorAs[*replica.KilledError](t, err).Order.Epoch == 1, "killed")
	_, err = us.Put("orders/1", nil)
	assert.ErrorAs[*replica.KilledError](t, err)
	assert.NoError(t, us.Kill(kill.Order{Target: kill.Entry("orders", "1"), Epoch: 2, Revived: true, Reason: "fixed", At: time.Unix(2, 0)}))
	_, ok, err = us.Get("orders/1")
	assert.True(t, ok && err == nil, "it is there again: nothing was deleted")
}

func TestWritesAreValidated(t *testing.T) {
	us, _ := pair(t)
	for _, key := range []string{"", "a", "/a", "a/", "a/b/c", "a/\n"} {
		_, err := us.Put(key, nil)
		assert.ErrorAs[*replica.InvalidError](t, err)
		_, err = us.Delete(key)
		assert.ErrorAs[*replica.InvalidError](t, err)
	}
	_, err := us.Put("a/b", make([]byte, replica.MaxValueLen+1))
	assert.ErrorAs[*replica.InvalidError](t, err)
}

// FuzzReceive lets a peer send anything. Nothing panics, and what is refused changes nothing.
func FuzzReceive(f *testing.F) {
	us, eu := pair(f)
	put(f, us, "a/1", "x")
	put(f, us, "a/2", "y")
	good, err := json.Marshal(batch(f, us, 0, 0))
	assert.NoError(f, err)
	s, err := us.Snapshot(replica.BucketOf("a/1"))
	assert.NoError(f, err)
	snapshot, err := json.Marshal(s)
	assert.NoError(f, err)
	f.Add(good, snapshot)
	put(f, eu, "a/1", "z")
	f.Fuzz(func(t *testing.T, first, second []byte) {
		n := eu.Clone()
		var b replica.Batch
		if json.Unmarshal(first, &b) == nil {
			before := n.Clone()
			if err := n.Receive(b); errors.Is(err, replica.ErrInvalid) {
				assert.True(t, n.Equal(before) || len(b.Kills) > 0, "what is refused changes nothing")
			}
		}
		var s replica.Snapshot
		if json.Unmarshal(second, &s) == nil {
			_ = n.Adopt(s)
			_, _ = n.Clone().Join("eu~1", s)
		}
		for e := range n.All {
			assert.NoError(t, e.Validate())
		}
		_, _ = n.Put("a/1", nil)
		_, _ = n.Delete("a/2")
		n.Collect(nil)
		n.Trim()
	})
}
