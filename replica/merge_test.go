package replica_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/replica"
)

// entryOf makes some valid entry of the next bytes: also such as no honest history leads to, with
// the same dot for different writes.
func entryOf(script *[]byte) replica.Entry {
	next := func(below byte) byte {
		if len(*script) == 0 {
			return 0
		}
		b := (*script)[0] % below
		*script = (*script)[1:]
		return b
	}
	e := replica.Entry{Key: "orders/1", Context: replica.Context{}}
	for _, region := range []string{"ap", "eu", "us"} {
		count := next(4)
		if count == 0 {
			continue
		}
		e.Context[region] = uint64(count)
		if next(3) == 0 {
			continue
		}
		w := replica.Write{Dot: replica.Dot{Region: region, Count: uint64(1 + next(count))}, Time: uint64(1 + next(3)), Deleted: next(2) == 0}
		if !w.Deleted {
			w.Value = slices.Repeat([]byte{'v'}, int(next(3)))
		}
		e.Writes = append(e.Writes, w)
	}
	return e
}

func checkLaws(t *testing.T, a, b, c replica.Entry) {
	t.Helper()
	ab := replica.Merge(a, b)
	assert.True(t, ab.Equal(replica.Merge(b, a)), "commutative")
	assert.True(t, replica.Merge(ab, c).Equal(replica.Merge(a, replica.Merge(b, c))), "associative")
	assert.True(t, replica.Merge(a, a).Equal(a), "idempotent")
	assert.True(t, replica.Merge(ab, a).Equal(ab) && replica.Merge(b, ab).Equal(ab), "what was merged adds nothing")
	assert.NoError(t, ab.Validate())
	for _, w := range slices.Concat(a.Writes, b.Writes) {
		held := slices.ContainsFunc(ab.Writes, func(m replica.Write) bool { return m.Dot == w.Dot })
		superseded := a.Context.Covers(w.Dot) && b.Context.Covers(w.Dot) &&
			!(slices.ContainsFunc(a.Writes, func(m replica.Write) bool { return m.Dot == w.Dot }) &&
				slices.ContainsFunc(b.Writes, func(m replica.Write) bool { return m.Dot == w.Dot }))
		assert.True(t, held != superseded, "a write is held unless one side knows it and has it no more")
	}
	winner, ok := ab.Winner()
	assert.True(t, ok == (len(ab.Writes) > 0), "a winner if there is a write")
	deleted := slices.ContainsFunc(ab.Writes, func(w replica.Write) bool { return w.Deleted })
	assert.True(t, !ok || winner.Deleted == deleted, "a deletion wins")
	live := slices.DeleteFunc(slices.Clone(ab.Writes), func(w replica.Write) bool { return w.Deleted || w.Dot == winner.Dot })
	assert.Equal(t, len(ab.Conflicts()), len(live))
	if encoded, err := ab.Encode(); err == nil {
		again, err := replica.Merge(b, a).Encode()
		assert.NoError(t, err)
		assert.Equal(t, string(encoded), string(again))
	}
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte{1, 1, 0, 1, 0, 1, 2, 2, 1, 1, 1, 3, 1, 2, 0, 0, 1, 1, 1, 0, 2, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		checkLaws(t, entryOf(&script), entryOf(&script), entryOf(&script))
	})
}

func TestMergeLaws(t *testing.T) {
	random := rand.New(rand.NewPCG(replica.SeedOf(t), 0))
	for range 20_000 {
		script := make([]byte, 60)
		for n := range script {
			script[n] = byte(random.Uint32())
		}
		checkLaws(t, entryOf(&script), entryOf(&script), entryOf(&script))
	}
}

// TestOperandsStayAsTheyAre matters because entries are shared between readers.
func TestOperandsStayAsTheyAre(t *testing.T) {
	a := replica.Entry{Key: "orders/1"}.Put("ap", []byte("a"))
	b := a.Put("eu", []byte("b"))
	before, err := b.Encode()
	assert.NoError(t, err)
	merged := replica.Merge(b, a.Delete("us"))
	merged.Put("ap", nil)
	merged.Context["mars"] = 1
	merged.Writes[0].Time = 99
	after, err := b.Encode()
	assert.NoError(t, err)
	assert.Equal(t, string(after), string(before))
}
