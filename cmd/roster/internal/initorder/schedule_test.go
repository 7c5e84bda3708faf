package initorder

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// slowly orders tasks as the linker's comment says it, step by step over all of them.
func slowly(tasks map[string]task, root string) []string {
	needed := map[string]bool{}
	var need func(symbol string)
	need = func(symbol string) {
		if !needed[symbol] {
			needed[symbol] = true
			for _, n := range tasks[symbol].needs {
				need(n)
			}
		}
	}
	need(root)
	var order []string
	for len(order) < len(needed) {
		first := ""
		for symbol := range needed {
			ready := !slices.Contains(order, symbol)
			for _, n := range tasks[symbol].needs {
				ready = ready && slices.Contains(order, n)
			}
			if ready && (first == "" || symbol < first) {
				first = symbol
			}
		}
		order = append(order, first)
	}
	return order
}

func TestScheduleAgreesWithItsDefinition(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	letters := []string{"a", "b", "b-c", "b.c", "b/c", "c", "golang.org/x", "z"}
	for range 2000 {
		tasks := map[string]task{}
		var made []string
		for i := range 1 + random.IntN(20) {
			name := letters[random.IntN(len(letters))] + strconv.Itoa(random.IntN(10))
			symbol := name + taskSuffix
			if _, taken := tasks[symbol]; taken {
				continue
			}
			made = append(made, symbol)
			next := task{symbol: symbol, functions: random.IntN(2)}
			for _, other := range made[:len(made)-1] {
				if random.IntN(i+2) == 0 {
					next.needs = append(next.needs, other)
				}
			}
			tasks[symbol] = next
		}
		root := made[len(made)-1]
		slots, err := schedule(tasks, root)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, s := range slots {
			got = append(got, s.symbol)
			checkReason(t, slots, i)
		}
		if want := slowly(tasks, root); !slices.Equal(got, want) {
			t.Fatalf("of %v\ngot  %v\nwant %v", tasks, got, want)
		}
	}
}

// checkReason checks that what is said of a slot explains its place: right after the last
// of its imports and those that overtook it, each of which sorts before it or came of one.
func checkReason(t *testing.T, slots []slot, i int) {
	t.Helper()
	s := slots[i]
	place := i - len(s.overtaken)
	var done []string
	for _, other := range slots[:place] {
		done = append(done, other.symbol)
	}
	for _, n := range s.needs {
		if !slices.Contains(done, n) {
			t.Fatalf("%s was not ready at %d: %s was not done", s.symbol, place, n)
		}
	}
	if (s.last == "") != (len(s.needs) == 0) || s.last != "" && done[place-1] != s.last {
		t.Fatalf("%s waited for %q last, of %v", s.symbol, s.last, done)
	}
	for j, other := range s.overtaken {
		if slots[place+j].symbol != other || other > s.symbol {
			t.Fatalf("%s was overtaken by %s", s.symbol, other)
		}
	}
}

func TestScheduleOfACycle(t *testing.T) {
	t.Parallel()
	tasks := map[string]task{
		"a": {symbol: "a", needs: []string{"b"}},
		"b": {symbol: "b", needs: []string{"a"}},
	}
	if _, err := schedule(tasks, "a"); err == nil || !strings.Contains(err.Error(), "a cycle of init tasks: 0 of 2") {
		t.Errorf("got %v", err)
	}
	tasks = map[string]task{"a": {symbol: "a", needs: []string{"b"}}}
	if _, err := schedule(tasks, "a"); err == nil || !strings.Contains(err.Error(), "a needs b, which no package has") {
		t.Errorf("got %v", err)
	}
}

func TestUnescape(t *testing.T) {
	t.Parallel()
	for escaped, want := range map[string]string{
		"a/b%2ec": "a/b.c", "a.b/c": "a.b/c", "%": "%", "%2": "%2", "%zz": "%zz", "a%25": "a%", "%2e%22": `."`,
	} {
		if got := unescape(escaped); got != want {
			t.Errorf("%s: got %s, want %s", escaped, got, want)
		}
	}
}
