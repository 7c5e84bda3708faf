package plugin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/kill"
	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
	"github.com/roster-go/roster/plugin/internal/lane"
)

// A process is what serves a plugin at the time: mostly a process that has been
// initialised, and the connection to it.
type process struct {
	life
	conn     *grpc.ClientConn
	plugin   pluginv1.PluginServiceClient // for one that is not foreign
	foreign  bool                         // it does not speak our protocol
	attached bool                         // its process is not ours
	lane     *lane.Client                 // nil if all calls go over conn
	module   *module                      // of WebAssembly; it has no connection
	declared *pluginv1.DescribeResponse   // set before anybody else sees the process
	config   json.RawMessage              // as it is written; of the supervisor's goroutine
	refused  json.RawMessage              // the config that it would not take last; as above

	sentence atomic.Pointer[kill.Order] // of the kill switch, if that ends the process; nil otherwise

	sandbox    []Control
	idempotent map[string]bool // capabilities and full methods that the plugin says may be run twice

	streams sync.WaitGroup // goroutines that read from the connection
	cancel  context.CancelFunc
}

// launch verifies, starts and initialises a process for d within timeout. If it
// fails nothing of the process remains.
func (h *Host) launch(ctx context.Context, d Descriptor, log *slog.Logger) (*process, error) {
	switch {
	case d.Endpoint != "":
		return h.connect(ctx, d)
	case d.Module != "":
		return h.load(ctx, d, log)
	case d.Attach != "":
		return h.attach(ctx, d, log)
	}
	select { // many starts at once make each miss its timeout
	case h.startSlots <- struct{}{}:
		defer func() { <-h.startSlots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("start of plugin %s: %w", d.Name, context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeout(ctx, h.startTimeout)
	defer cancel()

	exe, err := h.openProgram(d)
	if err != nil {
		return nil, err
	}
	defer exe.close()
	sandbox, err := d.Sandbox.within(h.sandbox, d.fault)
	if err == nil {
		sandbox, err = sandbox.located(d, d.fault)
	}
	if err != nil {
		return nil, err
	}
	l := &launcher{host: h, d: d, log: log, exe: exe, sandbox: sandbox, output: &lineLog{log: log}}
	p, err := l.launch(ctx)
	if err != nil && l.runner != nil {
		l.runner.kill()
	}
	return p, err
}

// A launcher carries one launch from step to step.
type launcher struct {
	host    *Host
	d       Descriptor
	log     *slog.Logger
	exe     *executable
	sandbox Sandbox
	output  *lineLog
	runner  *processRunner // nil until go-plugin asks for it
}

func (l *launcher) launch(ctx context.Context) (*process, error) {
	config, addr, err := l.start(ctx)
	if err != nil {
		return nil, err
	}
	p, err := l.dial(config, addr)
	if err != nil {
		return nil, err
	}
	var unproven string
	if p.sandbox, unproven = l.runner.controls(); unproven != "" { // what is not known to hold is not relied on
		p.disconnect()
		return nil, &StartError{
			Plugin: l.d.Name, Source: l.d.Source, Step: "sandbox", Problem: unproven, Fix: "see the host's log, and start it again",
		}
	}
	for _, c := range p.sandbox {
		if c.State == Degraded || c.State == Unavailable {
			l.log.Warn("a layer of the plugin's sandbox is not enforced", "control", c.Name, "wanted", c.Wanted, "state", c.State, "detail", c.Detail)
		}
	}
	if p.foreign = l.d.foreign(); p.foreign {
		p.declared = &pluginv1.DescribeResponse{}
		if err := p.health(ctx); err != nil {
			p.disconnect()
			return nil, l.callFault(ctx, "health", err)
		}
		return p, nil
	}
	if err := l.describe(ctx, p); err != nil {
		p.disconnect()
		return nil, err
	}
	if err := l.init(ctx, p); err != nil {
		p.disconnect()
		return nil, err
	}
	l.openLane(ctx, p)
	return p, nil
}

// init hands the plugin its config, if it fits.
func (l *launcher) init(ctx context.Context, p *process) error {
	written, err := l.host.configFor(l.d)
	if err != nil {
		return err
	}
	p.config = written
	ready, err := readyConfig(l.d, written, p.declared.GetConfigSchema())
	if err != nil {
		return err
	}
	if _, err := p.plugin.Init(ctx, &pluginv1.InitRequest{Config: ready, Name: l.d.Name}); err != nil {
		return l.callFault(ctx, "init", err)
	}
	return nil
}

// start starts the process and shakes hands with it through go-plugin. Of
// go-plugin's client nothing else is used: its connection cannot be bounded in
// time, brings a broker, and leaks goroutines if the process dies meanwhile.
func (l *launcher) start(ctx context.Context) (*goplugin.ClientConfig, net.Addr, error) {
	deadline, _ := ctx.Deadline()
	var prepared atomic.Pointer[processRunner]
	config := &goplugin.ClientConfig{
		HandshakeConfig:  handshakeOf(l.d),
		Plugins:          goplugin.PluginSet{},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         mutualTLS,
		SkipHostEnv:      true,
		StartTimeout:     max(time.Until(deadline), time.Millisecond),
		Logger:           newHclog(l.log),
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: l.host.dir},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, socketDir string) (runner.Runner, error) {
			r := newProcessRunner(l.d, cmd, l.exe, socketDir, l.host.spawner, l.output)
			if l.sandbox.needsShim() {
				var err error
				if r.confined, err = confine(cmd, l.d, l.exe, socketDir, l.sandbox); err != nil {
					return nil, err
				}
			}
			prepared.Store(r)
			return r, nil
		},
	}
	// go-plugin's start takes no context, but all it waits for is the process.
	stop := context.AfterFunc(ctx, func() {
		if r := prepared.Load(); r != nil {
			r.signal(killSignal)
		}
	})
	addr, err := goplugin.NewClient(config).Start()
	stop()
	l.runner = prepared.Load()
	if err != nil {
		return nil, nil, l.handshakeFault(ctx, err)
	}
	return config, addr, nil
}

func (l *launcher) handshakeFault(ctx context.Context, err error) error {
	e := &StartError{
		Plugin: l.d.Name, Source: l.d.Source, Step: "handshake", Err: err,
		Fix: "a plugin is a program built with the plugin SDK, check the command " + l.exe.path,
	}
	if l.runner == nil || l.runner.handshake == nil {
		e.Step, e.Problem = "start", osFault("it cannot be run", err)
		e.Fix = "check that " + l.exe.path + " is a program for this system"
		return e
	}
	l.runner.kill() // go-plugin has done so; what matters is the wait
	e.Exit, e.Stderr = l.runner.ownExit(), l.output.last()
	line := l.runner.handshake.firstLine()
	_, refused := l.runner.controls()
	switch {
	case refused != "":
		e.Step, e.Problem, e.Exit = "sandbox", refused, ""
		e.Fix = "correct the sandbox in the descriptor, or run the host where it can be enforced"
	case line != "" && strings.Count(line, "|") < 3:
		e.Problem = fmt.Sprintf("it printed %q instead of a handshake", line)
	case line != "":
		e.Problem = oneLine(err.Error())
	case e.Exit != "":
		e.Problem = "it ended before the handshake"
	case errors.Is(ctx.Err(), context.Canceled):
		e.Problem, e.Fix = "the host stopped it", "nothing is to be done"
	default:
		e.Problem = fmt.Sprintf("it said nothing for %s", l.host.startTimeout)
	}
	return e
}

// dial connects to the process with the keys of the handshake.
func (l *launcher) dial(config *goplugin.ClientConfig, addr net.Addr) (*process, error) {
	protection := insecure.NewCredentials()
	if config.TLSConfig != nil {
		protection = credentials.NewTLS(config.TLSConfig)
	}
	conn, err := grpc.NewClient("passthrough:///"+l.d.Name, dialOptions(
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, addr.Network(), addr.String())
			if err != nil {
				return nil, err //nolint:wrapcheck // gRPC adds what it is about
			}
			if err := l.runner.checkPeer(conn); err != nil {
				_ = conn.Close()
				return nil, err
			}
			return conn, nil
		}),
		grpc.WithTransportCredentials(protection),
	)...)
	if err != nil {
		return nil, &StartError{
			Plugin: l.d.Name, Source: l.d.Source, Step: "handshake", Problem: oneLine(err.Error()), Err: err,
			Fix: "rebuild the plugin with the current SDK",
		}
	}
	ctx, cancel := context.WithCancel(context.Background()) // the process's life, not the launch's
	p := &process{life: l.runner, conn: conn, plugin: pluginv1.NewPluginServiceClient(conn), cancel: cancel}
	p.streams.Go(func() { followOutput(ctx, conn, l.output) })
	return p, nil
}

// describe asks the process what it is and compares that with its descriptor.
func (l *launcher) describe(ctx context.Context, p *process) error {
	declared, err := p.plugin.Describe(ctx, &pluginv1.DescribeRequest{})
	if err != nil {
		return l.callFault(ctx, "describe", err)
	}
	p.declared, p.idempotent = declared, idempotentOf(declared.GetCapabilities())
	if declared.GetApiVersion() != l.d.APIVersion {
		return &APIVersionError{Plugin: l.d.Name, Source: l.d.Source, Declared: declared.GetApiVersion(), Allowed: []string{l.d.APIVersion}}
	}
	if v := declared.GetVersion(); v != "" && l.d.Version != "" && v != l.d.Version {
		return &StartError{
			Plugin: l.d.Name, Source: l.d.Source, Step: "describe",
			Problem: fmt.Sprintf("it is version %q, its descriptor says %q", v, l.d.Version),
			Fix:     "make the two agree",
		}
	}
	return checkGrants(l.d, declared.GetCapabilities(), l.log)
}

func idempotentOf(declared []*pluginv1.Capability) map[string]bool {
	harmless := map[string]bool{}
	for _, c := range declared {
		if c.GetIdempotent() {
			harmless[c.GetName()] = true
		}
		for _, method := range c.GetIdempotentMethods() {
			harmless["/"+c.GetService()+"/"+method] = true
		}
	}
	return harmless
}

// checkGrants sees to it that the plugin has what the descriptor grants. What
// it declares beyond that is not served.
func checkGrants(d Descriptor, declared []*pluginv1.Capability, log *slog.Logger) error {
	has := map[Capability]bool{}
	names := make([]string, 0, len(declared))
	for _, c := range declared {
		if c.GetKind() == pluginv1.Kind_KIND_SERVICE {
			has[Capability{Kind: KindService, Service: c.GetService()}] = true
			names = append(names, "service "+c.GetService())
		} else {
			has[Capability{Kind: KindFunction, Name: c.GetName()}] = true
			names = append(names, c.GetName())
		}
	}
	var missing []string
	for _, c := range d.Capabilities {
		key, name := Capability{Kind: KindFunction, Name: c.Name}, c.Name
		if c.Kind == KindService {
			key, name = Capability{Kind: KindService, Service: c.Service}, "service "+c.Service
		}
		if !has[key] {
			missing = append(missing, name)
		}
		delete(has, key)
	}
	if missing != nil {
		return &GrantError{Plugin: d.Name, Source: d.Source, Missing: missing, Declared: names}
	}
	for c := range has {
		log.Info("capability declared by the plugin is not granted by its descriptor",
			"capability", cmp.Or(c.Name, c.Service), "source", d.Source)
	}
	return nil
}

// callFault explains why a lifecycle call failed.
func (l *launcher) callFault(ctx context.Context, step string, err error) error {
	e := &StartError{Plugin: l.d.Name, Source: l.d.Source, Step: step, Err: err}
	s, _ := status.FromError(err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Problem, e.Fix = "the host stopped it", "nothing is to be done"
	case ctx.Err() != nil, s.Code() == codes.DeadlineExceeded && expired(ctx):
		e.Problem = fmt.Sprintf("it was not ready within %s", l.host.startTimeout)
		e.Fix = "see its log for what it waits for, or allow it more time to start"
	case s.Code() == codes.Unavailable && l.runner != nil && l.runner.gone(killGrace):
		e.Problem, e.Fix = "it ended", "see its log"
		e.Exit, e.Stderr = l.runner.ownExit(), l.output.last()
	case s.Code() == codes.Unimplemented:
		e.Problem = "it does not serve roster.plugin.v1.PluginService"
		e.Fix = "build it with the plugin SDK"
	default:
		e.Problem, e.Fix = oneLine(s.Message()), "correct the plugin or its config in the descriptor"
	}
	return e
}

// disconnect closes the connection and waits for what reads from it.
func (p *process) disconnect() {
	p.cancel()
	if p.module != nil {
		p.module.close()
		return
	}
	if p.lane != nil {
		p.lane.Close()
	}
	_ = p.conn.Close()
	p.streams.Wait()
}

// shutdown ends the process in order: Shutdown, then the end of its standard
// input with SIGTERM, then SIGKILL. It reports whether the process is gone.
func (p *process) shutdown(ctx context.Context, grace time.Duration) bool {
	if p.ownExit() == "" {
		p.bye(ctx)
	}
	p.disconnect()
	return p.terminate(grace)
}
