package drill

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A run is one drill.
type run struct {
	options Options
	id      string
	regions []Region
	probers map[string]*prober
	own     Region // the coordinator's
	target  Region // that plays dead
	lag     *lagLog
	began   time.Time
	zero    time.Time // when the target was told
	report  *Report

	unverified bool // a region did not say what it has in the end
}

// NewID returns an id for a drill.
func NewID() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// Run runs the drill of an id against all regions, the coordinator's own among them. An error
// means that it was not begun, or that ctx ended it: the region is told to come back, and does
// so anyway.
func Run(ctx context.Context, id string, regions []Region, options Options) (*Report, error) {
	options = options.withDefaults()
	if err := options.check(regions); err != nil {
		return nil, err
	}
	r := &run{
		options: options, id: id, regions: regions, probers: make(map[string]*prober), lag: newLagLog(), began: time.Now(),
		report: &Report{
			ID: id, Region: options.Fail, Coordinator: options.Coordinator, ForMillis: options.For.Milliseconds(),
			Lost: []Lost{}, BackMillis: -1, ConvergedMillis: -1,
		},
	}
	for _, region := range regions {
		if region.Name() == options.Fail {
			r.target = region
		}
		if region.Name() == options.Coordinator {
			r.own = region
		}
		r.probers[region.Name()] = &prober{region: region, id: id, options: &r.options}
	}
	if r.own == nil {
		return nil, &CheckError{fmt.Sprintf("the coordinator's region %q is none of those given", options.Coordinator)}
	}
	if err := r.look(ctx); err != nil {
		return nil, err
	}
	if err := r.perform(ctx); err != nil {
		return nil, err
	}
	r.judge()
	return r.report, nil
}

func (r *run) sayf(format string, args ...any) {
	r.options.Progress(time.Since(r.began), fmt.Sprintf(format, args...))
}

// perform does everything from the first probe to the cleaning. An error means that ctx ended.
func (r *run) perform(ctx context.Context) (err error) {
	// What a drill left behind whose coordinator died.
	if _, err := r.own.Clean(ctx); err != nil {
		return &RefusedError{Region: r.options.Fail, Why: fmt.Sprintf("probe records cannot be written in %s: %v", r.own.Name(), err)}
	}
	stop := make(chan struct{})
	probing := context.WithoutCancel(ctx) // a write that is broken off may come to be after the cleaning
	var running sync.WaitGroup
	for _, region := range r.regions {
		running.Go(func() { r.probers[region.Name()].run(probing, stop) })
		running.Go(func() { r.lag.watch(probing, region, &r.options, stop) })
	}
	var once sync.Once
	halt := func() {
		once.Do(func() { close(stop) })
		running.Wait()
	}
	defer func() {
		if err != nil {
			r.giveUp(ctx)
		}
		halt()
		r.clean(ctx, err != nil)
	}()
	r.sayf("probes write and read in %s", r.names())
	if !sleep(ctx, r.options.Before) {
		return context.Cause(ctx)
	}
	if err := r.fail(ctx); err != nil {
		return err
	}
	r.exercise(ctx, "down")
	if err := r.awaitBack(ctx); err != nil {
		return err
	}
	if err := r.awaitConverged(ctx); err != nil {
		return err
	}
	r.exercise(ctx, "back")
	halt()
	return r.verify(ctx)
}

func (r *run) names() string {
	var names []string
	for _, region := range r.regions {
		names = append(names, region.Name())
	}
	return strings.Join(names, ", ")
}

// fail has the region play dead.
func (r *run) fail(ctx context.Context) error {
	order := Order{ID: r.id, By: r.options.Coordinator, For: r.options.For}
	for n := range max(0, r.options.Strand) {
		order.Strand = append(order.Strand, probeKey(r.id, r.target.Name(), fmt.Sprintf("last.%d", n)))
	}
	r.lag.enter(during)
	r.report.At = time.Now()
	r.zero = r.report.At // requests are refused before the answer is here
	asking, cancel := context.WithTimeout(ctx, 5*r.options.Timeout)
	defer cancel()
	failed, err := r.target.Fail(asking, order)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.giveUp(ctx)
		return &RefusedError{Region: r.options.Fail, Why: fmt.Sprintf("it does not play dead: %v", err)}
	}
	r.probers[r.target.Name()].strand(failed.Stranded)
	r.report.Stranded = len(failed.Stranded)
	r.sayf("%s plays dead for %v; it took %d acknowledged writes with it that it had not shipped", r.target.Name(), r.options.For, len(failed.Stranded))
	return nil
}

// giveUp tells the region to come back before its time is over. It does so anyway.
func (r *run) giveUp(ctx context.Context) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.options.Timeout)
	defer cancel()
	if err := r.target.End(ending, r.id); err != nil {
		r.sayf("%s was not told that the drill is over, and comes back when its time is: %v", r.target.Name(), err)
	}
}

// hurried is how long cleaning may take when somebody waits for the drill to end.
const hurried = 10 * time.Second

// clean deletes the probe records, once those of the other regions have come.
func (r *run) clean(ctx context.Context, hurry bool) {
	limit := r.options.Patience
	if hurry {
		limit = min(limit, hurried)
	}
	ctx = context.WithoutCancel(ctx)
	wanted := r.acknowledged()
	_, _ = await(ctx, limit, func() bool { // as far as it gets
		lost, err := r.missingIn(ctx, r.own, wanted)
		return err == nil && len(lost) == 0
	})
	cleaning, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	n, err := r.own.Clean(cleaning)
	r.report.Cleaned = n
	if err != nil {
		r.problemf("probe records are left in the namespace %s, which the next drill deletes: %v", Namespace, err)
	}
}

func (r *run) problemf(format string, args ...any) {
	r.report.Problems = append(r.report.Problems, fmt.Sprintf(format, args...))
}

// exercise runs what else is rehearsed.
func (r *run) exercise(ctx context.Context, when string) {
	for i, e := range r.options.Exercises {
		if len(r.report.Exercises) <= i {
			r.report.Exercises = append(r.report.Exercises, ExerciseReport{Name: e.Name})
		}
		into, do := &r.report.Exercises[i].Down, e.Down
		if when == "back" {
			into, do = &r.report.Exercises[i].Back, e.Back
		}
		if do == nil {
			continue
		}
		text, err := do(ctx)
		*into = text
		if err != nil {
			r.report.Exercises[i].Error = err.Error()
		}
		r.sayf("%s: %s", e.Name, text)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
