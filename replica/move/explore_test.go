package move_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/replica/move"
)

// The model: a strong store with one record, regions with a guard, a lease and some content each,
// two executors that may stall, die and resume between any two things they do, and an
// operator. A write is a bit, and content is a set of writes.

const (
	modelRegions   = 3
	modelExecutors = 2
	modelLease     = 1 // ticks that a lease lasts
)

var modelNames = [modelRegions]string{"us", "eu", "ap"}

func modelIndex(region string) int {
	for n, name := range modelNames {
		if name == region {
			return n
		}
	}
	return -1
}

type modelGuard struct {
	epoch uint16
	mode  uint8
}

var modelModes = [...]move.Mode{"", move.Import, move.Sealed, move.Open, move.Closed}

func (g modelGuard) guard() move.Guard {
	return move.Guard{Epoch: uint64(g.epoch), Mode: modelModes[g.mode]}
}

func modelOf(g move.Guard) modelGuard {
	for n, mode := range modelModes {
		if mode == g.Mode {
			return modelGuard{uint16(g.Epoch), uint8(n)}
		}
	}
	panic(g.Mode)
}

type modelRegion struct {
	guard      modelGuard
	leaseEpoch uint16
	leaseLeft  uint8
	content    uint8
	aside      uint8
}

type modelExecutor struct {
	record   int16 // that it has read; 0: idle
	leftover int8  // the region whose leftover it does, or -1
	phase    uint8 // how far it is in the step
	buffer   uint8 // what it has read
	waited   uint8
}

// world is a state of the model. It is comparable.
type world struct {
	record    int16
	regions   [modelRegions]modelRegion
	executors [modelExecutors]modelExecutor
	writes    uint8 // made and acknowledged
	begun     uint8
	forced    uint8
	aborted   uint8
	faults    uint8 // copies that lost something
}

// modelRules are the rules under test; mutants change one.
type modelRules struct {
	raise         func(g, to move.Guard) (move.Guard, error)
	serves        func(r move.Record, region string, epoch uint64) bool
	abort         func(r move.Record) (move.Record, error)
	done          func(r move.Record, step move.Step) (move.Record, error)
	wait          uint8
	writesNeed    bool // a write needs the lease
	guardedCopy   bool
	guardedClean  bool
	verifies      bool
	staleFinishes bool // an executor stores its result although the record has changed
}

func theRules() modelRules {
	return modelRules{
		raise:  move.Guard.Raise,
		serves: move.Record.Serves,
		abort:  func(r move.Record) (move.Record, error) { return r.Abort(numbers) },
		done:   move.Record.Done,
		wait:   modelLease, writesNeed: true, guardedCopy: true, guardedClean: true, verifies: true,
	}
}

type modelLimits struct{ regions, begins, forces, aborts, writes, faults uint8 }

type model struct {
	rules   modelRules
	limits  modelLimits
	records []move.Record // 0 is unused
	ids     map[string]int16
}

func (m *model) id(r move.Record) int16 {
	text := fmt.Sprint(r)
	id, ok := m.ids[text]
	if !ok {
		id = int16(len(m.records))
		m.records, m.ids[text] = append(m.records, r), id
	}
	return id
}

func newModel(rules modelRules, limits modelLimits) (*model, world) {
	m := &model{rules: rules, limits: limits, records: make([]move.Record, 1), ids: map[string]int16{}}
	r, err := move.Create("orders", "us", numbers)
	if err != nil {
		panic(err)
	}
	return m, world{record: m.id(r)}
}

func (w *world) accepts(n int, rules *modelRules) bool {
	g := w.regions[n]
	if modelModes[g.guard.mode] != move.Open {
		return false
	}
	return !rules.writesNeed || g.leaseLeft > 0 && g.leaseEpoch == g.guard.epoch
}

// violation says what is wrong with w, or "".
func (m *model) violation(w world) string {
	var held uint8
	homes := 0
	for n := range int(m.limits.regions) {
		held |= w.regions[n].content | w.regions[n].aside
		if !w.accepts(n, &m.rules) {
			continue
		}
		homes++
		if lost := acknowledged(w) &^ w.regions[n].content; w.forced == 0 && lost != 0 {
			return fmt.Sprintf("%s accepts writes without having %b, and no failover was forced", modelNames[n], lost)
		}
	}
	if homes > 1 {
		return "two homes accept writes"
	}
	if lost := acknowledged(w) &^ held; lost != 0 {
		return fmt.Sprintf("the acknowledged writes %b are nowhere any more", lost)
	}
	return ""
}

func acknowledged(w world) uint8 { return 1<<w.writes - 1 }

// next calls found for every state that one event leads to.
func (m *model) next(w world, found func(event string, next world)) {
	r := m.records[w.record]
	m.operator(w, r, found)
	for n := range int(m.limits.regions) {
		g := w.regions[n]
		if epoch := g.guard.epoch; epoch > 0 && m.rules.serves(r, modelNames[n], uint64(epoch)) {
			next := w
			next.regions[n].leaseEpoch, next.regions[n].leaseLeft = epoch, modelLease
			found("renew "+modelNames[n], next)
		}
		if w.writes < m.limits.writes && w.accepts(n, &m.rules) {
			next := w
			next.regions[n].content |= 1 << w.writes
			next.writes++
			found("write "+modelNames[n], next)
		}
	}
	found("tick", tick(w))
	for n := range w.executors {
		m.executor(w, n, found)
	}
}

func tick(w world) world {
	for n := range w.regions {
		if w.regions[n].leaseLeft > 0 {
			w.regions[n].leaseLeft--
			if w.regions[n].leaseLeft == 0 {
				w.regions[n].leaseEpoch = 0
			}
		}
	}
	for n := range w.executors {
		if w.executors[n].record != 0 && w.executors[n].waited < modelLease {
			w.executors[n].waited++
		}
	}
	return w
}

func (m *model) operator(w world, r move.Record, found func(string, world)) {
	for n := range int(m.limits.regions) {
		if w.begun < m.limits.begins {
			if begun, err := r.Begin(modelNames[n], numbers); err == nil {
				next := w
				next.begun++
				next.record = m.id(begun)
				found("begin "+modelNames[n], next)
			}
		}
		if w.forced < m.limits.forces {
			if forced, err := r.Force(modelNames[n], numbers); err == nil {
				next := w
				next.forced++
				next.record = m.id(forced)
				found("force "+modelNames[n], next)
			}
		}
	}
	if w.aborted < m.limits.aborts {
		if aborted, err := m.rules.abort(r); err == nil {
			next := w
			next.aborted++
			next.record = m.id(aborted)
			found("abort", next)
		}
	}
}

// executor does one thing of executor n: it reads the record (having died or given up whatever it
// was at), or goes on with its step.
func (m *model) executor(w world, n int, found func(string, world)) {
	r := m.records[w.record]
	reads := func(leftover int8) {
		next := w
		next.executors[n] = modelExecutor{record: w.record, leftover: leftover}
		if next != w {
			found(fmt.Sprint("executor ", n, " reads the record"), next)
		}
	}
	if _, ok := r.Step(); ok {
		reads(-1)
	}
	for region := range int8(m.limits.regions) {
		if _, ok := r.Leftover(modelNames[region]); ok {
			reads(region)
		}
	}
	if w.executors[n].record == 0 {
		return
	}
	step := m.stepOf(w.executors[n])
	event := fmt.Sprint("executor ", n, " goes on: ", step)
	next, ok := m.act(w, n, step)
	if !ok {
		next.executors[n] = modelExecutor{}
	}
	if next != w {
		found(event, next)
	}
	if x := w.executors[n]; step.Action == move.Copy && x.phase == 2 && x.buffer != 0 && w.faults < m.limits.faults {
		next := w
		next.faults++
		next.executors[n].buffer &= x.buffer - 1
		if next, ok := m.act(next, n, step); ok {
			found(event+", losing a write", next)
		}
	}
}

func (m *model) stepOf(x modelExecutor) move.Step {
	r := m.records[x.record]
	step, _ := r.Step()
	if x.leftover >= 0 {
		step, _ = r.Leftover(modelNames[x.leftover])
	}
	return step
}

// act does the next part of a step: the guard, the action in one or two parts, the record. It
// is false if the executor gives up.
func (m *model) act(w world, n int, step move.Step) (world, bool) {
	x := &w.executors[n]
	region := &w.regions[modelIndex(step.Region)]
	guarded := region.guard == modelOf(step.Guard)
	x.phase++
	switch {
	case x.phase == 1 && step.Action == move.WaitOut:
		x.phase = 0
		if x.waited >= m.rules.wait {
			return m.finish(w, n, m.rules.done, step)
		}
		return w, true
	case x.phase == 1:
		raised, err := m.rules.raise(region.guard.guard(), step.Guard)
		if err != nil {
			return w, false
		}
		region.guard = modelOf(raised)
		return w, true
	case x.phase == 2 && (step.Action == move.Copy || step.Action == move.Verify):
		x.buffer = w.regions[modelIndex(step.From)].content
		return w, true
	case x.phase == 3 && step.Action == move.Copy:
		if !guarded && m.rules.guardedCopy {
			return w, false
		}
		region.content = x.buffer
		x.buffer = 0
		return w, true
	case x.phase == 3 && step.Action == move.Verify && x.buffer != region.content && m.rules.verifies:
		return m.finish(w, n, move.Record.Differ, step)
	case x.phase == 2 && (step.Action == move.Clean || step.Action == move.SetAside):
		if !guarded && m.rules.guardedClean {
			return w, false
		}
		if step.Action == move.SetAside {
			region.aside |= region.content
		}
		region.content = 0
		return w, true
	}
	return m.finish(w, n, m.rules.done, step)
}

func (m *model) finish(w world, n int, by func(move.Record, move.Step) (move.Record, error), step move.Step) (world, bool) {
	x := w.executors[n]
	w.executors[n] = modelExecutor{}
	if x.record != w.record && !m.rules.staleFinishes {
		return w, true // the compare-and-set fails
	}
	done, err := by(m.records[x.record], step)
	if err != nil {
		return w, true
	}
	w.record = m.id(done)
	return w, true
}

// settles runs one executor alone, as after everybody else died, and says what is wrong if the
// namespace does not come to accept writes, or a leftover stays.
func (m *model) settles(w world) string {
	w.executors = [modelExecutors]modelExecutor{}
	for range 200 {
		x := &w.executors[0]
		if x.record == 0 {
			r := m.records[w.record]
			if _, ok := r.Step(); ok {
				*x = modelExecutor{record: w.record, leftover: -1}
			} else if len(r.Leftovers) > 0 {
				*x = modelExecutor{record: w.record, leftover: int8(modelIndex(r.Leftovers[0].Region))}
			} else {
				home := w.regions[modelIndex(r.Home)].guard
				if r.Serves(r.Home, r.Epoch) && home.guard() == (move.Guard{Epoch: r.Epoch, Mode: move.Open}) {
					return ""
				}
				return fmt.Sprint("it has come to rest and its home accepts no writes: ", r)
			}
		}
		var ok bool
		if w, ok = m.act(w, 0, m.stepOf(*x)); !ok {
			return fmt.Sprint("a single executor is refused: ", m.records[w.record])
		}
		w = tick(w)
	}
	return fmt.Sprint("a single executor does not come to an end: ", m.records[w.record])
}

// explore visits every state that can be reached, and returns how many there are, or the events
// that lead to the first violation.
func explore(rules modelRules, limits modelLimits) (states, records int, failure string) {
	m, start := newModel(rules, limits)
	type origin struct {
		from  int32
		event string
	}
	seen := map[world]struct{}{start: {}}
	queue, origins := []world{start}, []origin{{-1, "start"}}
	for at := 0; at < len(queue) && failure == ""; at++ {
		w := queue[at]
		why := m.violation(w)
		if why == "" {
			why = m.settles(w)
		}
		if why != "" {
			for n := int32(at); n >= 0; n = origins[n].from {
				failure = "\n  " + origins[n].event + failure
			}
			failure = why + failure
			break
		}
		m.next(w, func(event string, next world) {
			if _, old := seen[next]; old {
				return
			}
			seen[next] = struct{}{}
			queue = append(queue, next)
			origins = append(origins, origin{int32(at), event})
		})
	}
	return len(seen), len(m.records) - 1, failure
}

func TestEveryReachableState(t *testing.T) {
	limits := []modelLimits{
		{regions: 2, begins: 1, forces: 1, aborts: 1, writes: 1},
		{regions: 2, begins: 1, aborts: 1, writes: 1, faults: 1},
	}
	if os.Getenv("ROSTER_SOAK") != "" {
		limits = append(limits, modelLimits{regions: 2, begins: 2, aborts: 1, writes: 1, faults: 1},
			modelLimits{regions: 3, begins: 1, forces: 1, aborts: 1, writes: 1})
	}
	for _, l := range limits {
		states, records, failure := explore(theRules(), l)
		assert.True(t, failure == "", "no violation, not: "+failure)
		t.Logf("%+v: %d states, %d records", l, states, records)
	}
}

// TestMutantsAreFound breaks one rule after the other; the exploration has to notice each.
func TestMutantsAreFound(t *testing.T) {
	planned := modelLimits{regions: 2, begins: 2, aborts: 1, writes: 1}
	forced := modelLimits{regions: 2, begins: 1, forces: 1, writes: 1}
	both := modelLimits{regions: 2, begins: 1, forces: 1, aborts: 1, writes: 1}
	for _, c := range []struct {
		name   string
		limits modelLimits
		mutate func(*modelRules)
		says   string
	}{
		{"the lease is not waited out", forced, func(r *modelRules) { r.wait = 0 }, "two homes"},
		{"writes need no lease", forced, func(r *modelRules) { r.writesNeed = false }, "two homes"},
		{"the lease is renewed while it is waited out", forced, func(r *modelRules) {
			r.serves = func(r move.Record, region string, epoch uint64) bool { return region == r.Home && epoch == r.Epoch }
		}, "two homes"},
		{"a lease is given to every open region", forced, func(r *modelRules) {
			r.serves = func(r move.Record, _ string, _ uint64) bool { return r.State == move.Active }
		}, "two homes"},
		{"the home is not fenced", planned, func(r *modelRules) {
			r.raise = func(g, to move.Guard) (move.Guard, error) {
				if to.Mode == move.Closed && g.Epoch == to.Epoch {
					return g, nil
				}
				return g.Raise(to)
			}
		}, "two homes"},
		{"guards go back", planned, func(r *modelRules) {
			r.raise = func(_, to move.Guard) (move.Guard, error) { return to, nil }
		}, "accepts no writes"},
		{"guards compare the epoch only", planned, func(r *modelRules) {
			r.raise = func(g, to move.Guard) (move.Guard, error) {
				if to.Epoch < g.Epoch {
					return g.Raise(to)
				}
				return to, nil
			}
		}, ""},
		{"a copy is not conditional on the guard", planned, func(r *modelRules) { r.guardedCopy = false }, "without having"},
		{"cleaning is not conditional on the guard", planned, func(r *modelRules) { r.guardedClean = false }, "without having"},
		{"abort opens the home under its old epoch", planned, func(r *modelRules) {
			r.abort = func(r move.Record) (move.Record, error) {
				aborted, err := r.Abort(numbers)
				aborted.Epoch = r.Epoch
				return aborted, err
			}
		}, "refused"},
		{"the record is not compared before it is set", both, func(r *modelRules) { r.staleFinishes = true }, ""},
		{"the copy is not verified", modelLimits{regions: 2, begins: 1, writes: 1, faults: 1}, func(r *modelRules) { r.verifies = false }, "without having"},
		{"a deposed home is cleaned", forced, func(r *modelRules) {
			r.done = func(r move.Record, step move.Step) (move.Record, error) {
				done, err := r.Done(step)
				for n := range done.Leftovers {
					done.Leftovers[n].Keep = false
				}
				return done, err
			}
		}, "nowhere any more"},
		{"verification does not seal", modelLimits{regions: 2, begins: 1, writes: 1, faults: 1}, func(r *modelRules) {
			r.raise = func(g, to move.Guard) (move.Guard, error) {
				if to.Mode == move.Sealed {
					return g, nil
				}
				return g.Raise(to)
			}
		}, "without having"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules := theRules()
			c.mutate(&rules)
			states, _, failure := explore(rules, c.limits)
			assert.True(t, failure != "", fmt.Sprintf("a violation in one of %d states", states))
			assert.Contains(t, failure, c.says)
			t.Logf("found after %d states: %s", states, failure)
		})
	}
}
