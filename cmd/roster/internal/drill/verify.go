package drill

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// settled is how far a region may be behind and still count as caught up while clients write on:
// nothing older than that is missing.
const settled = time.Second

// settleLimit is how long regions that have converged may take to be that close.
const settleLimit = 10 * time.Second

const look = 50 * time.Millisecond // between two looks at whether something is so

// await looks until something holds, for at most limit. It is false if it never did; the error
// is that of ctx.
func await(ctx context.Context, limit time.Duration, holds func() bool) (bool, error) {
	for deadline := time.Now().Add(limit); ; {
		if holds() {
			return true, nil
		}
		if time.Now().After(deadline) {
			return false, nil
		}
		if !sleep(ctx, look) {
			return false, context.Cause(ctx)
		}
	}
}

// awaitBack waits until the region that plays dead answers reads and writes again.
func (r *run) awaitBack(ctx context.Context) error {
	target := r.probers[r.target.Name()]
	over := time.Now().Add(r.options.For - time.Since(r.zero))
	back, err := await(ctx, r.options.For+r.options.Patience, func() bool {
		asking, cancel := context.WithTimeout(ctx, r.options.Timeout)
		defer cancel()
		standing, err := r.target.Standing(asking)
		return err == nil && standing.Drilled == nil && target.recovered(over.Add(-time.Second))
	})
	if err != nil {
		return err
	}
	if !back {
		r.problemf("%s was not back %v after its time was over", r.target.Name(), r.options.Patience)
		return nil
	}
	r.report.BackMillis = time.Since(r.zero).Milliseconds()
	r.sayf("%s answers again", r.target.Name())
	return nil
}

// awaitConverged waits until all regions are linked and each has every write that had been
// acknowledged when the wait began.
func (r *run) awaitConverged(ctx context.Context) error {
	wanted := r.acknowledged()
	var missing string
	converged, err := await(ctx, r.options.Patience, func() bool {
		missing = r.apart(ctx, wanted)
		return missing == ""
	})
	if err != nil {
		return err
	}
	if !converged {
		r.problemf("not converged within %v: %s", r.options.Patience, missing)
		return nil
	}
	r.report.ConvergedMillis = time.Since(r.zero).Milliseconds()
	r.sayf("all regions have converged")
	return nil
}

// acknowledged are the keys of all acknowledged writes.
func (r *run) acknowledged() []string {
	var keys []string
	for _, region := range r.regions {
		keys = append(keys, r.probers[region.Name()].acknowledged()...)
	}
	return keys
}

// apart says what keeps the regions from having converged, or "".
func (r *run) apart(ctx context.Context, wanted []string) string {
	for _, region := range r.regions {
		asking, cancel := context.WithTimeout(ctx, r.options.Timeout)
		standing, err := region.Standing(asking)
		cancel()
		if err != nil {
			return fmt.Sprintf("%s does not answer: %v", region.Name(), err)
		}
		if broken := unlinked(standing, len(r.regions)); broken != "" {
			return fmt.Sprintf("%s is not linked to %s", region.Name(), broken)
		}
		for _, p := range standing.Peers {
			if lag := time.Duration(p.LagMillis) * time.Millisecond; p.Pending > 0 && lag > settled {
				return fmt.Sprintf("%s is %v behind %s", p.Region, lag, region.Name())
			}
		}
	}
	lost, err := r.missing(ctx, wanted)
	switch {
	case err != nil:
		return err.Error()
	case len(lost) > 0:
		return fmt.Sprintf("%d acknowledged writes are not everywhere, such as %s in %s", len(lost), lost[0].Key, lost[0].In)
	}
	return ""
}

// missing are the keys that are not in every region with the value that was written, which is
// the key itself.
func (r *run) missing(ctx context.Context, wanted []string) ([]Lost, error) {
	var lost []Lost
	for _, region := range r.regions {
		some, err := r.missingIn(ctx, region, wanted)
		if err != nil {
			return nil, err
		}
		lost = append(lost, some...)
	}
	return lost, nil
}

func (r *run) missingIn(ctx context.Context, region Region, wanted []string) ([]Lost, error) {
	asking, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	held, err := region.Held(asking)
	if err != nil {
		return nil, fmt.Errorf("what %s has is not known: %w", region.Name(), err)
	}
	var lost []Lost
	for _, key := range wanted {
		if value, ok := held[key]; !ok || value != key {
			lost = append(lost, Lost{Key: key, In: region.Name(), Found: value})
		}
	}
	return lost, nil
}

// verify waits until every acknowledged write is in every region, and lists those that are not.
func (r *run) verify(ctx context.Context) error {
	r.lag.enter(after)
	wanted := r.acknowledged()
	var lost []Lost
	var problem error
	_, err := await(ctx, r.options.Patience, func() bool {
		lost, problem = r.missing(ctx, wanted)
		return problem == nil && len(lost) == 0
	})
	if err != nil {
		return err
	}
	if problem != nil {
		r.unverified = true
		r.problemf("not verified: %v", problem)
	}
	keys := make(map[string]bool)
	for _, l := range lost {
		keys[l.Key] = true
	}
	r.report.LostCount = len(keys)
	r.report.Lost = append(r.report.Lost, lost[:min(len(lost), MaxLost)]...)
	return r.awaitLag(ctx)
}

// awaitLag takes the lag when it is all over. What an agent says is that of its latest
// acknowledgement until the next one, which is a heartbeat away at most.
func (r *run) awaitLag(ctx context.Context) error {
	settledAll, err := await(ctx, settleLimit, func() bool {
		ok := true
		for _, region := range r.regions {
			asking, cancel := context.WithTimeout(ctx, r.options.Timeout)
			standing, err := region.Standing(asking)
			cancel()
			if err != nil {
				ok = false
				continue
			}
			r.lag.take(region.Name(), standing)
			for _, p := range standing.Peers {
				ok = ok && p.LagMillis <= settled.Milliseconds()
			}
		}
		return ok
	})
	if err == nil && !settledAll {
		r.problemf("a region was still more than %v behind another one %v after they had converged", settled, settleLimit)
	}
	return err
}

// judge completes the report.
func (r *run) judge() {
	report := r.report
	for _, region := range r.regions {
		p := r.probers[region.Name()].report(r.zero)
		report.Regions = append(report.Regions, p)
		report.Acknowledged += p.Acknowledged
	}
	for _, l := range r.lag.pairs {
		report.Lag = append(report.Lag, *l)
	}
	slices.SortFunc(report.Lag, func(a, b LagReport) int { return strings.Compare(a.From+"\n"+a.To, b.From+"\n"+b.To) })
	refused := slices.ContainsFunc(report.Regions, func(p RegionReport) bool {
		return p.Region == report.Region && p.Writes.Failed > 0 && p.Reads.Failed > 0
	})
	failed := slices.ContainsFunc(report.Exercises, func(e ExerciseReport) bool { return e.Error != "" })
	switch {
	case report.LostCount > 0:
		report.Verdict = fmt.Sprintf("LOST: %d acknowledged writes are not in every region.", report.LostCount)
	case report.ConvergedMillis < 0:
		report.Verdict = "NOT CONVERGED: nothing acknowledged is known to be lost, but the regions did not come together in time."
	case r.unverified:
		report.Verdict = "NOT VERIFIED: a region did not say what it has."
	case !refused:
		report.Verdict = fmt.Sprintf("NOT DRILLED: %s went on serving, so the drill has shown nothing.", report.Region)
	case failed:
		report.Verdict = "NOTHING LOST, but an exercise failed."
	default:
		report.OK = true
		report.Verdict = fmt.Sprintf("NOTHING LOST: each of the %d acknowledged writes is in every region.", report.Acknowledged)
	}
}
