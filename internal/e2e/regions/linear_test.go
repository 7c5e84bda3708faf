package regions_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	etcdstrong "github.com/roster-go/roster/etcd/strong"
	"github.com/roster-go/roster/internal/e2e/clustertest"
	"github.com/roster-go/roster/replica/strong"
)

// An input is what was asked of one key. Values are unique, so the value stands for the
// version.
type input struct {
	op       string // "get", "local", "put", "delete", "cas"
	key      string
	expected string // of a cas; "" if the key was not to be there
	value    string
}

// An output is what came back.
type output struct {
	value    string // of a get; "" if the key is not there
	conflict bool   // of a cas
	doubt    bool
}

// registers is the specification: each key is a register of its own.
var registers = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := make(map[string][]porcupine.Operation)
		for _, operation := range history {
			key := operation.Input.(input).key
			byKey[key] = append(byKey[key], operation)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return "" },
	Step: func(state, in, out any) (bool, any) {
		holds, asked, got := state.(string), in.(input), out.(output)
		switch asked.op {
		case "get", "local":
			return got.value == holds, holds
		case "put":
			return true, asked.value
		case "delete":
			return true, ""
		}
		switch { // compare and set
		case got.conflict:
			return holds != asked.expected, holds
		case got.doubt && holds != asked.expected:
			return true, holds
		}
		return holds == asked.expected, asked.value
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

// A history is what several clients did, on one clock.
type history struct {
	began time.Time

	mu         sync.Mutex // guards the fields below
	operations []porcupine.Operation
	doubts     int
	refused    int
}

// note keeps an operation that was called at a time and has just returned.
func (h *history) note(client int, in input, out output, called time.Time) {
	returned := int64(math.MaxInt64) // what is in doubt may happen at any time after its call
	if !out.doubt {
		returned = time.Since(h.began).Nanoseconds()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if out.doubt {
		h.doubts++
	}
	h.operations = append(h.operations, porcupine.Operation{
		ClientId: client, Input: in, Output: out, Call: called.Sub(h.began).Nanoseconds(), Return: returned,
	})
}

// A client does random things to a few keys, one after the other.
type client struct {
	number  int
	store   *strong.Store
	history *history
	random  *rand.Rand
	values  int
}

const requestLimit = time.Second

func (c *client) step(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestLimit)
	defer cancel()
	key := fmt.Sprint("key", c.random.IntN(5))
	called := time.Now()
	var in input
	var out output
	var err error
	switch c.random.IntN(8) {
	case 0, 1:
		in = input{op: "get", key: key}
		var entry strong.Entry
		entry, _, err = c.store.Get(ctx, key)
		out.value = string(entry.Value)
	case 2, 3:
		in = input{op: "local", key: key}
		if err = c.store.Barrier(ctx); err == nil {
			entry, _ := c.store.View().Get(key)
			out.value = string(entry.Value)
		}
	case 4:
		in = input{op: "delete", key: key}
		_, err = c.store.Delete(ctx, key)
	case 5:
		in = input{op: "put", key: key, value: c.value()}
		_, err = c.store.Put(ctx, key, []byte(in.value))
	default:
		entry, _, getting := c.store.Get(ctx, key)
		if getting != nil {
			return
		}
		c.history.note(c.number, input{op: "get", key: key}, output{value: string(entry.Value)}, called)
		called = time.Now()
		in = input{op: "cas", key: key, expected: string(entry.Value), value: c.value()}
		_, err = c.store.CompareAndSet(ctx, key, entry.Version, []byte(in.value))
	}
	_, out.doubt = errors.AsType[*strong.InDoubtError](err)
	_, out.conflict = errors.AsType[*strong.ConflictError](err)
	_, none := errors.AsType[*strong.NoQuorumError](err)
	switch {
	case err == nil, out.doubt, out.conflict:
		c.history.note(c.number, in, out, called)
	case none:
		// It says that it was not done. If it was, a later read gives a value that nobody wrote.
		c.history.mu.Lock()
		c.history.refused++
		c.history.mu.Unlock()
	default:
		t.Errorf("%+v: %v", in, err)
	}
}

func (c *client) value() string {
	c.values++
	return fmt.Sprintf("%d.%d", c.number, c.values)
}

// TestHistoryIsLinearizable has clients in three regions write, compare and set, delete and
// read the same keys, over the quorum and in their views after a barrier, while leaders are
// killed and members cut off, and checks with porcupine that there is one order of it all.
func TestHistoryIsLinearizable(t *testing.T) {
	random := seeded(t)
	c := clustertest.Start(t, 3, clustertest.Fast())
	h := &history{began: time.Now()}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for number := range 6 {
		store := run(t, member(t, c, number%3, etcdstrong.Options{Heartbeat: 200 * time.Millisecond, Timeout: requestLimit}))
		worker := &client{number: number, store: store, history: h, random: rand.New(rand.NewPCG(random.Uint64(), 0))}
		running.Go(func() {
			for ctx.Err() == nil {
				worker.step(t)
				time.Sleep(time.Duration(worker.random.IntN(20)) * time.Millisecond) // the pace of the load
			}
		})
	}
	for end := time.Now().Add(long(3*time.Minute, 15*time.Second)); time.Now().Before(end); {
		leader := c.Leader()
		switch fault := random.IntN(4); fault {
		case 0:
			t.Logf("%v: kill the leader, member %d", time.Since(h.began).Round(time.Millisecond), leader)
			c.Kill(leader)
			time.Sleep(time.Duration(1000+random.IntN(1500)) * time.Millisecond) // the fault's length
			c.Restart(leader)
		default:
			victim := leader
			if fault > 1 {
				victim = (leader + fault - 1) % 3
			}
			t.Logf("%v: cut member %d off, the leader is %d", time.Since(h.began).Round(time.Millisecond), victim, leader)
			c.Isolate(victim)
			time.Sleep(time.Duration(1500+random.IntN(1500)) * time.Millisecond) // the fault's length
			c.Heal()
		}
		c.WaitHealthy(within(t, patience))
		time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond) // time without a fault
	}
	cancel()
	running.Wait()
	t.Logf("%d operations, of which %d in doubt; %d refused", len(h.operations), h.doubts, h.refused)
	if len(h.operations) < 500 || h.refused == 0 {
		t.Errorf("the history proves little")
	}
	switch result, _ := porcupine.CheckOperationsVerbose(registers, h.operations, 2*time.Minute); result {
	case porcupine.Illegal:
		t.Error("the history is not linearizable")
	case porcupine.Unknown:
		t.Error("the checker did not come to an end")
	case porcupine.Ok:
	}
}

// TestCheckerFindsStaleReads proves that the checker can fail.
func TestCheckerFindsStaleReads(t *testing.T) {
	write := func(value string, call, back int64) porcupine.Operation {
		return porcupine.Operation{Input: input{op: "put", key: "k", value: value}, Output: output{}, Call: call, Return: back}
	}
	read := func(value string, call, back int64) porcupine.Operation {
		return porcupine.Operation{Input: input{op: "get", key: "k"}, Output: output{value: value}, Call: call, Return: back}
	}
	doubt := write("2", 3, math.MaxInt64)
	doubt.Output = output{doubt: true}
	for name, c := range map[string]struct {
		history []porcupine.Operation
		ok      bool
	}{
		"fresh":            {[]porcupine.Operation{write("1", 1, 2), read("1", 3, 4)}, true},
		"stale":            {[]porcupine.Operation{write("1", 1, 2), write("2", 3, 4), read("1", 5, 6)}, false},
		"in doubt, made":   {[]porcupine.Operation{write("1", 1, 2), doubt, read("1", 5, 6), read("2", 7, 8)}, true},
		"in doubt, undone": {[]porcupine.Operation{write("1", 1, 2), doubt, read("2", 5, 6), read("1", 7, 8)}, false},
		"never written":    {[]porcupine.Operation{write("1", 1, 2), read("refused", 3, 4)}, false},
	} {
		if got := porcupine.CheckOperations(registers, c.history); got != c.ok {
			t.Errorf("%s: linearizable is %v, want %v", name, got, c.ok)
		}
	}
}
