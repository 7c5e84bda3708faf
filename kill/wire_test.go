package kill

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// largest is an order that takes as much room in a line as any.
func largest(n int) Order {
	name := strings.Repeat("%", MaxName-4) + string(rune('a'+n%26)) + string(rune('a'+n/26%26))
	return Order{
		Target: Entry(name, strings.Repeat("/", MaxName)), Epoch: 1<<64 - 1, Revived: true,
		Reason: strings.Repeat(`"`, MaxReason), By: strings.Repeat("\u2028", MaxBy/3), Region: strings.Repeat(`\`, MaxRegion),
		At: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	}
}

func TestLinesAreShortEnough(t *testing.T) {
	var orders []Order
	for i := range 100 {
		orders = append(orders, largest(i))
		assert.NoError(t, orders[i].Validate())
	}
	var got []Order
	for _, m := range batches(orders) {
		m.Seq = 1<<64 - 1
		line := m.line()
		assert.True(t, len(line) <= maxLine, "a batch fits into a line")
		back, err := readMessage(newReader(bytes.NewReader(line)))
		assert.NoError(t, err)
		some, refused := back.orders()
		assert.Equal(t, refused, 0)
		got = append(got, some...)
	}
	assert.Equal(t, got, orders)
	assert.Equal(t, len(batches(nil)), 1)

	long := strings.Repeat(`"`, maxID)
	states := make([]RuntimeReport, maxStates)
	for i := range states {
		states[i] = RuntimeReport{ID: long, Boot: long, Region: strings.Repeat(`"`, MaxRegion), State: Unreachable, Durable: true, Twice: true, Refused: 1 << 62, Took: 1 << 62, Seen: time.Now()}
	}
	lines := update{runtimes: slices.Concat(states, states), hub: &hubState{Region: strings.Repeat(`"`, MaxRegion)}}.lines()
	assert.Equal(t, bytes.Count(lines, []byte("\n")) >= 2, true)
	for line := range bytes.Lines(lines) {
		if len(line) > maxLine {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	names := make([]string, 100)
	for i := range names {
		names[i] = strings.Repeat(`"`, MaxName)
	}
	last := make([]string, maxLast)
	for i := range last {
		last[i] = long
	}
	m := message{Count: &count{Target: largest(0).Target, Impact: new(Impact{Providers: -1, Names: names}.clipped()), Last: last}}
	assert.True(t, len(m.line()) <= maxLine, "an answer fits into a line")
}

func TestLineThatIsTooLong(t *testing.T) {
	_, err := readMessage(newReader(strings.NewReader(strings.Repeat("x", maxLine) + "\n")))
	assert.True(t, errors.Is(err, errLong), "it is refused")
	_, err = readMessage(newReader(strings.NewReader(`{"seq":1}`)))
	assert.True(t, errors.Is(err, io.ErrUnexpectedEOF), "so is one that is cut short")
}

// TestOrderOfANewerProgram: one that cannot be read spoils no other.
func TestOrderOfANewerProgram(t *testing.T) {
	m := batches([]Order{order(Namespace("a"), 1, false)})[0]
	m.Orders = append(m.Orders, []byte(`{"target":"galaxy/x","epoch":1,"reason":"r","at":"2026-01-01T00:00:00Z"}`))
	back, err := readMessage(newReader(bytes.NewReader(m.line())))
	assert.NoError(t, err)
	orders, refused := back.orders()
	assert.Equal(t, len(orders), 1)
	assert.Equal(t, refused, 1)
}

func FuzzMessage(f *testing.F) {
	f.Add(message{Hello: &hello{ID: "a", Boot: "b"}}.line())
	f.Add(batches([]Order{largest(1)})[0].line())
	f.Add(message{Ack: &ack{Seq: 1, Durable: true}}.line())
	f.Add(message{Count: &count{Query: 1, Target: Namespace("a"), Impact: &Impact{Providers: 1, Names: []string{"x"}}}}.line())
	f.Add(message{Report: &Report{Order: order(Namespace("a"), 1, false)}}.line())
	f.Add([]byte("{}\n[]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := newReader(bytes.NewReader(text))
		for {
			m, err := readMessage(r)
			if err != nil {
				return
			}
			orders, _ := m.orders()
			for _, o := range orders {
				assert.NoError(t, o.Validate())
			}
			if m.Count != nil && m.Count.Impact != nil {
				m.Count.Impact.clipped()
			}
		}
	})
}
