package plugin

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/roster-go/roster/kill"
)

// How a host obeys the kill switch.
//
// Whoever takes up something first makes himself known and then asks the switch: a
// plugin is on the roll before it starts, a process before it is put into service, a
// stream before it is opened. The switch first holds the order and then calls obey,
// which ends all that is known. One of the two always sees the other, so that when
// [kill.Switch.Apply] has returned nothing is begun any more with what is killed.
//
// A unary call that is running is not known one by one, because that would cost every
// call. It ends with its process, or its answer is dropped.

// killedGrace is how long an acknowledgement waits for processes that were killed to be
// gone. They are sent SIGKILL, which takes a few milliseconds.
const killedGrace = 100 * time.Millisecond

// struck returns the kill that stands for a target, or nil.
func (h *Host) struck(t kill.Target) *KilledError {
	if h.kill == nil {
		return nil
	}
	order, killed := h.kill.Killed(t)
	if !killed {
		return nil
	}
	return killedBy(order)
}

// sentence returns the kill that stands for a plugin or for one of the versions it may
// be. Unknown versions are empty.
func (h *Host) sentence(name string, versions ...string) (order kill.Order, killed bool) {
	if h.kill == nil {
		return order, false
	}
	if order, killed = h.kill.Killed(kill.Plugin(name, "")); killed {
		return order, true
	}
	for _, version := range versions {
		if version == "" {
			continue
		}
		if order, killed = h.kill.Killed(kill.Plugin(name, version)); killed {
			return order, true
		}
	}
	return kill.Order{}, false
}

// killedPlugin returns a [*KilledError] if a plugin of that name and version is killed.
func (h *Host) killedPlugin(name, version string) error {
	order, killed := h.sentence(name, version)
	if !killed {
		return nil
	}
	return killedBy(order)
}

// overtaken is what a call ends with whose capability may have been killed while it was
// running.
func (h *Host) overtaken(r request, err error) error {
	if killed := h.struck(kill.Capability(r.capability)); killed != nil {
		return killed.interrupting(r.capability)
	}
	return err
}

// obey carries out orders that newly stand.
func (h *Host) obey(orders []kill.Order) {
	var ending []*process
	for _, o := range orders {
		switch o.Target.Kind {
		case kill.KindPlugin:
			for _, s := range h.roll.list() {
				if s.d.Name != o.Target.Name {
					continue
				}
				if p := s.heed(); p != nil {
					ending = append(ending, p)
				}
			}
		case kill.KindCapability, kill.KindInstance:
			h.streams.cut(o)
		case kill.KindEntry, kill.KindNamespace, kill.KindCanary:
		}
	}
	h.changes.send()
	until := time.Now().Add(killedGrace)
	for _, p := range ending {
		if p.pid() != 0 && !p.gone(time.Until(until)) {
			h.log.Error("a killed process is not gone yet", "pid", p.pid())
		}
	}
}

// A roll holds the plugins that have not ended. The zero value is empty.
type roll struct {
	mu      sync.Mutex // guards plugins; nothing is called under it
	plugins []*supervised
}

func (r *roll) add(s *supervised) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plugins = append(r.plugins, s)
}

func (r *roll) remove(s *supervised) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plugins = slices.DeleteFunc(r.plugins, func(other *supervised) bool { return other == s })
}

func (r *roll) list() []*supervised {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.plugins)
}

// enlist is [Host.Add] for a folder of plugins: one that is killed is there and starts
// when it is revived.
func (h *Host) enlist(ctx context.Context, d Descriptor) error {
	d, err := h.check(d)
	if err != nil {
		return err
	}
	return h.start(ctx, d, true)
}

// heed brings the plugin in line with the kill switch. It returns the process that it
// ends thereby, or nil.
func (s *supervised) heed() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heedLocked()
}

// heedLocked is heed for those who hold mu.
func (s *supervised) heedLocked() *process {
	order, killed := s.host.sentence(s.d.Name, s.d.Version, s.declared)
	switch {
	case killed && s.sentence != nil: // perhaps by another order
		s.sentence = killedBy(order)
		s.change(s.state, nil)
	case killed:
		s.sentence = killedBy(order)
		s.turn()
		if s.abort != nil {
			s.abort()
		}
		s.log.Error("plugin killed", "target", order.Target, "reason", order.Reason, "by", order.By, "epoch", order.Epoch)
		if s.state != Stopped {
			s.change(s.state, nil)
		}
		if s.proc != nil {
			s.proc.sentence.Store(&order)
			s.proc.signal(killSignal)
		}
		return s.proc
	case s.sentence != nil:
		s.sentence, s.lastErr = nil, nil
		s.turn()
		if s.state == Killed {
			s.change(Starting, nil)
		}
		s.log.Info("plugin revived")
	}
	return nil
}

// turn tells that the sentence has become another. The caller holds mu.
func (s *supervised) turn() {
	close(s.turned)
	s.turned = make(chan struct{})
}

// verdict is why the plugin is killed, if it is, and a channel that is closed when
// that changes.
func (s *supervised) verdict() (killed *KilledError, turned <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sentence, s.turned
}

// killed is why the plugin is killed, or nil.
func (s *supervised) killed() *KilledError {
	killed, _ := s.verdict()
	return killed
}

// awaitRevival reports false if ctx is done before the plugin is revived.
func (s *supervised) awaitRevival(ctx context.Context) bool {
	for {
		killed, turned := s.verdict()
		if killed == nil {
			return ctx.Err() == nil
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return false
		}
	}
}

// launch starts a process, unless the plugin is killed or becomes so meanwhile: the
// error is then a [*KilledError].
func (s *supervised) launch(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	if s.sentence != nil {
		defer s.mu.Unlock()
		return nil, s.sentence
	}
	s.abort = cancel
	s.mu.Unlock()
	p, err := s.host.launch(ctx, s.d, s.log)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abort = nil
	if err != nil && s.sentence != nil {
		return nil, s.sentence
	}
	return p, err
}

// runningStreams are the streams that a kill may have to end. The zero value is empty.
type runningStreams struct {
	mu      sync.Mutex // guards streams
	streams map[*runningStream]struct{}
}

type runningStream struct {
	capability string
	instance   string // the host that serves it
	cut        context.CancelCauseFunc
}

func (r *runningStream) hit(t kill.Target) bool {
	return t == kill.Capability(r.capability) || t == kill.Instance(r.capability, r.instance)
}

// enter makes a stream known that is about to be opened. Its context ends with a
// [*KilledError] if what it uses is killed. Leave may be called again.
func (h *Host) enter(ctx context.Context, r request, t *target) (_ context.Context, leave func()) {
	if h.kill == nil {
		return ctx, func() {}
	}
	ctx, cut := context.WithCancelCause(ctx)
	s := &runningStream{capability: r.capability, instance: t.instance, cut: cut}
	if t.conn == nil {
		s.instance = h.self.ID
	}
	h.streams.add(s)
	for _, target := range []kill.Target{kill.Capability(s.capability), kill.Instance(s.capability, s.instance)} {
		if killed := h.struck(target); killed != nil {
			cut(killed.refusing(r.capability))
		}
	}
	return ctx, func() {
		h.streams.remove(s)
		cut(nil)
	}
}

func (r *runningStreams) add(s *runningStream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.streams == nil {
		r.streams = make(map[*runningStream]struct{})
	}
	r.streams[s] = struct{}{}
}

func (r *runningStreams) remove(s *runningStream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.streams, s)
}

// cut ends the streams that an order hits.
func (r *runningStreams) cut(o kill.Order) {
	if !o.Killed() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.streams {
		if s.hit(o.Target) {
			s.cut(interruptedBy(o, s.capability))
		}
	}
}

// killedIn is why a stream was cut, or nil.
func killedIn(ctx context.Context) error {
	if killed, ok := errors.AsType[*KilledError](context.Cause(ctx)); ok {
		return killed
	}
	return nil
}
