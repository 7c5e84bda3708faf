package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// State is where a plugin is in its life.
type State string

// The states of a plugin.
const (
	Starting State = "starting" // the process comes up
	Ready    State = "ready"    // it takes calls
	Backoff  State = "backoff"  // it crashed, the next start is due
	Failed   State = "failed"   // it crashed too often and is not started again
	Stopping State = "stopping" // calls are drained, the process ends
	Stopped  State = "stopped"
	Killed   State = "killed" // by the kill switch; it starts again when it is revived
)

// A supervised plugin is one descriptor and whatever process serves it at the
// time. The goroutine of run owns the process; others reach it through acquire.
type supervised struct {
	host *Host
	d    Descriptor
	log  *slog.Logger

	halt  context.CancelFunc // asks run to end the plugin
	done  chan struct{}      // closed when run has returned
	first chan error         // the result of the first start, exactly one

	circuits map[string]*circuit // by capability; not changed

	configChanged chan struct{} // has an element if the host's config may have changed

	mu       sync.Mutex // guards the fields below; no call is made under it
	state    State
	since    time.Time // of state
	proc     *process  // set exactly in Ready, and in Stopping until it is ended
	restarts int
	lastErr  error
	calls    int           // running on proc or on its predecessors
	idle     chan struct{} // closed when calls falls to 0 while somebody waits; nil otherwise

	declared string             // the version that the last process said it is
	sentence *KilledError       // nil unless the plugin is killed
	turned   chan struct{}      // closed when sentence becomes nil or not
	abort    context.CancelFunc // ends a launch; nil if there is none
}

// supervise starts a goroutine that runs the plugin until halt is called.
func (h *Host) supervise(d Descriptor) *supervised {
	ctx, cancel := context.WithCancel(context.Background()) // the plugin outlives the call that adds it
	s := &supervised{
		host: h, d: d, log: h.log.With("plugin_name", d.Name),
		halt: cancel, done: make(chan struct{}), first: make(chan error, 1),
		state: Starting, since: time.Now(), configChanged: make(chan struct{}, 1), turned: make(chan struct{}),
	}
	s.circuits = make(map[string]*circuit, len(d.Capabilities))
	for _, c := range d.Capabilities {
		s.circuits[c.Name] = s.newCircuit(c.Name)
	}
	h.roll.add(s)
	s.heed()
	go s.run(ctx)
	return s
}

// run starts the process, keeps it running, and ends it when ctx is done.
func (s *supervised) run(ctx context.Context) {
	defer close(s.done)
	defer s.host.roll.remove(s)
	p, err := s.launch(ctx)
	if _, killed := errors.AsType[*KilledError](err); killed && ctx.Err() == nil {
		s.first <- nil
		s.keep(ctx, nil)
		return
	}
	if errors.Is(err, errUnreachable) && ctx.Err() == nil {
		// Somebody else's server may come up later, and ours does not depend on it.
		s.log.Warn("endpoint is not reached yet", "error", err)
		s.set(Backoff, err)
		s.first <- nil
		s.keep(ctx, nil)
		return
	}
	if err != nil {
		s.set(Stopped, err)
		s.first <- err
		return
	}
	if !s.ready(p) {
		p = nil
	}
	s.first <- nil
	s.keep(ctx, p)
}

// keep restarts the process whenever it is lost, and when it is revived.
func (s *supervised) keep(ctx context.Context, p *process) {
	var crashes crashHistory
	for attempt := 0; ; attempt++ {
		executed := false // by the kill switch, which is no crash
		if p != nil {
			readyAt := time.Now()
			err := s.watch(ctx, p)
			if err == nil {
				s.end(p)
				return
			}
			if time.Since(readyAt) >= s.host.policy.steady {
				attempt = 0
			}
			executed = p.sentence.Load() != nil
			s.lost(p, err)
		}
		if !s.rest(ctx, executed, &attempt, &crashes) {
			s.set(Stopped, nil)
			return
		}
		s.set(Starting, nil)
		var err error
		if p, err = s.launch(ctx); err != nil {
			if ctx.Err() != nil {
				s.set(Stopped, nil)
				return
			}
			if s.killed() == nil && (!errors.Is(err, errUnreachable) || attempt == 0) { // an endpoint may be away for long
				s.log.Error("plugin restart failed", "error", err)
			}
			s.set(Backoff, err)
			p = nil
			continue
		}
		s.mu.Lock()
		s.restarts++
		reason := restartReason(s.lastErr)
		s.mu.Unlock()
		if s.host.observer != nil {
			s.host.observer.Restarted(s.d.Name, reason)
		}
		if !s.ready(p) {
			p = nil
		}
	}
}

// rest waits until a process may be started: after a kill for the revival, and otherwise
// for a while that grows with the attempts. It reports false if the plugin is to stop.
func (s *supervised) rest(ctx context.Context, executed bool, attempt *int, crashes *crashHistory) bool {
	switch {
	case executed || s.killed() != nil:
	case s.d.hasProgram() && crashes.add(time.Now(), s.host.policy):
		if !s.giveUp(ctx) {
			return false
		}
	default:
		return pause(ctx, s.host.policy.backoff(*attempt))
	}
	*attempt, *crashes = 0, crashHistory{}
	return s.awaitRevival(ctx)
}

// restartReason is why a process is started again, in one word.
func restartReason(err error) string {
	var exit *exitError
	var ill *healthError
	switch {
	case errors.As(err, &exit):
		return "exit"
	case errors.As(err, &ill):
		return "health"
	default:
		return "start"
	}
}

// ready puts a process into service, unless it turns out to be killed.
func (s *supervised) ready(p *process) bool {
	s.mu.Lock()
	s.declared = p.declared.GetVersion()
	s.heedLocked() // the version may be known only now
	if s.sentence != nil {
		s.mu.Unlock()
		s.discard(p)
		return false
	}
	s.proc = p
	s.change(Ready, nil)
	s.mu.Unlock()
	s.host.changes.send()
	names := make([]string, len(s.d.Capabilities))
	for i, c := range s.d.Capabilities {
		names[i] = c.Name
	}
	s.log.Info("runtime_loaded_handlers", "handler_name", s.d.Name,
		"handler_version", cmp.Or(s.d.Version, p.declared.GetVersion()), "source", s.d.runsAs(), "descriptor", s.d.Source,
		"capabilities", names, "pid", p.pid(), "checksum", s.checksum())
	return true
}

// watch returns nil when the plugin is to stop, or why the process was lost.
func (s *supervised) watch(ctx context.Context, p *process) error {
	pol := s.host.policy
	tick := time.NewTicker(pol.healthInterval)
	defer tick.Stop()
	misses := 0
	_, turned := s.verdict()
	if order := p.sentence.Load(); order != nil {
		return killedBy(*order)
	}
	s.reconfigure(ctx, p) // the config may have changed while the process started
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-turned:
			if order := p.sentence.Load(); order != nil { // also if it was revived meanwhile
				return killedBy(*order)
			}
			_, turned = s.verdict()
			continue
		case <-p.over():
			exit, stderr := p.ending()
			return &exitError{exit: exit, stderr: stderr}
		case <-s.configChanged:
			s.reconfigure(ctx, p)
			continue
		case <-tick.C:
		}
		check, cancel := context.WithTimeout(ctx, pol.healthTimeout)
		err := p.health(check)
		cancel()
		if err == nil || ctx.Err() != nil {
			misses = 0
			continue
		}
		misses++
		s.log.Warn("plugin failed a health check", "error", err, "misses", misses, "limit", pol.healthMisses)
		if misses == pol.healthMisses {
			return &healthError{misses, err}
		}
	}
}

// A healthError says that a process was not well.
type healthError struct {
	misses int
	last   error
}

func (e *healthError) Error() string {
	return fmt.Sprintf("killed after %d failed health checks, the last one: %v", e.misses, e.last)
}

// An exitError says how a process ended that nobody had asked to.
type exitError struct {
	exit   string
	stderr []string
}

func (e *exitError) Error() string {
	return "the process ended with " + e.exit + stderrClause(e.stderr)
}

// lost takes the process out of service and clears its remains away.
func (s *supervised) lost(p *process, err error) {
	s.mu.Lock()
	s.proc = nil
	s.change(Backoff, err)
	s.mu.Unlock()
	s.host.changes.send()
	if p.sentence.Load() == nil { // otherwise it is logged already
		s.log.Error("plugin lost", "error", err, "pid", p.pid())
	}
	s.discard(p)
}

// discard ends a process that serves no more.
func (s *supervised) discard(p *process) {
	if !p.kill() {
		s.log.Error("plugin process does not end, the kernel holds it", "pid", p.pid())
	}
	p.disconnect()
}

// giveUp waits for the plugin's end, or reports true for its kill, after which a
// revival starts it afresh.
func (s *supervised) giveUp(ctx context.Context) (killed bool) {
	pol := s.host.policy
	s.mu.Lock()
	last, turned := s.lastErr, s.turned
	if s.sentence != nil {
		s.mu.Unlock()
		return true
	}
	s.mu.Unlock()
	err := fmt.Errorf("%d crashes within %s, not started again: correct the plugin, then remove and add it, or restart the host; last crash: %w",
		pol.crashLimit, pol.crashWindow, last)
	s.set(Failed, err)
	s.log.Error("plugin failed for good", "error", err)
	select {
	case <-turned:
		return true
	case <-ctx.Done():
		return false
	}
}

// pause waits for d and reports false if ctx is done before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// end drains the calls and ends the process. Drain and Shutdown share the
// host's stop grace.
func (s *supervised) end(p *process) {
	grace := s.host.stopGrace
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	s.set(Stopping, nil)
	if !s.drained(ctx) {
		s.log.Warn("plugin stops with calls still running", "waited", grace)
	}
	if !p.shutdown(ctx, min(grace, s.host.policy.maxTerminateGrace)) {
		s.log.Error("plugin process does not end, the kernel holds it", "pid", p.pid())
	}
	s.mu.Lock()
	s.proc = nil
	s.mu.Unlock()
	s.set(Stopped, nil)
	s.log.Info("plugin stopped", "pid", p.pid(), "exit", p.ownExit())
}

func (s *supervised) drained(ctx context.Context) bool {
	s.mu.Lock()
	if s.calls == 0 {
		s.mu.Unlock()
		return true
	}
	s.idle = make(chan struct{})
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
		return true
	case <-ctx.Done():
		return false
	}
}

// set moves to a state and tells everybody.
func (s *supervised) set(state State, err error) {
	s.mu.Lock()
	s.change(state, err)
	s.mu.Unlock()
	s.host.changes.send()
}

// change is set for those who hold mu.
func (s *supervised) change(state State, err error) {
	if s.sentence != nil && state != Stopping && state != Stopped {
		state, err = Killed, s.sentence
	}
	s.state, s.since = state, time.Now()
	if err != nil {
		s.lastErr = err
	}
}

// acquire returns the process for one call if it is ready. Each success must be
// followed by one release.
func (s *supervised) acquire() (*process, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != Ready {
		return nil, false
	}
	s.calls++
	return s.proc, true
}

func (s *supervised) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
	if s.calls == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// current returns the state and why the plugin is not ready, for an error.
func (s *supervised) current() (State, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reason := string(s.state)
	if s.lastErr != nil && s.state != Ready {
		reason += ": " + oneLine(s.lastErr.Error())
	}
	return s.state, reason
}

// ended waits until the plugin has ended or ctx is done.
func (s *supervised) ended(ctx context.Context) error {
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop of plugin %s: %w", s.d.Name, ctx.Err())
	}
}

// killNow ends the process without ceremony; run notices by itself.
func (s *supervised) killNow() {
	s.mu.Lock()
	p := s.proc
	s.mu.Unlock()
	if p != nil {
		p.signal(killSignal)
	}
}

func (s *supervised) checksum() string {
	switch {
	case !s.d.hasProgram():
		return NoProgram
	case s.d.SHA256 == "":
		return NotPinned
	default:
		return Verified
	}
}

func (s *supervised) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{
		Name: s.d.Name, Version: s.d.Version, APIVersion: s.d.APIVersion, EndOfLife: s.host.endOfLife[s.d.APIVersion], State: s.state,
		Restarts: s.restarts, Since: s.since, Checksum: s.checksum(), Source: s.d.Source,
	}
	if s.proc != nil {
		st.PID = s.proc.pid()
		st.Version = cmp.Or(st.Version, s.proc.declared.GetVersion())
		st.Sandbox, st.ConfigSchema = slices.Clone(s.proc.sandbox), s.proc.declared.GetConfigSchema()
	}
	if s.lastErr != nil {
		st.LastError = s.lastErr.Error()
	}
	for _, c := range s.d.Capabilities {
		if s.circuits[c.Name].open() {
			st.Open = append(st.Open, c.Name)
		}
		st.Capabilities = append(st.Capabilities, c.Name)
	}
	return st
}

// lostCall turns the break of a connection into the error of the call that ran
// on it, once the process's fate is known.
func (s *supervised) lostCall(ctx context.Context, p *process, capability string, by Provider) error {
	if order := p.sentence.Load(); order != nil {
		return interruptedBy(*order, capability)
	}
	timer := time.NewTimer(killGrace)
	defer timer.Stop()
	select {
	case <-p.over():
		exit, stderr := p.ending()
		return &CrashedError{Capability: capability, Provider: by, Exit: exit, Stderr: stderr}
	case <-timer.C:
	case <-ctx.Done():
		if !errors.Is(ctx.Err(), context.Canceled) {
			return &InterruptedError{Capability: capability, Provider: by, Err: ctx.Err()}
		}
	}
	return &CrashedError{Capability: capability, Provider: by}
}
