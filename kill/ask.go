package kill

import (
	"context"
	"fmt"
	"sync"
)

// maxLast is how many runtimes an answer names that would be left without an implementation.
const maxLast = 32

// askAll asks the runtimes of all regions for the impact of a kill, and adds the answers to the report.
func (h *Hub) askAll(ctx context.Context, target Target, report *Report) {
	ctx, cancel := context.WithTimeout(ctx, h.options.Ask)
	defer cancel()
	var (
		mu   sync.Mutex // guards report
		work sync.WaitGroup
	)
	add := func(c count) {
		mu.Lock()
		defer mu.Unlock()
		report.Asked += c.Asked
		report.Silent += c.Silent
		report.Last = append(report.Last, c.Last[:min(len(c.Last), maxLast-len(report.Last))]...)
		if c.Impact != nil {
			report.Impact = report.Impact.plus(*c.Impact)
		}
	}
	for _, l := range h.peers() {
		work.Go(func() {
			c, err := l.count(ctx, target)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				report.Deaf = append(report.Deaf, l.peer.Region)
				return
			}
			add(c)
		})
	}
	work.Go(func() { add(h.ask(ctx, target)) })
	work.Wait()
}

// plus adds what another runtime has.
func (i Impact) plus(other Impact) Impact {
	i.Providers += other.Providers
	i.Remaining += other.Remaining
	i.Names = append(i.Names, other.Names...)
	return i.clipped()
}

func (l *peerLine) count(ctx context.Context, target Target) (count, error) {
	s, err := l.open(ctx, pathCount, message{Count: &count{Target: target}})
	if err != nil {
		return count{}, err
	}
	defer s.close()
	s.end()
	m, err := s.receive()
	if err != nil {
		return count{}, err
	}
	if m.Count == nil {
		return count{}, fmt.Errorf("kill: the hub of region %q did not count", l.peer.Region)
	}
	return *m.Count, nil
}

// ask asks the connected runtimes of this hub until all have answered or ctx ends.
func (h *Hub) ask(ctx context.Context, target Target) count {
	type answer struct {
		id     string
		impact Impact
	}
	h.mu.Lock()
	h.query++
	query := h.query
	var asked []*conn
	for _, r := range h.runtimes {
		asked = append(asked, r.conns...)
	}
	answers := make(chan answer, len(asked))
	total := count{Target: target, Impact: &Impact{}, Asked: len(asked)}
	sent := 0
	for _, c := range asked {
		select {
		case c.ask <- count{Query: query, Target: target}:
			c.answers[query] = func(i Impact) { answers <- answer{c.id, i} }
			sent++
		default: // it has not read the questions before
		}
	}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, c := range asked {
			delete(c.answers, query)
		}
	}()
	answered := 0
	for answered < sent {
		select {
		case <-ctx.Done():
			total.Silent = total.Asked - answered
			return total
		case a := <-answers:
			answered++
			*total.Impact = total.Impact.plus(a.impact)
			if a.impact.last() && len(total.Last) < maxLast {
				total.Last = append(total.Last, a.id)
			}
		}
	}
	total.Silent = total.Asked - answered
	return total
}

// serveCount asks for a peer. It answers a little before the peer has lost its patience.
func (h *Hub) serveCount(x *exchange) error {
	m, err := x.receive()
	if err != nil {
		return err
	}
	if m.Count == nil {
		return fmt.Errorf("kill: the hub of region %q was asked nothing", h.options.Region)
	}
	if err := m.Count.Target.Validate(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(x.ctx, h.options.Ask*3/4)
	defer cancel()
	c := h.ask(ctx, m.Count.Target)
	return x.send(message{Count: &c}.line())
}
