package drill

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// look refuses to begin while something is in the way.
func (r *run) look(ctx context.Context) error {
	if r.own == r.target {
		if err := r.obstaclef("it is the region of the daemon that is asked; ask one of another region"); err != nil {
			return err
		}
	}
	standings := make(map[string]Standing)
	for _, region := range r.regions {
		asking, cancel := context.WithTimeout(ctx, r.options.Timeout)
		standing, err := region.Standing(asking)
		cancel()
		switch {
		case err != nil && region == r.target:
			return &RefusedError{Region: r.options.Fail, Why: fmt.Sprintf("it does not answer, and cannot be told anything: %v", err)}
		case err != nil:
			if err := r.obstaclef("region %s does not answer, and would be the next one to fail: %v", region.Name(), err); err != nil {
				return err
			}
			continue
		case standing.Drilled != nil:
			return &RefusedError{Region: r.options.Fail, Why: fmt.Sprintf("region %s is drilled already, by %s, for %v more",
				region.Name(), standing.Drilled.By, time.Duration(standing.Drilled.LeftMillis)*time.Millisecond)}
		case standing.Running != "" && standing.Running != r.id:
			return &RefusedError{Region: r.options.Fail, Why: fmt.Sprintf("region %s runs a drill already; wait for its report", region.Name())}
		}
		standings[region.Name()] = standing
	}
	for _, region := range r.regions {
		standing, ok := standings[region.Name()]
		if broken := unlinked(standing, len(r.regions)); ok && broken != "" {
			if err := r.obstaclef("region %s is not linked to %s; see roster ls regions there", region.Name(), broken); err != nil {
				return err
			}
		}
	}
	return nil
}

// obstaclef is what makes a drill refuse unless it is forced; the report tells of it then.
func (r *run) obstaclef(format string, args ...any) error {
	if r.options.Force {
		r.problemf(format, args...)
		return nil
	}
	return &RefusedError{Region: r.options.Fail, Why: fmt.Sprintf(format, args...), Forceable: true}
}

// unlinked are the regions that one of n does not replicate to, or "".
func unlinked(s Standing, n int) string {
	var names []string
	for _, p := range s.Peers {
		if !p.Connected {
			names = append(names, p.Region)
		}
	}
	if len(s.Peers) < n-1 {
		names = append(names, "all others: its daemon that was asked does not replicate for it")
	}
	return strings.Join(names, ", ")
}
