package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"aead.dev/minisign"
	"github.com/tetratelabs/wazero"
	"google.golang.org/grpc"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/plugin/internal/handshake"
)

// Options adjust a [Host]. The zero value is a good start.
type Options struct {
	// Logger receives the host's log and the output of plugins, with the
	// attribute plugin_name. Nil discards it.
	Logger *slog.Logger
	// Directory lists the host's two registries, "plugins" and "capabilities".
	// Nil means the process-wide one.
	Directory *roster.Directory
	// Linked holds the linked-in functions by capability. The host reads it
	// once, in NewHost. Nil means none.
	Linked roster.View[Function]
	// Services holds the linked-in gRPC services by capability, which is mostly the
	// service's full name. The host reads it once, in NewHost. Nil means none.
	Services roster.View[Service]
	// APIVersions is the allow-list for plugins. Nil means v1 alone.
	APIVersions []string
	// EndOfLife says until when the host takes plugins of a version. From that
	// moment they are not added and do not replace others; one that is there goes
	// on until it is removed, also after a crash. In the thirty days before that,
	// adding one is logged as a warning. A version without an entry has no end.
	EndOfLife map[string]time.Time
	// CallTimeout bounds a call whose context has no deadline: 30 s if zero.
	// Streams are not bounded.
	CallTimeout time.Duration
	// StartTimeout bounds a plugin's way from start to ready: 30 s if zero.
	StartTimeout time.Duration
	// StopGrace is how long a plugin may take to finish its calls and shut
	// down: 5 s if zero. It then gets SIGTERM, and SIGKILL at most 2 s later.
	StopGrace time.Duration
	// Config is the host's own config for its plugins by their names, a registry so
	// that it can change: each entry is a JSON object that is merged into the config
	// of the descriptor as a JSON Merge Patch (RFC 7396). A change reaches a plugin
	// while it serves if it can take one, and as a swap of its process if not. The
	// host reads it and never writes. Nil means that there is none.
	Config *roster.Hot[json.RawMessage]
	// Sandbox is what every process of a plugin is held to at least. It wins over what
	// a descriptor says: a plugin that asks for more is refused. Its Read and Write are
	// the most that a descriptor may ask for; one that asks for nothing gets none of
	// them. They may be relative, and are then in the folder of each plugin.
	Sandbox Sandbox
	// TrustedKeys are public keys of minisign. If there are any, each program and module
	// must have a signature of one of them beside it (PROGRAM.minisig).
	TrustedKeys []string
	// Observer is told of calls and restarts. Nil means that nobody is.
	Observer Observer
	// Kill is the process's kill switch. What it has killed is not served: a
	// capability, a plugin or one version of it, an instance. Nil means that nothing is
	// ever killed.
	Kill *kill.Switch
	// Fleet knows the other hosts. Nil means that there are none.
	Fleet Fleet
	// PeerOptions are for the connections to other hosts, such as their credentials. Without
	// any, calls to them are in the clear and prove nothing.
	PeerOptions []grpc.DialOption
	// Host, Region and Zone say where this host is, for errors and answers and
	// to find the nearest peer. Host is the machine's name if empty.
	Host, Region, Zone string

	policy *policy // nil means defaultPolicy; set by tests
}

// A Host runs plugins and routes calls to whoever serves a capability. Create
// one with [NewHost] and end it with [Host.Close].
type Host struct {
	log          *slog.Logger
	apiVersions  []string
	endOfLife    map[string]time.Time
	callTimeout  time.Duration
	startTimeout time.Duration
	stopGrace    time.Duration
	configs      *roster.Hot[json.RawMessage] // nil if there is none
	sandbox      Sandbox
	observer     Observer // may be nil
	fleet        Fleet
	kill         *kill.Switch // nil if there is none
	self         Peer         // Address is empty
	policy       policy

	roll    roll
	streams runningStreams
	unhook  func() // from the kill switch

	plugins      *roster.Hot[*supervised]
	capabilities *roster.Hot[*offer]
	changes      *broadcast
	peers        *peerPool
	spawner      *spawner
	modules      wazero.CompilationCache // compiled modules, so that a module with another config is not compiled again
	startSlots   chan struct{}
	dir          string   // private, holds the plugins' sockets
	lock         *os.File // of dir; nil if there is none
	trusted      []minisign.PublicKey
	stopLinked   func() // ends the server of linked-in services

	mu      sync.Mutex // serialises changes of the two registries; guards closed and waiting
	closed  bool
	waiting map[*supervised]struct{} // to take the place of another plugin

	replacements sync.WaitGroup     // of plugins whose config has changed
	unfollow     context.CancelFunc // ends the following of configs
	followed     chan struct{}      // closed when that has ended

	closing  chan struct{} // closed when Close begins
	finished chan struct{} // closed when Close has ended everything
}

// NewHost creates a host that serves the linked-in functions. The error is
// that of creating a private directory for sockets, or of a linked-in function
// that cannot be registered.
func NewHost(o Options) (h *Host, err error) {
	h = &Host{
		log:          o.Logger,
		apiVersions:  slices.Clone(o.APIVersions),
		endOfLife:    maps.Clone(o.EndOfLife),
		callTimeout:  orDefault(o.CallTimeout, 30*time.Second),
		startTimeout: orDefault(o.StartTimeout, 30*time.Second),
		stopGrace:    orDefault(o.StopGrace, 5*time.Second),
		configs:      o.Config,
		sandbox:      o.Sandbox,
		observer:     o.Observer,
		fleet:        o.Fleet,
		kill:         o.Kill,
		self:         Peer{ID: o.Host, Region: o.Region, Zone: o.Zone},
		policy:       defaultPolicy(),
		changes:      newBroadcast(),
		startSlots:   make(chan struct{}, max(2, runtime.GOMAXPROCS(0))),
		waiting:      make(map[*supervised]struct{}),
		closing:      make(chan struct{}),
		finished:     make(chan struct{}),
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.apiVersions == nil {
		h.apiVersions = []string{handshake.APIVersion}
	}
	if err := o.checkLifetimes(h.apiVersions); err != nil {
		return nil, err
	}
	if err := h.sandbox.check(func(_, problem, fix string) error {
		return fmt.Errorf("plugin: Options.Sandbox: %s; %s", problem, fix)
	}); err != nil {
		return nil, err
	}
	if h.self.ID == "" {
		h.self.ID, _ = os.Hostname() // a host without a name is an unnamed host
	}
	if o.policy != nil {
		h.policy = *o.policy
	}
	h.plugins = roster.NewHot[*supervised](roster.Named("plugins"), roster.In(o.Directory))
	h.capabilities = roster.NewHot[*offer](roster.Named("capabilities"), roster.In(o.Directory))
	if o.Linked != nil {
		for name, fn := range o.Linked.All() {
			if err := h.capabilities.TryRegister(name, &offer{kind: KindFunction, linked: fn}); err != nil {
				return nil, fmt.Errorf("plugin: linked-in function: %w", err)
			}
		}
	}
	if h.trusted, err = parseKeys(o.TrustedKeys); err != nil {
		return nil, err
	}
	h.stopLinked, h.unhook = func() {}, func() {}
	if o.Services != nil {
		if err := h.linkServices(maps.Collect(o.Services.All())); err != nil {
			return nil, err
		}
	}
	clearLeftovers(h.log)
	dir, lock, err := newFolder()
	if err != nil {
		h.stopLinked()
		return nil, fmt.Errorf("plugin: directory for sockets: %w; make %s writable or set TMPDIR", err, os.TempDir())
	}
	h.dir, h.lock = dir, lock
	h.peers = newPeerPool(o.PeerOptions)
	h.spawner = newSpawner()
	h.modules = wazero.NewCompilationCache()
	following, cancel := context.WithCancel(context.Background())
	h.unfollow, h.followed = cancel, make(chan struct{})
	go func() {
		defer close(h.followed)
		if h.configs != nil {
			h.followConfigs(following)
		}
	}()
	if h.kill != nil {
		h.unhook = h.kill.OnChange(h.obey)
	}
	return h, nil
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// errClosed is the reason that calls and additions get after Close.
var errClosed = errors.New("the host is closed")

// Add starts a plugin and publishes its capabilities once it is ready. If that
// fails nothing of it remains. Errors are [*DescriptorError],
// [*APIVersionError], [*ChecksumError], [*ClashError], [*StartError],
// [*GrantError] and [*OfferError], and a [*KilledError] for a plugin that is killed
// (see [Options]).
//
// The plugin runs until [Host.Remove] or [Host.Close]; ctx bounds only the
// start.
func (h *Host) Add(ctx context.Context, d Descriptor) error {
	d, err := h.check(d)
	if err == nil {
		err = h.add(ctx, d)
	}
	return err
}

// add is Add of a descriptor that was checked. A plugin that is killed is refused.
func (h *Host) add(ctx context.Context, d Descriptor) error {
	if err := h.killedPlugin(d.Name, d.Version); err != nil {
		return fmt.Errorf("plugin: %s: cannot add %q: %w", d.Source, d.Name, err)
	}
	return h.start(ctx, d, false)
}

// start starts a plugin and publishes it. Dormant lets in one that is killed: it is
// there, says so, and starts when it is revived.
func (h *Host) start(ctx context.Context, d Descriptor, dormant bool) error {
	s, err := h.reserve(d)
	if err != nil {
		return err
	}
	select {
	case err = <-s.first:
	case <-ctx.Done():
		err = fmt.Errorf("plugin: %s: start of %q: %w", d.Source, d.Name, context.Cause(ctx))
	}
	if killed := s.killed(); err == nil && killed != nil && !dormant {
		err = fmt.Errorf("plugin: %s: cannot add %q: %w", d.Source, d.Name, killed)
	}
	if err == nil {
		err = h.publish(s)
	}
	if err != nil {
		h.withdraw(s)
		<-s.done
	}
	return err
}

// check looks at all that can be known of a plugin without starting it.
func (h *Host) check(d Descriptor) (Descriptor, error) {
	d, err := d.normalized()
	if err != nil {
		return d, err
	}
	if err := h.checkVersion(d); err != nil {
		return d, err
	}
	if _, err := d.Sandbox.within(h.sandbox, d.fault); err != nil {
		return d, err
	}
	if d.Attach != "" && (h.sandbox.needsShim() || len(h.trusted) > 0) {
		return d, d.fault("attach", "this host holds every plugin to a sandbox or demands signatures, and cannot for one that somebody else has started",
			"debug it on a host without")
	}
	if !d.hasProgram() {
		_, err := d.credentials()
		return d, err
	}
	exe, err := h.openProgram(d)
	if err != nil {
		return d, err
	}
	exe.close()
	return d, nil
}

// openProgram opens the program of a descriptor and checks all that is to be known of it.
func (h *Host) openProgram(d Descriptor) (*executable, error) {
	if err := d.checkAccess(); err != nil {
		return nil, err
	}
	exe, err := openExecutable(d)
	if err != nil {
		return nil, err
	}
	if err := h.checkSignature(d, exe); err != nil {
		exe.close()
		return nil, err
	}
	return exe, nil
}

// reserve takes the plugin's name and starts it.
func (h *Host) reserve(d Descriptor) (*supervised, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, fmt.Errorf("plugin: %s: cannot add %q: %w", d.Source, d.Name, errClosed)
	}
	if existing, taken := h.plugins.Peek(d.Name); taken {
		return nil, &ClashError{Name: d.Name, Existing: existing.d.Source, Refused: d.Source}
	}
	s := h.supervise(d)
	if err := h.plugins.TryRegister(d.Name, s); err != nil {
		s.halt()
		return nil, fmt.Errorf("plugin: %s: %w", d.Source, err)
	}
	return s, nil
}

// withdraw takes a plugin out of both registries and asks it to end.
func (h *Host) withdraw(s *supervised) {
	h.mu.Lock()
	h.retract(s)
	if current, ok := h.plugins.Peek(s.d.Name); ok && current == s {
		_ = h.plugins.Unregister(s.d.Name) // it is there, and h.mu keeps it there
	}
	h.mu.Unlock()
	s.halt()
	h.changes.send()
}

// Remove takes a plugin out of service, drains its calls and ends its process.
// It returns when the process is gone, or with ctx's error before; the plugin
// ends all the same. The error is a [*roster.UnknownError] if there is no plugin
// of that name.
func (h *Host) Remove(ctx context.Context, name string) error {
	s, there := h.plugins.Peek(name)
	if !there {
		_, err := h.plugins.Lookup(name)
		return fmt.Errorf("plugin: cannot remove: %w", err)
	}
	h.withdraw(s)
	return s.ended(ctx)
}

// LoadDir adds every plugin that has a descriptor in dir: dir/plugin.yaml and
// dir/*/plugin.yaml. If any of them cannot be added, none of them stays, and the
// error joins all problems, each of one line. One that is killed is no problem: it is
// there, its [Status] says so, and it starts when it is revived.
func (h *Host) LoadDir(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("plugin: folder of plugins %s; create it or name another", osFault(dir, err))
	}
	paths := descriptorsAt(nil, filepath.Join(dir, DescriptorFile))
	for _, entry := range entries {
		paths = descriptorsAt(paths, filepath.Join(dir, entry.Name(), DescriptorFile))
	}
	if len(paths) == 0 {
		h.log.Warn("the folder of plugins holds none: there is no "+DescriptorFile+" in it or in its folders", "folder", dir)
	}
	descriptors, faults := h.readAll(paths)
	if faults != nil {
		return errors.Join(faults...)
	}
	return h.addAll(ctx, descriptors)
}

// descriptorsAt adds path to paths unless nothing can be there. A file that cannot be
// looked at is added too, so that reading it says why.
func descriptorsAt(paths []string, path string) []string {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return paths
	}
	return append(paths, path)
}

// readAll reads and checks descriptors, and names of more than one.
func (h *Host) readAll(paths []string) (descriptors []Descriptor, faults []error) {
	sources := map[string]string{}
	for _, path := range paths {
		d, err := ReadDescriptor(path)
		if err == nil {
			d, err = h.check(d)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if first, taken := sources[d.Name]; taken {
			faults = append(faults, &ClashError{Name: d.Name, Existing: first, Refused: path})
			continue
		}
		sources[d.Name] = path
		descriptors = append(descriptors, d)
	}
	return descriptors, faults
}

// addAll adds plugins side by side, all or none.
func (h *Host) addAll(ctx context.Context, descriptors []Descriptor) error {
	results := make([]error, len(descriptors))
	var adding sync.WaitGroup
	for i, d := range descriptors {
		adding.Go(func() { results[i] = h.start(ctx, d, true) })
	}
	adding.Wait()
	err := errors.Join(results...)
	if err == nil {
		return nil
	}
	for i, d := range descriptors {
		if results[i] == nil {
			adding.Go(func() { _ = h.Remove(context.Background(), d.Name) }) // it may be gone already
		}
	}
	adding.Wait()
	return err
}

// Plugins returns the state of every plugin, sorted by name.
func (h *Host) Plugins() []Status {
	var list []Status
	for _, s := range h.plugins.All() {
		list = append(list, s.status())
	}
	return list
}

// Plugin returns the state of one plugin. The error is a [*roster.UnknownError].
func (h *Host) Plugin(name string) (Status, error) {
	s, err := h.plugins.Lookup(name)
	if err != nil {
		return Status{}, fmt.Errorf("plugin: %w", err)
	}
	return s.status(), nil
}

// Capabilities returns what this host serves itself at the moment, sorted by
// name. A plugin that is not ready serves nothing, and what is killed is not served.
func (h *Host) Capabilities() []CapabilityStatus {
	var list []CapabilityStatus
	for name, o := range h.capabilities.All() {
		if h.struck(kill.Capability(name)) != nil || h.struck(kill.Instance(name, h.self.ID)) != nil {
			continue
		}
		if providers := h.providers(name, o); len(providers) > 0 {
			list = append(list, CapabilityStatus{Name: name, Kind: o.kind, Service: o.service, Providers: providers, Shares: o.shares()})
		}
	}
	return list
}

// Changed returns a channel that is closed when a plugin changes its state or
// is added or removed. To miss nothing, take the channel first and look at
// [Host.Capabilities] or [Host.Plugins] second.
func (h *Host) Changed() <-chan struct{} { return h.changes.next() }

// Close refuses new calls, drains and ends all plugins, and returns when no
// process, socket or goroutine of the host is left. If ctx ends first, the
// processes are killed and Close returns ctx's error once they are gone.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	first := !h.closed
	h.closed = true
	h.mu.Unlock()
	if !first {
		<-h.finished
		return nil
	}
	close(h.closing)
	defer close(h.finished)

	h.unfollow()
	<-h.followed
	all := h.roll.list() // also of plugins that are to take the place of others
	for _, s := range all {
		s.halt()
	}
	err := h.awaitAll(ctx, all)
	for _, s := range all {
		h.withdraw(s)
	}
	h.replacements.Wait()
	h.unhook()
	h.stopLinked()
	h.peers.close()
	h.spawner.close()
	_ = h.modules.Close(context.Background()) // it is memory
	if h.lock != nil {
		_ = h.lock.Close()
	}
	if rmErr := os.RemoveAll(h.dir); rmErr != nil && err == nil {
		err = fmt.Errorf("plugin: directory for sockets: %w", rmErr)
	}
	h.changes.send()
	return err
}

func (h *Host) awaitAll(ctx context.Context, all []*supervised) error {
	for i, s := range all {
		if err := s.ended(ctx); err != nil {
			for _, late := range all[i:] {
				late.killNow()
			}
			for _, late := range all[i:] {
				<-late.done
			}
			return err
		}
	}
	return nil
}
