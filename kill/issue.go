package kill

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Kill carries out a request: it spreads the order and follows the acknowledgements until all hubs
// and runtimes have given theirs, or ctx ends, or Wait of the request has passed. progress, if it
// is not nil, is called one at a time with what changed. The report is worth reading with every
// error. An [*IncompleteError] says who has not acknowledged; a [*LastError] and a
// [*RequestError] that nothing was done, and so does the error of a ctx that ends before the order is out:
// the report's order then has no epoch.
func (h *Hub) Kill(ctx context.Context, request Request, progress func(Progress)) (Report, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	if err := h.admit(request); err != nil {
		return Report{}, err
	}
	report := Report{DryRun: request.DryRun, Order: Order{
		Target: request.Target, Reason: request.Reason, By: request.By, Revived: request.Revive, Region: h.options.Region,
	}}
	if request.DryRun || !request.Force && !request.Revive {
		start := time.Now()
		h.askAll(ctx, request.Target, &report)
		report.Asking = time.Since(start)
		if ctx.Err() != nil { // nobody was silent: whoever asked has thought better of it
			return report, fmt.Errorf("kill: nothing was ordered, because the request ended while runtimes were asked: %w", context.Cause(ctx))
		}
	}
	if request.DryRun {
		return report, nil
	}
	if len(report.Last) > 0 && !request.Force && !request.Revive {
		return report, &LastError{request.Target, report.Impact, report.Last}
	}
	order, err := h.issue(request)
	if err != nil {
		return report, err
	}
	report.Order = order
	if request.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, request.Wait)
		defer cancel()
	}
	h.log.Warn("kill: order", "target", order.Target.String(), "epoch", order.Epoch, "revived", order.Revived,
		"by", order.By, "reason", order.Reason)
	return h.spread(ctx, order, report, progress)
}

// admit refuses requests that make no sense.
func (h *Hub) admit(request Request) error {
	if err := request.Target.Validate(); err != nil {
		return err
	}
	fail := func(why string) error { return &RequestError{request.Target, why} }
	standing, known := h.sw.Set().Get(request.Target)
	switch {
	case request.Target.Kind == KindCanary:
		return fail("canaries are the hub's own")
	case request.Reason == "" && !request.DryRun:
		return fail("a reason is needed; it is what people will read who wonder")
	case len(request.Reason) > MaxReason || !plain(request.Reason):
		return fail(fmt.Sprintf("a reason has at most %d bytes, in one line", MaxReason))
	case len(request.By) > MaxBy || !plain(request.By):
		return fail(fmt.Sprintf("an author has at most %d bytes, in one line", MaxBy))
	case request.Wait < 0:
		return fail("it cannot wait for less than nothing")
	case request.Revive && (!known || !standing.Killed()):
		return fail("it is not killed, as far as this hub knows: there is nothing to revive")
	case !known && h.sw.Set().Len() >= maxTargets:
		return fail(fmt.Sprintf("there are orders for %d targets already, which is the limit: kill a whole plugin, capability or namespace", maxTargets))
	}
	return nil
}

// issue gives the order its epoch: higher than that of any order for the target that this hub
// knows. A hub elsewhere may give out the same one at the same time; then a kill stands.
func (h *Hub) issue(request Request) (Order, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	standing, _ := h.sw.Set().Get(request.Target)
	epoch := max(standing.Epoch, h.epochs[request.Target])
	switch {
	case epoch < math.MaxUint64:
		epoch++
	case request.Revive || standing.Epoch < epoch || standing.Killed():
		return Order{}, &RequestError{request.Target, "its epochs are used up, which no hub does: what stands for it stays, and a kill can follow a revival once"}
	default: // at equal epochs a kill stands, so that nobody can make a target that cannot be killed
	}
	order := Order{
		Target: request.Target, Epoch: epoch, Revived: request.Revive, Reason: request.Reason,
		By: request.By, Region: h.options.Region, At: time.Now(),
	}.normal()
	if err := order.Validate(); err != nil {
		return Order{}, err
	}
	h.epochs[request.Target] = order.Epoch
	return order, nil
}

// crowd is how long acknowledgements are gathered before they are passed on.
const crowd = 2 * time.Millisecond

// An update is what a hub reports of itself and its runtimes, itself included.
type update struct {
	region   string
	hub      *hubState
	err      error
	runtimes []RuntimeReport
	more     bool // more of the runtimes follow
}

// spread sends the order everywhere at once and follows it.
func (h *Hub) spread(ctx context.Context, order Order, report Report, progress func(Progress)) (Report, error) {
	return h.spreadUntil(ctx, order, report, progress, (*spread).complete)
}

func (h *Hub) spreadUntil(
	ctx context.Context, order Order, report Report, progress func(Progress), enough func(*spread) bool,
) (Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	start := time.Now()
	updates := make(chan update, 64)
	send := func(u update) {
		select {
		case updates <- u:
		case <-ctx.Done():
		}
	}
	peers := h.peers()
	spread := newSpread(order, start, h.options.Region)
	for _, l := range peers {
		h.mu.Lock()
		spread.expect(l.peer.Region, l.known)
		h.mu.Unlock()
		h.start(func(context.Context) { h.forward(ctx, l, order, send) })
	}
	h.start(func(context.Context) { h.follow(ctx, order, hubSource(h.options.Region), send) })
	for !enough(spread) {
		select {
		case <-ctx.Done():
			report.Regions = spread.regions()
			err := report.conclude(context.Cause(ctx))
			return report, err
		case u := <-updates:
			if p, news := spread.take(u); news {
				progress(p)
			}
		}
	}
	report.Regions = spread.regions()
	err := report.conclude(nil)
	return report, err
}

// follow applies the order here, and reports the hub and its runtimes until ctx ends. The runtimes
// get the order as soon as it is in effect here, and the hub's own acknowledgement waits for its
// disk.
func (h *Hub) follow(ctx context.Context, order Order, source string, send func(update)) {
	t := h.track(order)
	defer h.untrack(t)
	h.start(func(context.Context) {
		receipt := h.apply(source, []Order{order})
		send(update{region: h.options.Region, hub: &hubState{
			Region: h.options.Region, Hash: receipt.Hash, Durable: receipt.Durable, Took: time.Since(t.start),
		}})
		if !receipt.Durable {
			h.awaitDurable(ctx, t.start, send)
		}
	})
	send(update{region: h.options.Region, runtimes: h.news(t)})
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			h.age(t)
		case <-t.wake:
			// Acknowledgements come in crowds: one message for many costs less than it delays.
			pause(ctx, crowd)
			if news := h.news(t); len(news) > 0 {
				send(update{region: h.options.Region, runtimes: news})
			}
		}
	}
}

// awaitDurable reports the hub again when its disk has taken what it refused.
func (h *Hub) awaitDurable(ctx context.Context, start time.Time, send func(update)) {
	mended := make(chan struct{}, 1)
	tell := func() {
		select {
		case mended <- struct{}{}:
		default:
		}
	}
	defer h.sw.whenMended(tell)()
	if h.sw.Durable() { // it was mended before anybody listened
		tell()
	}
	select {
	case <-ctx.Done():
	case <-mended:
		send(update{region: h.options.Region, hub: &hubState{
			Region: h.options.Region, Hash: h.sw.Hash(), Durable: true, Took: time.Since(start),
		}})
	}
}

// forward brings the order to a peer and passes on what it reports, again and again until ctx ends.
func (h *Hub) forward(ctx context.Context, l *peerLine, order Order, send func(update)) {
	for {
		err := h.forwardOnce(ctx, l, order, send)
		if ctx.Err() != nil {
			return
		}
		send(update{region: l.peer.Region, err: err})
		if !pause(ctx, eagerGossip/2) {
			return
		}
	}
}

func (h *Hub) forwardOnce(ctx context.Context, l *peerLine, order Order, send func(update)) error {
	first := batches([]Order{order})[0]
	first.Hello = &hello{Region: h.options.Region}
	s, err := l.open(ctx, pathForward, first)
	if err != nil {
		return err
	}
	defer s.close()
	for {
		m, err := s.receive()
		if err != nil {
			return fmt.Errorf("kill: the hub of region %q: %w", l.peer.Region, err)
		}
		send(update{region: l.peer.Region, hub: m.Hub, runtimes: m.Runtimes, more: m.More})
	}
}

// serveForward takes an order from a peer and reports until it has heard enough.
func (h *Hub) serveForward(x *exchange) error {
	m, err := x.receive()
	if err != nil {
		return err
	}
	orders, _ := m.orders()
	if len(orders) != 1 {
		return fmt.Errorf("kill: one order that region %q can read was expected", h.options.Region)
	}
	ctx, cancel := context.WithCancel(x.ctx)
	defer cancel()
	updates := make(chan update, 64)
	h.start(func(context.Context) {
		h.follow(ctx, orders[0], h.peerName(x, m), func(u update) {
			select {
			case updates <- u:
			case <-ctx.Done():
			}
		})
	})
	for {
		select {
		case <-ctx.Done():
			return nil
		case u := <-updates:
			if err := x.send(u.lines()); err != nil {
				return err
			}
		}
	}
}

// lines are the update in messages that are short enough.
func (u update) lines() []byte {
	var lines []byte
	rest := u.runtimes
	for first := true; first || len(rest) > 0; first = false {
		n := min(len(rest), maxStates)
		m := message{Runtimes: rest[:n]}
		if first {
			m.Hub = u.hub
		}
		rest = rest[n:]
		m.More = len(rest) > 0
		lines = append(lines, m.line()...)
	}
	return lines
}
