package replica_test

import (
	"slices"
	"testing"

	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/replica"
)

func TestPutSupersedesWhatItSaw(t *testing.T) {
	us := replica.Entry{Key: "orders/1"}.Put("us", []byte("a"))
	eu := replica.Merge(replica.Entry{Key: "orders/1"}, us).Put("eu", []byte("b"))
	merged := replica.Merge(us, eu)
	value, ok := merged.Live()
	assert.True(t, ok && string(value) == "b" && len(merged.Writes) == 1, "the later write alone")
	assert.True(t, merged.Equal(eu), "the merge is the later entry")
	assert.Equal(t, len(merged.Conflicts()), 0)
}

func TestConcurrentWritesStayUntilSuperseded(t *testing.T) {
	base := replica.Entry{Key: "orders/1"}.Put("us", []byte("a"))
	us, eu := base.Put("us", []byte("b")), base.Put("eu", []byte("c"))
	merged := replica.Merge(us, eu)
	value, _ := merged.Live()
	assert.Equal(t, string(value), "b") // equal times: the region whose name sorts last
	lost := merged.Conflicts()
	assert.True(t, len(lost) == 1 && string(lost[0].Value) == "c", "the loser is recorded")
	after := merged.Put("ap", []byte("d"))
	assert.True(t, len(after.Writes) == 1 && after.Conflicts() == nil, "a later write settles it")
	assert.True(t, replica.Merge(after, eu).Equal(after), "the superseded write does not come back")
}

func TestDeletionWinsOverConcurrentWritesAndStays(t *testing.T) {
	base := replica.Entry{Key: "orders/1"}.Put("us", []byte("a"))
	deleted := base.Delete("eu")
	late := base.Put("us", []byte("b")).Put("us", []byte("c"))
	merged := replica.Merge(late, deleted)
	_, ok := merged.Live()
	assert.True(t, !ok, "the deletion wins, although its time is lower")
	assert.Equal(t, len(merged.Conflicts()), 1)
	assert.True(t, replica.Merge(merged, base).Equal(merged), "what was deleted does not come back")
	assert.True(t, deleted.Tombstone() && !merged.Tombstone(), "a recorded loser keeps the tombstone from being collected")
}

func TestFreshDropsOldCopiesOfWhatWasCollected(t *testing.T) {
	old := replica.Entry{Key: "orders/1"}.Put("us", []byte("a"))
	gone := replica.Fresh("orders/1", replica.Context{"us": 7})
	assert.Equal(t, len(replica.Merge(gone, old).Writes), 0)
	again := gone.Put("eu", []byte("b"))
	assert.True(t, replica.Merge(again, old).SameWrites(again), "a new write supersedes the collected one")
	assert.Panics(t, func() { gone.PutAt(replica.Dot{Region: "us", Count: 7}, nil) })
	assert.Panics(t, func() { replica.Merge(gone, replica.Entry{Key: "orders/2"}) })
}

func TestDigestFindsTheBucketThatDiffers(t *testing.T) {
	a := replica.Entry{Key: "orders/1"}.Put("us", []byte("a"))
	b := replica.Entry{Key: "orders/2"}.Put("us", []byte("b"))
	gone := replica.Entry{Key: "orders/3"}.Delete("us")
	one, other := replica.Digest(slices.Values([]replica.Entry{a, b})), replica.Digest(slices.Values([]replica.Entry{gone, b, a}))
	assert.Equal(t, replica.Compare(one, other), nil)
	changed := replica.Digest(slices.Values([]replica.Entry{a.Put("us", []byte("a")), b}))
	assert.Equal(t, replica.Compare(one, changed), []int{replica.BucketOf("orders/1")})
}
