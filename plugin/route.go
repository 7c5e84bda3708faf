package plugin

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/kill"
)

// A request is a call on its way to a provider.
type request struct {
	capability string
	// service is the full name of the called gRPC service; empty for a call of
	// a JSON function.
	service string
	// method is the full name of the called gRPC method, such as /acme.Notes/Get.
	method string
	// consumed says that the caller's messages are gone once they have been sent, so
	// that the call cannot be repeated.
	consumed bool
	// hereOnly keeps the call on this host.
	hereOnly bool
}

// A target is a provider that a request is offered to. One of linked,
// linkedService, proc and conn is set.
type target struct {
	provider      Provider
	linked        Function
	linkedService *linkedService
	host          *Host
	plugin        *supervised
	proc          *process
	conn          *grpc.ClientConn // to another host
	instance      string           // that host

	// release gives the process back. The router calls it after the try unless
	// the try has set kept, and then owes the call. It may be called again.
	release func()
	kept    bool
	end     func(error) // tells the observer; nil if there is none
}

// A try runs a request at a target. It reports started false if the request
// provably did not start there, and only then is the next provider tried; err
// then says why.
type try func(ctx context.Context, t *target) (started bool, err error)

// maxRepeats is how often a call of an idempotent capability is run again after
// crashes: a call that crashes every plugin must not take them all down.
const maxRepeats = 2

// route offers a request to one provider after the other. While a plugin of the
// capability restarts and nobody else can take the request, it waits, until ctx
// ends or, if ctx has no deadline, the host's call timeout has passed.
func (h *Host) route(ctx context.Context, r request, do try) error {
	w := &walk{host: h, ctx: ctx, request: r, do: do, key: keyOf(ctx)}
	var timeout <-chan time.Time // nil for a context with a deadline of its own
	look := h.capabilities.Get   // a call counts as one lookup, however often it looks again
	for first := true; ; first = false {
		changed := h.changes.next() // before looking, so that no change is missed
		if happened(h.closing) {
			return &UnavailableError{Capability: r.capability, Err: errClosed}
		}
		if err := h.struck(kill.Capability(r.capability)); err != nil {
			return err.refusing(r.capability)
		}
		o, known := look(r.capability)
		look = func(name string) (*offer, bool) { return find(h.capabilities, name) }
		if done, err := w.local(o, known); done {
			return h.overtaken(r, err)
		}
		var peers []Peer
		if first && !r.hereOnly && h.fleet != nil {
			peers = nearestFirst(h.fleet.Get(r.capability), h.self, w.key)
			if done, err := w.elsewhere(peers); done {
				return h.overtaken(r, err)
			}
		}
		if !known && !w.barred && first && len(peers) == 0 {
			return h.unknown(r)
		}
		if happened(changed) && ctx.Err() == nil {
			continue // a provider may have been replaced while it was asked
		}
		if w.killed != nil && !w.living {
			return w.killed
		}
		if !known || w.barred || !o.recovering() {
			return &UnavailableError{Capability: r.capability, Attempts: w.attempts, Known: h.known(r)}
		}
		if _, bounded := ctx.Deadline(); !bounded && timeout == nil {
			timeout = time.After(h.callTimeout)
		}
		if err := w.pause(changed, timeout); err != nil {
			return &UnavailableError{Capability: r.capability, Attempts: w.attempts, Err: err}
		}
	}
}

func happened(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// A walk is one request's way along the providers.
type walk struct {
	host     *Host
	ctx      context.Context //nolint:containedctx // a walk lives as long as the one call it serves
	request  request
	do       try
	key      string // "" if the call has none
	attempts []Attempt
	repeats  int
	killed   *KilledError // why a provider was passed over, if it is killed
	living   bool         // another provider is not killed
	barred   bool         // nobody on this host may serve, so that there is no use in waiting
}

// refused notes that a provider was passed over because it is killed.
func (w *walk) refused(by Provider, why *KilledError) {
	w.killed = why.refusing(w.request.capability)
	w.attempts = append(w.attempts, Attempt{by, string(Killed) + ": " + oneLine(why.Reason)})
}

// passed notes why a request did not start at a target.
func (w *walk) passed(t *target, err error) {
	killed, _ := errors.AsType[*KilledError](err)
	if t.proc != nil && killed == nil {
		if order := t.proc.sentence.Load(); order != nil {
			killed = killedBy(*order)
		}
	}
	if killed != nil {
		w.refused(t.provider, killed)
		return
	}
	w.failed(t.provider, shortened(oneLine(err.Error()), 200))
}

// failed notes that a provider could not take the request.
func (w *walk) failed(by Provider, reason string) {
	w.living = true
	w.attempts = append(w.attempts, Attempt{by, reason})
}

// pause waits until it is worth looking for a provider again, or says why there is
// no more time.
func (w *walk) pause(changed <-chan struct{}, timeout <-chan time.Time) error {
	again := time.NewTimer(w.host.policy.retryPause)
	defer again.Stop()
	select {
	case <-changed:
	case <-again.C: // for a process that is about to be found dead
	case <-w.host.closing:
	case <-timeout:
		return context.DeadlineExceeded
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
	return nil
}

// local offers the request to this host's providers, if there are any, and reports
// whether it is done.
func (w *walk) local(o *offer, known bool) (done bool, err error) {
	w.attempts, w.killed, w.living, w.barred = nil, nil, false, false
	if known {
		return w.here(o)
	}
	if err := w.host.capabilities.Suspended(w.request.capability); err != nil {
		w.barred = true
		w.refused(w.host.local(Linked, w.request.capability), suspended(err, w.request.capability))
	}
	return false, nil
}

// here offers the request to this host's providers and reports whether it is
// done.
func (w *walk) here(o *offer) (done bool, err error) {
	if err := w.request.fits(o); err != nil {
		return true, err
	}
	instance := kill.Instance(w.request.capability, w.host.self.ID)
	if err := w.host.struck(instance); err != nil {
		w.barred = true
		w.refused(w.host.local(Linked, w.request.capability), err)
		return false, nil
	}
	if o.linkedIn() {
		t := &target{
			host: w.host, provider: w.host.local(Linked, w.request.capability), linked: o.linked, linkedService: o.linkedService, release: func() {},
		}
		_, err := w.do(w.ctx, t)
		if killed := w.host.struck(instance); killed != nil && !t.kept {
			return true, killed.interrupting(w.request.capability)
		}
		return true, err
	}
	for _, g := range o.inOrder(w.key) {
		provider := w.host.local(g.plugin.d.kind(), g.plugin.d.Name)
		p, ok := g.plugin.acquire()
		if !ok {
			if killed := g.plugin.killed(); killed != nil {
				w.refused(provider, killed)
				continue
			}
			_, reason := g.plugin.current()
			w.failed(provider, reason)
			continue
		}
		judge, reason := g.circuit.allow(w.host.policy.circuitPatience)
		if judge == nil {
			g.plugin.release()
			w.failed(provider, reason)
			continue
		}
		t := &target{host: w.host, provider: provider, plugin: g.plugin, proc: p, release: sync.OnceFunc(g.plugin.release)}
		started, err := w.offer(t)
		judge(started, err)
		if !started {
			continue
		}
		if order := p.sentence.Load(); order != nil && !t.kept {
			return true, interruptedBy(*order, w.request.capability) // whatever it answered, nobody relies on it any more
		}
		if killed := w.host.struck(instance); killed != nil && !t.kept {
			return true, killed.interrupting(w.request.capability)
		}
		var crash *CrashedError
		if errors.As(err, &crash) && w.request.repeatable(g, p) && w.repeats < maxRepeats {
			w.repeats++
			w.attempts = append(w.attempts, Attempt{provider, oneLine(err.Error())})
			continue
		}
		return true, err
	}
	return false, nil
}

// repeatable reports whether the request may be run again if p is lost: its messages
// are still there, and the descriptor or the plugin says that it does no harm.
func (r request) repeatable(g grant, p *process) bool {
	return !r.consumed && (g.idempotent || p.idempotent[cmp.Or(r.method, r.capability)])
}

// elsewhere offers the request to other hosts and reports whether it is done.
func (w *walk) elsewhere(peers []Peer) (done bool, err error) {
	for _, peer := range peers {
		provider := Provider{Kind: Remote, Name: w.request.capability, Host: peer.ID, Region: peer.Region}
		instance := kill.Instance(w.request.capability, peer.ID)
		if err := w.host.struck(instance); err != nil {
			w.refused(provider, err)
			continue
		}
		conn, err := w.host.peers.get(peer.Address)
		if err != nil {
			w.failed(provider, oneLine(err.Error()))
			continue
		}
		t := &target{host: w.host, provider: provider, instance: peer.ID, conn: conn, release: func() {}}
		started, err := w.offer(t)
		if killed := w.host.struck(instance); started && killed != nil && !t.kept {
			return true, killed.interrupting(w.request.capability)
		}
		if started {
			return true, err
		}
		if w.ctx.Err() != nil {
			return true, &UnavailableError{Capability: w.request.capability, Attempts: w.attempts, Err: w.ctx.Err()}
		}
	}
	return false, nil
}

func (w *walk) offer(t *target) (started bool, err error) {
	started, err = w.do(w.host.observed(w.ctx, w.request, t), t)
	if !t.kept {
		t.release()
		t.ended(err)
	}
	if !started && err != nil {
		w.passed(t, err)
	}
	return started, err
}

// fits reports whether an offer is of the kind that the request asks for.
func (r request) fits(o *offer) error {
	switch {
	case r.service == "" && o.kind == KindService:
		return &KindError{Capability: r.capability, Kind: o.kind, Service: o.service, Asked: "a JSON function"}
	case r.service != "" && (o.kind != KindService || o.service != r.service):
		return &KindError{Capability: r.capability, Kind: o.kind, Service: o.service, Asked: "the service " + r.service}
	default:
		return nil
	}
}

// recovering reports whether waiting may bring a provider.
func (o *offer) recovering() bool {
	return slices.ContainsFunc(o.plugins, func(g grant) bool {
		state, _ := g.plugin.current()
		if g.circuit.open() {
			return false
		}
		return state == Starting || state == Ready || state == Backoff
	})
}

func (h *Host) unknown(r request) error {
	e := &UnknownCapabilityError{Capability: r.capability, Asked: []Peer{h.self}, Known: h.known(r)}
	if lister, ok := h.fleet.(FleetLister); ok && !r.hereOnly {
		e.Asked = append(e.Asked, nearestFirst(lister.Hosts(), h.self, "")...)
	}
	e.Nearest = roster.Nearest(r.capability, e.Known)
	return e
}

// known lists the capabilities that r could have asked for, sorted.
func (h *Host) known(r request) []string {
	names := h.capabilities.Names()
	if lister, ok := h.fleet.(FleetLister); ok && !r.hereOnly {
		names = append(names, lister.Capabilities()...)
		slices.Sort(names)
		names = slices.Compact(names)
	}
	return names
}

// outgoing adds to a context what the next host must know of the request.
func (r request) outgoing(ctx context.Context) context.Context {
	ctx = metadata.AppendToOutgoingContext(ctx, MetadataCapability, r.capability, MetadataForwarded, "1")
	if key := keyOf(ctx); key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, MetadataKey, url.PathEscape(key))
	}
	return ctx
}

// judge sorts out how an RPC at a target ended: in an answer, in the loss of the
// provider, in the end of the caller's patience, or without having started.
func (r request) judge(ctx context.Context, t *target, o *outcome, err error) (started bool, _ error) {
	if err == nil {
		return true, nil
	}
	s := status.Convert(err)
	lost := s.Code() == codes.Unavailable || s.Code() == codes.Canceled
	switch {
	case s.Code() == codes.DeadlineExceeded && expired(ctx):
		return true, &InterruptedError{Capability: r.capability, Provider: t.provider, Err: context.DeadlineExceeded}
	case o.answered.Load() && t.conn != nil && didNotStart(s):
		return false, errors.New(s.Message())
	case o.answered.Load() && t.conn != nil && passedOver(s):
		return false, fromRemote(s, r.capability, t.provider)
	case o.answered.Load() && t.conn != nil:
		return true, fromRemote(s, r.capability, t.provider)
	case o.answered.Load():
		return true, functionError(withoutInfo(s), r.capability, t.provider)
	case ctx.Err() != nil:
		return true, &InterruptedError{Capability: r.capability, Provider: t.provider, Err: ctx.Err()}
	case lost && !o.started.Load():
		return false, errors.New(s.Message())
	case lost && t.conn != nil:
		return true, &CrashedError{Capability: r.capability, Provider: t.provider}
	case t.proc != nil && (lost || t.proc.gone(0)):
		return true, t.plugin.lostCall(ctx, t.proc, r.capability, t.provider)
	default: // refused on this side, such as a message that is too large
		return true, functionError(s, r.capability, t.provider)
	}
}

// expired reports whether ctx's deadline has come. The other side has the same
// deadline by a clock of its own, and may be the first to say so.
func expired(ctx context.Context) bool {
	const skew = 50 * time.Millisecond
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < skew
}

// withoutInfo drops this package's error detail from a status that a function
// passed on: it speaks of another call.
func withoutInfo(s *status.Status) *status.Status {
	if errorInfo(s) == nil {
		return s
	}
	return status.New(s.Code(), s.Message())
}
